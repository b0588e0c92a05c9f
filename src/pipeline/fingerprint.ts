import { randomBytes } from 'node:crypto'

/** Random per-process key of the hash, so that not even an issuer can predict a fingerprint. */
const SECRET = randomBytes(8)
const SEED = SECRET.readInt32LE(0)
const MULTIPLIER = SECRET.readInt32LE(4) | 1

/**
 * Returns a keyed 30-bit hash of the end of a token, or of a header that ends in a token, without
 * allocating a string. Callers must compare the whole text after a look-up.
 *
 * The hash is keyed because V8 hashes integer keys predictably: otherwise an issuer could craft
 * tokens that all collide and make every look-up slow.
 */
export function fingerprintOf(text: string): number {
  let bits = SEED
  // Skips the last character: in base64url, some of its bits are always zero.
  for (let i = text.length - 2; i > text.length - 8; i--) {
    bits = Math.imul(bits ^ text.charCodeAt(i), MULTIPLIER)
  }
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b_3c6d)
  return (bits ^ (bits >>> 13)) & 0x3fff_ffff
}
