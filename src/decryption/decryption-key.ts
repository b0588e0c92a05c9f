/** Reads the private keys and secrets with which this API decrypts tokens. */
import { createPrivateKey, createSecretKey, KeyObject } from 'node:crypto'
import { types } from 'node:util'
import type { CryptoKey, JWK } from 'jose'
import { isPlainObject, ownMember, reject } from '../base/check.js'
import { ownMembers } from '../base/plain-object.js'

const RSA = ['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'] as const
const ECDH = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'] as const
const SECRET = ['dir', 'A128KW', 'A192KW', 'A256KW', 'A128GCMKW', 'A192GCMKW', 'A256GCMKW'] as const

/** The algorithms that an option may accept; RSA1_5 and PBES2 are unsafe (RFC 8725 §3.2). */
export const KEY_MANAGEMENT_ALGORITHMS = [...RSA, ...ECDH, ...SECRET] as const

/** A key management algorithm (RFC 7518 §4.1). */
export type KeyManagementAlgorithm = (typeof KEY_MANAGEMENT_ALGORITHMS)[number]

/** A private key or secret: a JWK, a PEM text (PKCS #8), a `KeyObject` or a `CryptoKey`. */
export type DecryptionKeyInput = JWK | string | KeyObject | CryptoKey

/** A key with the algorithms that tokens may use with it. */
export interface DecryptionKey {
  /** `kid` of the JWK; `undefined` if it has none, or if the key was not given as a JWK. */
  readonly kid: string | undefined
  readonly algorithms: ReadonlySet<KeyManagementAlgorithm>
  readonly material: KeyObject
  /** `crv` that an ephemeral public key must have; `undefined` for RSA keys and secrets. */
  readonly curve: string | undefined
}

interface KeyFamily {
  /** All algorithms that a key of this type can use. */
  readonly possible: readonly KeyManagementAlgorithm[]
  /** Those that are accepted unless `alg` or the option says otherwise. */
  readonly defaults: readonly KeyManagementAlgorithm[]
}

/**
 * Reads a key.
 *
 * @param accepted the option `keyManagementAlgorithms`; `undefined` if it is not set.
 * @throws {TypeError} if the key is unusable; the message names the option, the fix and no part of
 *   the key.
 */
export function readDecryptionKey(
  name: string,
  key: DecryptionKeyInput,
  accepted: readonly KeyManagementAlgorithm[] | undefined,
): DecryptionKey {
  const jwk = isPlainObject(key) ? (key as JWK) : undefined
  const material = materialOf(key, jwk)
  const family = material && familyOf(material)
  if (material === undefined || family === undefined) {
    reject(
      name,
      'must be a private key (a JWK, PEM text of PKCS #8 without password, KeyObject or CryptoKey) that is RSA of 2,048 to 8,192 bits, EC on P-256, P-384 or P-521, or X25519, or a secret',
    )
  }
  const algorithms = algorithmsOf(name, jwk, family, accepted)
  const kid = jwk && ownMember(jwk, 'kid')
  return Object.freeze({
    kid: typeof kid === 'string' ? kid : undefined,
    algorithms: new Set(algorithms),
    material,
    curve: curveOf(material),
  })
}

/** Returns the key; `undefined` if it cannot be read, or if it is a public key. */
function materialOf(key: DecryptionKeyInput, jwk: JWK | undefined): KeyObject | undefined {
  try {
    const material = keyObjectOf(key, jwk)
    return material.type === 'public' ? undefined : material
  } catch {
    return undefined
  }
}

function keyObjectOf(key: DecryptionKeyInput, jwk: JWK | undefined): KeyObject {
  if (jwk !== undefined) {
    return ownMember(jwk, 'kty') === 'oct'
      ? createSecretKey(`${ownMember(jwk, 'k')}`, 'base64url')
      : createPrivateKey({ key: ownMembers(jwk), format: 'jwk' })
  }
  if (types.isKeyObject(key)) return key
  return types.isCryptoKey(key) ? KeyObject.from(key) : createPrivateKey(key as string)
}

/** Returns the algorithms of a key of this type; `undefined` if no algorithm can use the key. */
function familyOf(material: KeyObject): KeyFamily | undefined {
  const { type, asymmetricKeyType, asymmetricKeyDetails, symmetricKeySize = 0 } = material
  if (type === 'secret') {
    return symmetricKeySize >= 16 && symmetricKeySize <= 64
      ? { possible: SECRET, defaults: [] }
      : undefined
  }
  if (asymmetricKeyType === 'rsa') {
    const { modulusLength: bits } = asymmetricKeyDetails as { modulusLength: number }
    return bits >= 2_048 && bits <= 8_192
      ? { possible: RSA, defaults: ['RSA-OAEP-256'] }
      : undefined
  }
  return curveOf(material) === undefined
    ? undefined
    : { possible: ECDH, defaults: ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] }
}

/** Returns the `crv` of an EC or X25519 key; `undefined` for other keys and curves. */
function curveOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  return asymmetricKeyType === 'x25519'
    ? 'X25519'
    : CURVES.get(asymmetricKeyDetails?.namedCurve ?? '')
}

/** Curves by the names that OpenSSL gives them. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
])

function algorithmsOf(
  name: string,
  jwk: JWK | undefined,
  { possible, defaults }: KeyFamily,
  accepted: readonly KeyManagementAlgorithm[] | undefined,
): readonly KeyManagementAlgorithm[] {
  const [alg, use] = jwk === undefined ? [] : [ownMember(jwk, 'alg'), ownMember(jwk, 'use')]
  if (use !== undefined && use !== 'enc') {
    reject(name, 'has a "use" other than "enc": give the key for encryption, not for signatures')
  }
  const usable = alg === undefined ? possible : possible.filter((one) => one === alg)
  if (usable.length === 0) {
    reject(name, `has an "alg" that its type cannot use: set one of ${possible.join(', ')}`)
  }
  const chosen = accepted ?? (alg === undefined ? defaults : usable)
  const algorithms = usable.filter((one) => chosen.includes(one))
  if (algorithms.length > 0) return algorithms
  return reject(
    name,
    `has no accepted algorithm: add one of ${usable.join(', ')} to "decryption.keyManagementAlgorithms"`,
  )
}
