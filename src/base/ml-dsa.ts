/**
 * Detects whether this runtime can verify ML-DSA signatures (RFC 9964): Node 24.6 or later with
 * OpenSSL 3.5 or later. Depends on no version number, because Node may use another OpenSSL.
 */
import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'

/** Size of a public key in bytes, by algorithm (FIPS 204, table 2). */
export const ML_DSA_KEY_BYTES = { 'ML-DSA-44': 1312, 'ML-DSA-65': 1952, 'ML-DSA-87': 2592 } as const

/** An algorithm of RFC 9964. */
export type MlDsaAlgorithm = keyof typeof ML_DSA_KEY_BYTES

/**
 * Imports the public key of a JWK with the `kty` AKP.
 *
 * @throws if the key is malformed, or the runtime does not support the algorithm.
 */
export function importMlDsaKey({ pub }: { readonly pub?: unknown }, algorithm: string): KeyObject {
  const key = { kty: 'AKP', alg: algorithm, pub }
  return createPublicKey({ key, format: 'jwk' } as JsonWebKeyInput)
}

/** Returns whether the function returns without throwing an exception. */
export function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

const pub = Buffer.alloc(ML_DSA_KEY_BYTES['ML-DSA-44'], 1).toString('base64url')

/** Whether this runtime can verify signatures of all three algorithms. */
export const HAS_ML_DSA = succeeds(() => importMlDsaKey({ pub }, 'ML-DSA-44'))
