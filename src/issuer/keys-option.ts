/**
 * Validates the options that define how the signatures of an issuer's tokens are verified: the
 * algorithms, the source of the keys and the shared secret.
 */
import { types } from 'node:util'
import {
  type Algorithm,
  ASYMMETRIC_ALGORITHMS,
  isAsymmetric,
  isSymmetric,
  minimumSecretBytes,
  runtimeHint,
  SYMMETRIC_ALGORITHMS,
} from '../base/algorithms.js'
import {
  booleanOr,
  elementsOf,
  isPlainObject,
  members,
  reject,
  requireSetVariables,
} from '../base/check.js'
import { describeValue } from '../base/describe-value.js'
import { nearest } from '../base/did-you-mean.js'
import { isSecureUrl } from '../http/secure-url.js'
import { JWKS_OPTIONS, type JwksOptions, type ResolvedJwks, resolveJwks } from '../keys/options.js'
import { isPublicKey } from '../keys/public-key-bytes.js'
import { readStaticKey } from '../keys/static-key.js'
import type { StaticKeySet } from '../keys/static-keys.js'
import { keySetOfProvider } from './profile-option.js'

interface KeysOptions {
  readonly issuer: unknown
  readonly profile?: unknown
  readonly algorithms?: readonly Algorithm[]
  readonly jwksUri?: string
  readonly jwks?: JwksOptions
  readonly secret?: string | Uint8Array
  readonly dangerouslyAllowSecretWithKeys?: boolean
}

/** The source of the issuer's keys. */
export type ResolvedKeys =
  | { readonly from: 'secret'; readonly secret: Uint8Array }
  | { readonly from: 'static'; readonly jwks: StaticKeySet; readonly maxKeys: number }
  | {
      readonly from: 'remote'
      readonly jwksUri: string | undefined
      readonly allowHttp: boolean
      readonly jwks: ResolvedJwks
    }

/**
 * Validates the option `algorithms`. With `dangerouslyAllowSecretWithKeys`, the option must list
 * algorithms of both families, so that no default adds one.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveAlgorithms(options: KeysOptions): ReadonlySet<Algorithm> {
  const { algorithms, secret } = options
  if (algorithms === undefined && secret === undefined) return new Set(ASYMMETRIC_ALGORITHMS)
  const [families, condition] = isSecretWithKeys(options)
    ? [[isSymmetric, isAsymmetric], 'with "dangerouslyAllowSecretWithKeys"']
    : secret === undefined
      ? [[isAsymmetric], 'without a "secret"']
      : [[isSymmetric], 'with a "secret"']
  const isAllowed = (algorithm: unknown) => families.some((isMember) => isMember(algorithm))
  const isValid =
    elementsOf(algorithms)?.every(isAllowed) === true &&
    families.every((isMember) => algorithms?.some(isMember))
  if (!isValid) {
    const lists = families.map((isMember) => ALGORITHMS.filter(isMember).join(', '))
    reject(
      'algorithms',
      `must be an array of one or more of ${lists.join(' and one or more of ')} ${condition}${hintFor(algorithms, secret)}`,
    )
  }
  return new Set(algorithms)
}

/** Returns the end of the message for invalid `algorithms`: the likely fix, if there is one. */
function hintFor(algorithms: unknown, secret: unknown): string {
  const elements = elementsOf(algorithms)
  if (elements === undefined) {
    return algorithms === undefined ? '' : `, not ${describeValue(algorithms)}`
  }
  const misspelled = elements.find((element) => !ALGORITHMS.includes(element as Algorithm))
  const meant = typeof misspelled === 'string' ? nearest(misspelled, ALGORITHMS) : undefined
  if (meant !== undefined) return `. Did you mean "${meant}"?`
  const symmetric = secret === undefined ? elements.find(isSymmetric) : undefined
  return symmetric === undefined ? runtimeHint(algorithms) : `. ${symmetric} requires a "secret"`
}

const ALGORITHMS: readonly Algorithm[] = [...SYMMETRIC_ALGORITHMS, ...ASYMMETRIC_ALGORITHMS]

