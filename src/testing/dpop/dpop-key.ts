import { types } from 'node:util'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { ASYMMETRIC_ALGORITHMS, type AsymmetricAlgorithm } from '../../base/algorithms.js'
import { isJsonObject } from '../../base/json-object.js'

/** A client's key pair for DPoP. oauth4webapi's `DPoP()` accepts it as it is. */
export interface DPoPKey {
  /** The signature algorithm of its proofs. */
  readonly algorithm: AsymmetricAlgorithm
  /** The private key. It is extractable, for tests of a leaked key. */
  readonly privateKey: CryptoKey
  /** The public key, which proofs carry as `jwk`. */
  readonly publicKey: CryptoKey
  /** The public key as a JWK, as in the header of a proof. */
  readonly jwk: JWK
  /** The `jkt` of tokens bound to the key (RFC 7638, SHA-256 in base64url). */
  readonly thumbprint: string
}

/**
 * Generates a key pair for DPoP.
 *
 * @param algorithm The signature algorithm of its proofs. Default `ES256`. RSA keys have 2048 bits.
 * @throws {TypeError} if the algorithm is unknown; the message lists the algorithms
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

/** Whether a value has the members of a {@link DPoPKey}. */
export function isDPoPKey(value: unknown): value is DPoPKey {
  if (typeof value !== 'object' || value === null) return false
  const { privateKey, publicKey, jwk } = value as Partial<DPoPKey>
  return types.isCryptoKey(privateKey) && types.isCryptoKey(publicKey) && isJsonObject(jwk)
}

/** @throws {TypeError} that names the option and the fix */
export function requireDPoPKey(option: string, value: unknown): asserts value is DPoPKey {
  if (!isDPoPKey(value)) throw new TypeError(`"${option}" must be a key of generateDPoPKey()`)
}
