/**
 * Points of Ed25519 whose order divides eight. As a public key, one of them verifies signatures that
 * anyone can write down, as an RSA key with an exponent of 1 does (RFC 8032 §5.1.7 lets them in).
 */
import type { KeyObject } from 'node:crypto'

/** Their y, little-endian in hex, those beyond the prime that are taken for 0 and 1 included. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** @param key of Ed25519. */
export function isOfSmallOrder(key: KeyObject): boolean {
  const { x = '' } = key.export({ format: 'jwk' })
  const bytes = Buffer.from(x, 'base64url')
  // The highest bit is the sign of the other coordinate.
  const last = bytes.length - 1
  bytes[last] = (bytes[last] as number) & 0x7f
  return SMALL_ORDER.has(bytes.toString('hex'))
}
