/** Removes credentials and control characters from untrusted text, so that it can be shown. */
export type Redact = (text: string, limit?: number) => string

// Format characters (bidirectional overrides, zero-width characters) can hide text, as control
// characters do.
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

const RUN = /[\w.-]+/g

/**
 * Returns a function that removes the given credentials in every encoding in which they are sent,
 * everything that looks like a JWT, and control characters; it then truncates the text to a limit
 * (300 characters by default).
 *
 * It cannot recognize a credential that was altered in another way: reversed, hashed, split.
 */
export function redactor(credentials: readonly string[], clientId: string): Redact {
  const spellings = credentials
    .flatMap((credential) => spellingsOf(credential, clientId))
    // Longest first: a longer spelling may contain a shorter one, and would be redacted only in
    // part.
    .sort((a, b) => b.length - a.length)
  // The last alternative never matches; it prevents an empty list from matching everywhere.
  const alternatives = [...new Set(spellings)].map(escapeRegExp).concat('(?!)')
  const pattern = new RegExp(alternatives.join('|'), 'giu')
  return (text, limit = 300) => {
    // Removed first: removing these characters later could join the parts of a credential.
    const visible = text.replace(INVISIBLE, '')
    const clean = visible.replace(pattern, '[redacted]').replace(RUN, withoutJwt)
    return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
  }
}

/**
 * Redacts a run of characters from the start of a JWT on. Splits the run at its dots, because a
 * regular expression would search for a dot from each possible start: hours for a megabyte of
 * repeated starts from a hostile server.
 */
function withoutJwt(run: string): string {
  const parts = run.split('.')
  const first = parts.findIndex((part, i) => part.includes('eyJ') && parts[i + 1])
  const header = parts[first]
  if (header === undefined) return run
  const before = [...parts.slice(0, first), header.slice(0, header.indexOf('eyJ'))]
  return `${before.join('.')}[redacted]`
}

function spellingsOf(credential: string, clientId: string): string[] {
  const formEncoded = formEncode(credential)
  return [
    credential,
    encodeURIComponent(credential),
    formEncoded,
    JSON.stringify(credential).slice(1, -1),
    base64(`${clientId}:${credential}`),
    base64(`${formEncode(clientId)}:${formEncoded}`),
    base64(credential),
  ]
    .map((spelling) => spelling.replace(INVISIBLE, ''))
    .filter((spelling) => spelling !== '')
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64').replace(/=+$/, '')
}

function escapeRegExp(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
