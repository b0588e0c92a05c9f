/**
 * Detects points of Ed25519 whose order divides eight. If such a point is the public key, any
 * attacker can forge signatures, as with an RSA exponent of 1. RFC 8032 §5.1.7 does not exclude
 * these points.
 */
import type { KeyObject } from 'node:crypto'

/**
 * The y coordinates of these points in little-endian hex, also in non-canonical encodings.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * Whether the public key is a point of small order.
 *
 * @param key must be an Ed25519 key.
 */
export function isOfSmallOrder(key: KeyObject): boolean {
  const { x = '' } = key.export({ format: 'jwk' })
  const bytes = Buffer.from(x, 'base64url')
  // Clears the highest bit, which is the sign of x.
  const last = bytes.length - 1
  bytes[last] = (bytes[last] as number) & 0x7f
  return SMALL_ORDER.has(bytes.toString('hex'))
}
