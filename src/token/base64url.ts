/**
 * Decodes canonical base64url without padding (RFC 7515 §2). Node's decoder tolerates padding, the
 * characters `+` and `/` of base64, white space, non-zero trailing bits and non-ASCII characters.
 * This module rejects them, so that each byte sequence has exactly one encoding.
 */

/** Returns the bytes; `undefined` if the text is empty or not canonical base64url. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return isCanonical(text, bytes.length) ? bytes : undefined
}

/**
 * Whether the text is canonical. Comparing the decoded length is cheaper than checking each
 * character: the decoder skips characters that are neither base64 nor base64url, so that the result
 * is too short. The decoder accepts `+` and `/`, and reads non-ASCII characters by their low byte,
 * so these characters are searched for.
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

/** Whether the last character has bits that are not part of a whole byte and are not zero. */
function hasStrayBits(text: string, rest: number): boolean {
  if (rest === 0) return false
  const last = ALPHABET.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 0b1111 : 0b11)) !== 0
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
