/**
 * RFC 7515 §2: base64url without padding, and nothing else in it. Node's decoder forgives padding,
 * the other alphabet, white space, stray last bits and wide characters; we don't, so that the same
 * bytes have exactly one spelling.
 */

/** The bytes of canonical base64url; `undefined` for anything else, the empty string included. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return isCanonical(text, bytes.length) ? bytes : undefined
}

/**
 * Told by the length of what was decoded, which is cheaper than to look at each character: the
 * decoder skips what is in no alphabet, so that the result is too short. What is left are the two
 * characters of the other alphabet, and wide ones that it cuts to their low byte.
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
