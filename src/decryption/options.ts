/** Defines and validates the option `decryption`. */
import { booleanOr, elementsOf, members, reject } from '../base/check.js'
import {
  type DecryptionKey,
  type DecryptionKeyInput,
  KEY_MANAGEMENT_ALGORITHMS,
  type KeyManagementAlgorithm,
  readDecryptionKey,
} from './decryption-key.js'

export const CONTENT_ENCRYPTION_ALGORITHMS = [
  'A128GCM',
  'A192GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A192CBC-HS384',
  'A256CBC-HS512',
] as const

/** A content encryption algorithm (RFC 7518 §5.1). */
export type ContentEncryptionAlgorithm = (typeof CONTENT_ENCRYPTION_ALGORITHMS)[number]

/**
 * Options for encrypted access tokens: a signed JWT in a JWE (RFC 7519 §5.2). The API decrypts the
 * JWE, and verifies the JWT like any other token. Encryption hides the claims from clients, but
 * proves nothing about the sender: anyone can encrypt with a public key.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   decryption: { keys: [await readSecret('decryption-key.pem')] },
 * })
 * ```
 */
export interface DecryptionOptions {
  /**
   * The keys of this API: 1 to 10 private keys or shared secrets. Each is a private JWK, a PEM text
   * (PKCS #8), a `KeyObject` or a `CryptoKey`: RSA of 2,048 to 8,192 bits, EC on P-256, P-384 or
   * P-521, X25519, or a secret (a JWK with `kty` `oct`, or a `KeyObject`). A token selects a key by
   * `kid`; keys without `kid` are tried for every token. To replace a key, list the old and the new
   * one until the last token for the old key has expired.
   */
  keys: readonly DecryptionKeyInput[]

  /**
   * The accepted algorithms of `alg` (RFC 7518 §4.1). Default: the `alg` of each JWK; for a key
   * without `alg`, RSA-OAEP-256 with an RSA key, and ECDH-ES, ECDH-ES+A128KW and ECDH-ES+A256KW with
   * an EC or X25519 key. A secret without `alg` requires this option. RSA1_5 and PBES2 are never
   * accepted.
   */
  keyManagementAlgorithms?: readonly KeyManagementAlgorithm[]

  /**
   * The accepted algorithms of `enc` (RFC 7518 §5.1). Default: A128GCM, A192GCM, A256GCM,
   * A128CBC-HS256, A192CBC-HS384 and A256CBC-HS512.
   */
  contentEncryptionAlgorithms?: readonly ContentEncryptionAlgorithm[]

  /**
   * Whether a JWT that is not encrypted is rejected (RFC 9068 §4). Does not apply to opaque tokens,
   * which are introspected. Default false.
   */
  required?: boolean
}

/** Validated {@link DecryptionOptions} with all defaults. */
export interface ResolvedDecryption {
  readonly keys: readonly DecryptionKey[]
  readonly contentEncryptionAlgorithms: ReadonlySet<string>
  readonly required: boolean
}

const MAX_KEYS = 10

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolveDecryption(
  given: DecryptionOptions | undefined,
): ResolvedDecryption | undefined {
  if (given === undefined) return undefined
  const options = members(
    'decryption',
    given,
    ['keys', 'keyManagementAlgorithms', 'contentEncryptionAlgorithms', 'required'],
    'must be an object with "keys"',
  )
  const keys = elementsOf(options.keys)
  if (keys === undefined || keys.length === 0 || keys.length > MAX_KEYS) {
    reject('decryption.keys', `must be an array of 1 to ${MAX_KEYS} private keys or secrets`)
  }
  const accepted = algorithms(
    'keyManagementAlgorithms',
    options.keyManagementAlgorithms,
    KEY_MANAGEMENT_ALGORITHMS,
  )
  return Object.freeze({
    keys: keys.map((key, i) =>
      readDecryptionKey(`decryption.keys[${i}]`, key as DecryptionKeyInput, accepted),
    ),
    contentEncryptionAlgorithms: new Set(
      algorithms(
        'contentEncryptionAlgorithms',
        options.contentEncryptionAlgorithms,
        CONTENT_ENCRYPTION_ALGORITHMS,
      ) ?? CONTENT_ENCRYPTION_ALGORITHMS,
    ),
    required: booleanOr('decryption.required', options.required, false),
  })
}

function algorithms<T extends string>(
  name: string,
  given: readonly T[] | undefined,
  known: readonly T[],
): readonly T[] | undefined {
  if (given === undefined) return undefined
  const elements = elementsOf(given) ?? []
  const isValid = elements.length > 0 && elements.every((one) => known.includes(one as T))
  return isValid
    ? given
    : reject(`decryption.${name}`, `must be an array of one or more of ${known.join(', ')}`)
}
