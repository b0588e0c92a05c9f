/** Turns foreign text into text that can be shown. */
export type Redact = (text: string, limit?: number) => string

// Format characters (bidirectional overrides, zero-width ones) hide text as control characters do.
const invisible = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

const run = /[\w.-]+/g

/**
 * Makes a function that removes the given credentials, in every spelling in which they travel,
 * everything that looks like a JWT, and control characters; then cuts the text at a limit (300
 * characters unless told).
 *
 * It cannot recognise a credential that was altered otherwise: reversed, hashed, cut in two.
 */
export function redactor(credentials: readonly string[], clientId: string): Redact {
  const spellings = credentials
    .flatMap((credential) => spellingsOf(credential, clientId))
    // A longer spelling may contain a shorter one, and would be left in pieces.
    .sort((a, b) => b.length - a.length)
  // The last alternative never matches, and keeps an empty list from matching everywhere.
  const alternatives = [...new Set(spellings)].map(escaped).concat('(?!)')
  const pattern = new RegExp(alternatives.join('|'), 'giu')
  return (text, limit = 300) => {
    // Removed first: what they split would otherwise be joined after the search.
    const visible = text.replace(invisible, '')
    const clean = visible.replace(pattern, '[redacted]').replace(run, withoutJwt)
    return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
  }
}

/**
 * From the beginning of a JWT to the end of the run that it stands in. By parts, because a pattern
 * would look for the dot from each beginning on: hours, for a megabyte that a hostile server makes of
 * nothing else.
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
    .map((spelling) => spelling.replace(invisible, ''))
    .filter((spelling) => spelling !== '')
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64').replace(/=+$/, '')
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
