import { types } from 'node:util'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import {
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  runtimeHint,
} from '../../base/algorithms.js'
import { isJsonObject } from '../../base/json-object.js'

/** A client's key pair for DPoP. The function `DPoP()` of oauth4webapi accepts it as key pair. */
export interface DPoPKey {
  /** The signature algorithm of the proofs. */
  readonly algorithm: AsymmetricAlgorithm
  /** The private key. It is extractable, so that a test can simulate a leaked key. */
  readonly privateKey: CryptoKey
  /** The public key, which verifies the proofs. */
  readonly publicKey: CryptoKey
  /** The public key as a JWK, the member `jwk` in the header of a proof. */
  readonly jwk: JWK
  /** The SHA-256 thumbprint of the key (RFC 7638) in base64url, the `jkt` of bound tokens. */
  readonly thumbprint: string
}

/**
 * Generates a key pair for DPoP.
 *
 * @param algorithm The signature algorithm of the proofs. Default `ES256`. RSA keys have 2048 bits.
 * @throws {TypeError} if the algorithm is unknown; the message lists the known algorithms
 * @see RFC 9449 §4.2
 */
export async function generateDPoPKey(algorithm: AsymmetricAlgorithm = 'ES256'): Promise<DPoPKey> {
  if (!ASYMMETRIC_ALGORITHMS.includes(algorithm)) {
    throw new TypeError(
      `"algorithm" must be one of ${ASYMMETRIC_ALGORITHMS.join(', ')}${runtimeHint(algorithm)}`,
    )
  }
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { algorithm, privateKey, publicKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

/** Whether a value has the key pair and the JWK of a {@link DPoPKey}. */
export function isDPoPKey(value: unknown): value is DPoPKey {
  if (typeof value !== 'object' || value === null) return false
  const { privateKey, publicKey, jwk } = value as Partial<DPoPKey>
  return types.isCryptoKey(privateKey) && types.isCryptoKey(publicKey) && isJsonObject(jwk)
}

/**
 * Requires an option to be a {@link DPoPKey}.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function requireDPoPKey(option: string, value: unknown): asserts value is DPoPKey {
  if (!isDPoPKey(value)) throw new TypeError(`"${option}" must be a key of generateDPoPKey()`)
}
