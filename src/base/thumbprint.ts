/** Computes thumbprints: the SHA-256 of any data or of a JWK (RFC 7638), in base64url. */

import { hash, timingSafeEqual } from 'node:crypto'
import { ownMembers } from './plain-object.js'

export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url')
}

/** Whether two thumbprints are equal. The duration depends only on their lengths. */
export function areEqualThumbprints(first: string, second: string): boolean {
  const [a, b] = [Buffer.from(first), Buffer.from(second)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * The members that are hashed, by `kty`, in order (RFC 7638 §3.2; RFC 8037 §2 for OKP, RFC 9964 §6
 * for AKP).
 */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  AKP: ['alg', 'kty', 'pub'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/** Returns the thumbprint of a JWK; `undefined` unless it is a complete AKP, EC, OKP or RSA key. */
export function thumbprintOf(key: Readonly<Record<string, unknown>>): string | undefined {
  const jwk = ownMembers(key)
  const members =
    typeof jwk.kty === 'string' && Object.hasOwn(MEMBERS, jwk.kty) ? MEMBERS[jwk.kty] : undefined
  if (members?.every((member) => typeof jwk[member] === 'string') !== true) return undefined
  const required = Object.fromEntries(members.map((member) => [member, jwk[member]]))
  return hash('sha256', JSON.stringify(required), 'base64url')
}
