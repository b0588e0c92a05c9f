import { randomBytes } from 'node:crypto'

/** Of this process, so that nobody, not even who signs tokens, can choose what falls together. */
const SECRET = randomBytes(8)
const SEED = SECRET.readInt32LE(0)
const MULTIPLIER = SECRET.readInt32LE(4) | 1

/**
 * The end of a token: the end of its signature, as good as random, so that a look-up hashes 22
 * characters (132 bits) and not 900. Whoever finds something by it compares the whole token.
 */
export function tailOf(raw: string): string {
  return raw.slice(-22)
}

/**
 * 30 bits of the same, as a number: of a token, or of a header that ends in it. No string is made for
 * it. Whoever finds something by it compares all of the text. It is keyed, because V8 hashes numbers
 * as they are: an issuer of tokens that all fall together could have made each look-up a long one.
 */
export function fingerprintOf(text: string): number {
  let bits = SEED
  // The last character of a signature holds bits that are always zero.
  for (let i = text.length - 2; i > text.length - 8; i--) {
    bits = Math.imul(bits ^ text.charCodeAt(i), MULTIPLIER)
  }
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b_3c6d)
  return (bits ^ (bits >>> 13)) & 0x3fff_ffff
}