/**
 * Validates the options `jwksUri`, `jwks` and `secret`, of which one may define the keys.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveKeys(options: KeysOptions, allowHttp: boolean): ResolvedKeys {
  const { jwksUri, jwks: jwksOption = {} } = options
  const secret = isSecretWithKeys(options) ? undefined : options.secret
  const jwks = members('jwks', jwksOption, JWKS_OPTIONS, ruleForJwks(jwksOption), EQUIVALENTS)
  const sources = Object.entries({ jwksUri, 'jwks.keys': jwks.keys, secret })
  const named = sources.filter(([, value]) => value !== undefined).map(([name]) => `"${name}"`)
  if (named.length > 1) {
    const migration =
      secret === undefined
        ? ''
        : '. While the issuer migrates from the secret to keys, set "dangerouslyAllowSecretWithKeys"'
    throw new TypeError(
      `${named.join(' and ')} are mutually exclusive: set one source of keys${migration}`,
    )
  }
  const resolved = resolveJwks(jwks)
  if (secret !== undefined) return { from: 'secret', secret: requireSecret(options) }
  if (jwks.keys !== undefined) {
    return { from: 'static', jwks: readStaticKeys(jwks.keys), maxKeys: resolved.maxKeys }
  }
  if (jwksUri !== undefined && typeof jwksUri !== 'string') {
    reject('jwksUri', `must be a string, not ${describeValue(jwksUri)}`)
  }
  if (jwksUri !== undefined) requireSetVariables('jwksUri', jwksUri)
  if (jwksUri !== undefined && !isSecureUrl(jwksUri, { allowHttp, mayBeLoopback: true })) {
    reject('jwksUri', 'must be an https URL (http on loopback only) without credentials')
  }
  return {
    from: 'remote',
    jwksUri: jwksUri ?? keySetOfProvider(options, allowHttp),
    allowHttp,
    jwks: resolved,
  }
}

/**
 * Returns the secret that is accepted in addition to the keys; `undefined` if
 * `dangerouslyAllowSecretWithKeys` is off.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveSecretWithKeys(options: KeysOptions): Uint8Array | undefined {
  return isSecretWithKeys(options) ? requireSecret(options) : undefined
}

/** @throws {TypeError} if the option is no boolean, or is true without `secret`. */
function isSecretWithKeys({ dangerouslyAllowSecretWithKeys, secret }: KeysOptions): boolean {
  const name = 'dangerouslyAllowSecretWithKeys'
  const isAllowed = booleanOr(name, dangerouslyAllowSecretWithKeys, false)
  if (isAllowed && secret === undefined) {
    reject(name, 'requires "secret": set it, or remove this option after the migration to keys')
  }
  return isAllowed
}

function readStaticKeys(keys: unknown): StaticKeySet {
  const elements = elementsOf(keys)
  if (elements === undefined || elements.length === 0) {
    return reject(
      'jwks.keys',
      'must be an array of one or more keys: the "keys" of a JWK Set, or [pem]',
    )
  }
  const read = elements.map((key, i) => readStaticKey(`jwks.keys[${i}]`, key))
  return {
    keys: read.filter((_, i) => isPlainObject(elements[i])),
    withoutKid: read.filter((_, i) => !isPlainObject(elements[i])),
  }
}

const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ['uri', 'the option "jwksUri"'],
  ['url', 'the option "jwksUri"'],
  ['jwksUri', 'the option "jwksUri", beside "jwks",'],
])

function ruleForJwks(value: unknown): string {
  if (Array.isArray(value)) return 'must be an object: set "jwks.keys" to the array of keys'
  return 'must be an object, such as { keys: [key] }: set "jwksUri" to the URL of a key set'
}

function requireSecret({ secret, algorithms = [] }: KeysOptions): Uint8Array {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  const minimum = Math.max(...algorithms.filter(isSymmetric).map(minimumSecretBytes))
  if (!types.isUint8Array(bytes) || bytes.byteLength < minimum) {
    return reject('secret', `must be a string or Uint8Array of at least ${minimum} bytes`)
  }
  if (isPublicKey(bytes)) {
    reject(
      'secret',
      'is a public key or a certificate, so every party that knows it could sign tokens: set "jwks.keys"',
    )
  }
  return bytes
}
