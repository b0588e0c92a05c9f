import { types } from 'node:util'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { ASYMMETRIC_ALGORITHMS, type AsymmetricAlgorithm } from '../../base/algorithms.js'
import { isJsonObject } from '../../base/json-object.js'

/** A client's key pair for DPoP. It can be given to oauth4webapi's `DPoP()` as it is. */
export interface DPoPKey {
  /** What its proofs are signed with. */
  readonly algorithm: AsymmetricAlgorithm
  /** Can be exported, for tests of what happens when it leaks. */
  readonly privateKey: CryptoKey
  /** Its other half, which proofs carry as `jwk`. */
  readonly publicKey: CryptoKey
  /** The public key, as it stands in the header of a proof. */
  readonly jwk: JWK
  /** The `jkt` of tokens that are bound to it (RFC 7638, SHA-256 in base64url). */
  readonly thumbprint: string
}

/**
 * Makes a key pair for DPoP.
 *
 * @param algorithm What its proofs are signed with. Default `ES256`. RSA keys have 2048 bits.
 * @throws {TypeError} there is no such algorithm
 * @see RFC 9449 §4.2
 */
export async function generateDPoPKey(algorithm: AsymmetricAlgorithm = 'ES256'): Promise<DPoPKey> {
  if (!ASYMMETRIC_ALGORITHMS.includes(algorithm)) {
    throw new TypeError(`"algorithm" must be one of ${ASYMMETRIC_ALGORITHMS.join(', ')}`)
  }
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { algorithm, privateKey, publicKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

/** Whether a value has what a {@link DPoPKey} has. */
export function isDPoPKey(value: unknown): value is DPoPKey {
  if (typeof value !== 'object' || value === null) return false
  const { privateKey, publicKey, jwk } = value as Partial<DPoPKey>
  return types.isCryptoKey(privateKey) && types.isCryptoKey(publicKey) && isJsonObject(jwk)
}

/** @throws {TypeError} naming the option */
export function requireDPoPKey(option: string, value: unknown): asserts value is DPoPKey {
  if (!isDPoPKey(value)) throw new TypeError(`"${option}" must be a key of generateDPoPKey()`)
}
