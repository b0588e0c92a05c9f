/**
 * Decodes canonical base64url without padding (RFC 7515 §2). Node's decoder tolerates padding, the
 * base64 alphabet, white space, non-zero trailing bits and wide characters; these are rejected
 * here, so that the same bytes have exactly one encoding.
 */

/** Decodes canonical base64url; `undefined` for anything else, including the empty string. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return isCanonical(text, bytes.length) ? bytes : undefined
}

/**
 * Whether the text is canonical, by the decoded length, which is cheaper than checking each
 * character: the decoder skips characters of no alphabet, so that the result is too short. The two
 * characters of the base64 alphabet, and wide ones, of which it uses the low byte, are searched
 * for.
 */
function isCanonical(text: string, decodedLength: number): boolean {
  const { length } = text
  const rest = length & 3
  return (
    length > 0 &&
    rest !== 1 &&
    decodedLength === Math.floor((length * 3) / 4) &&
    !hasStrayBits(text, rest) &&
    !text.includes('+') &&
    !text.includes('/') &&
    Buffer.byteLength(text, 'utf8') === length
  )
}

function hasStrayBits(text: string, rest: number): boolean {
  if (rest === 0) return false
  const last = ALPHABET.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 0b1111 : 0b11)) !== 0
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
