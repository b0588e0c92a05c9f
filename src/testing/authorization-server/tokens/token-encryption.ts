import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { CompactEncrypt, type CryptoKey, type JWK } from 'jose'
import {
  KEY_MANAGEMENT_ALGORITHMS,
  type KeyManagementAlgorithm,
} from '../../../decryption/decryption-key.js'
import {
  CONTENT_ENCRYPTION_ALGORITHMS,
  type ContentEncryptionAlgorithm,
} from '../../../decryption/options.js'
import { rejectUnknownOptions } from '../../known-options.js'

/** The key and the algorithms with which the server encrypts access tokens (RFC 7519 §5.2). */
export interface TokenEncryption {
  /**
   * The public key of the API: a JWK, a PEM text (SPKI or a certificate), a `KeyObject` or a
   * `CryptoKey`, for RSA, EC or X25519. Or a secret that the API shares with the server: a JWK with
   * `kty` `oct`, or a `KeyObject`. Tokens contain the `kid` of a JWK.
   */
  key: JWK | string | KeyObject | CryptoKey
  /**
   * The algorithm that encrypts the content encryption key (RFC 7518 §4.1). Default: `alg` of the
   * JWK, otherwise `RSA-OAEP-256` with an RSA key, and `ECDH-ES` with an EC or X25519 key. A secret
   * without `alg` requires this option.
   */
  alg?: KeyManagementAlgorithm | undefined
  /** The algorithm that encrypts the content (RFC 7518 §5.1). Default `A256GCM`. */
  enc?: ContentEncryptionAlgorithm | undefined
}

/** Returns the JWT, encrypted for the API. */
export type EncryptToken = (jwt: string) => Promise<string>

/**
 * Returns the function that encrypts tokens.
 *
 * @throws {TypeError} that names the option and the rule, if an option is unknown or invalid, or if
 *   the key cannot be used with the algorithms.
 */
export async function tokenEncryptionOf(given: TokenEncryption): Promise<EncryptToken> {
  rejectUnknownOptions('"encryption"', given, ['key', 'alg', 'enc'])
  const { key, enc = 'A256GCM' } = given
  const material = materialOf(key)
  if (material === undefined || material.type === 'private') {
    throw new TypeError(
      '"encryption.key" must be the public key of the API (a JWK, PEM text, KeyObject or CryptoKey), or a secret that it shares with the server',
    )
  }
  const jwk = isKey(key) || typeof key === 'string' ? {} : key
  const alg = given.alg ?? jwk.alg ?? defaultAlg(material)
  requireOneOf('alg', alg, KEY_MANAGEMENT_ALGORITHMS)
  requireOneOf('enc', enc, CONTENT_ENCRYPTION_ALGORITHMS)
  const header = { alg, enc, ...(jwk.kid !== undefined && { kid: jwk.kid }), cty: 'JWT' }
  const encrypt: EncryptToken = (jwt) =>
    new CompactEncrypt(new TextEncoder().encode(jwt)).setProtectedHeader(header).encrypt(material)
  // jose reports an unsuitable key only when it encrypts.
  await encrypt('').catch(() => {
    throw new TypeError(`"encryption.key" must be a key for "alg" ${alg} with "enc" ${enc}`)
  })
  return encrypt
}

/** Returns the key; `undefined` if it cannot be read, or if it is a text with a private key. */
function materialOf(key: TokenEncryption['key']): KeyObject | undefined {
  try {
    if (types.isKeyObject(key)) return key
    if (types.isCryptoKey(key)) return KeyObject.from(key)
    if (typeof key === 'string')
      return key.includes('PRIVATE KEY') ? undefined : createPublicKey(key)
    if (key.kty === 'oct') return createSecretKey(`${key.k}`, 'base64url')
    return Object.hasOwn(key, 'd') ? undefined : createPublicKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}

function isKey(key: TokenEncryption['key']): key is KeyObject | CryptoKey {
  return types.isKeyObject(key) || types.isCryptoKey(key)
}

function defaultAlg({ type, asymmetricKeyType }: KeyObject): KeyManagementAlgorithm | undefined {
  if (type === 'secret') return undefined
  return asymmetricKeyType === 'rsa' ? 'RSA-OAEP-256' : 'ECDH-ES'
}

function requireOneOf<T extends string>(
  option: string,
  value: string | undefined,
  known: readonly T[],
): asserts value is T {
  if (known.some((one) => one === value)) return
  throw new TypeError(`"encryption.${option}" must be one of ${known.join(', ')}`)
}
