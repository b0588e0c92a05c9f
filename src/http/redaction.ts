/**
 * Returns untrusted text without credentials and invisible characters, truncated to `limit`
 * characters (300 by default), so that an error message can contain it.
 */
export type Redact = (text: string, limit?: number) => string

// Includes format characters (bidirectional overrides, zero-width characters), because they can
// hide text as control characters can.
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A maximal sequence of the characters that a JWT consists of. */
const RUN = /[\w.-]+/g

/**
 * Returns a {@link Redact} that replaces the given credentials, in every encoding in which the
 * client sends them, and everything that looks like a JWT.
 *
 * The function cannot recognize a credential that the server altered in another way, for example by
 * reversing, hashing or splitting it.
 */
export function redactor(credentials: readonly string[], clientId: string): Redact {
  const spellings = credentials
    .flatMap((credential) => spellingsOf(credential, clientId))
    // The longest spelling comes first: otherwise a shorter spelling that it contains would match
    // instead, and the rest of the longer one would stay visible.
    .sort((a, b) => b.length - a.length)
  // The alternative `(?!)` never matches. Without it, an empty list would give an empty pattern,
  // which matches everywhere.
  const alternatives = [...new Set(spellings)].map(escapeRegExp).concat('(?!)')
  const pattern = new RegExp(alternatives.join('|'), 'giu')
  return (text, limit = 300) => {
    // Invisible characters are removed before the search, because removing them afterwards could
    // join the parts of a credential.
    const visible = text.replace(INVISIBLE, '')
    const clean = visible.replace(pattern, '[redacted]').replace(RUN, withoutJwt)
    return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean
  }
}

/**
 * Replaces everything from the start of the first JWT in the run with "[redacted]". Returns the run
 * unchanged if it contains no JWT.
 *
 * Splits the run at its dots, because a regular expression would search for a dot from each
 * possible start of a JWT. A hostile server could then block the process for minutes with a
 * megabyte of repeated starts.
 */
function withoutJwt(run: string): string {
  const parts = run.split('.')
  const first = parts.findIndex((part, i) => part.includes('eyJ') && parts[i + 1])
  const header = parts[first]
  if (header === undefined) return run
  const before = [...parts.slice(0, first), header.slice(0, header.indexOf('eyJ'))]
  return `${before.join('.')}[redacted]`
}

/**
 * Returns the credential in every encoding in which a request or an error message may contain it.
 */
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
