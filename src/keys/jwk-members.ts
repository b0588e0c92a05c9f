/** Checks the members of a JWK (RFC 7517 §4), which may be private, incomplete or for encryption. */
import {
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  keyShapeOf,
  runtimeHint,
} from '../base/algorithms.js'
import { isJsonObject } from '../base/json-object.js'
import { describe } from '../errors/rejection-reason.js'

/** A member of a key set that cannot verify a token. */
export class UnusableKey {
  /** Predicate of a message that begins with "the key", such as "is malformed". */
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** The checked members of a JWK that is not imported yet. */
export interface JudgedMembers {
  readonly kid: string | undefined
  readonly issuer: unknown
  readonly algorithms: readonly [AsymmetricAlgorithm, ...AsymmetricAlgorithm[]]
  /** Members that define the public key. */
  readonly required: Record<string, unknown>
}

/**
 * Checks the members of a JWK without importing it: the check takes a few microseconds, the import
 * up to 1 ms. The import may still fail afterwards.
 */
export function judgeMembers(jwk: unknown): JudgedMembers | UnusableKey {
  if (!isJsonObject(jwk)) return new UnusableKey('is not a JSON object')
  const members = membersOf(jwk)
  const misused = whyNotForVerifying(members)
  if (misused !== undefined) return new UnusableKey(misused)
  const [algorithm, ...others] = algorithmsOf(members)
  if (algorithm === undefined) return new UnusableKey(whyNoAlgorithm(members))
  const { kid, kty, crv, n, e, x, y, pub, issuer } = members
  // Omits `use`, `key_ops` and other members, which were checked above: importJWK is stricter about
  // them than RFC 7517.
  const required = { kty, crv: crvOf(kty, crv), n, e, x, y, pub }
  const incomplete = whyIncomplete(members, algorithm)
  if (incomplete !== undefined) return new UnusableKey(incomplete)
  return { kid: kid as string | undefined, issuer, algorithms: [algorithm, ...others], required }
}

type JwkMembers = Readonly<Record<string, unknown>>

/**
 * Returns the own members that are not null, because some issuers publish null instead of omitting
 * a member. Keeps an `issuer` that is null: without this member, a key of Entra ID would be valid
 * for every tenant.
 */
function membersOf(jwk: Readonly<Record<string, unknown>>): JwkMembers {
  const members = Object.create(null)
  for (const [name, value] of Object.entries(jwk)) {
    if (value !== null || name === 'issuer') members[name] = value
  }
  return members
}

function whyNotForVerifying({ kid, use, key_ops: operations, ext, d, priv, k }: JwkMembers) {
  if (d !== undefined) return 'is private (it has "d")'
  if (priv !== undefined) return 'is private (it has "priv")'
  if (k !== undefined) return 'is a shared secret (it has "k")'
  if (kid !== undefined && typeof kid !== 'string') return 'has a "kid" that is not a string'
  if (ext !== undefined && typeof ext !== 'boolean') return 'has an "ext" that is not a boolean'
  if (use !== undefined && use !== 'sig') return `has "use": ${quote(use)} and not "sig"`
  if (operations === undefined) return undefined
  if (!Array.isArray(operations)) return 'has "key_ops" that are not an array'
  // Some issuers publish an empty array instead of omitting the member.
  if (operations.length === 0) return undefined
  if (!operations.includes('verify')) return 'has "key_ops" without "verify"'
  // RFC 7517 §4.3 forbids duplicates.
  return new Set(operations).size < operations.length ? 'has a duplicate in "key_ops"' : undefined
}

function algorithmsOf(members: JwkMembers): AsymmetricAlgorithm[] {
  const { alg } = members
  return algorithmsForType(members).filter((algorithm) => {
    const isImplied = alg === undefined && keyShapeOf(algorithm).requiresAlg !== true
    return isImplied || alg === algorithm
  })
}

/** Returns the algorithms for the type of the key, whatever its `alg`. */
function algorithmsForType({ kty, crv }: JwkMembers): AsymmetricAlgorithm[] {
  return ASYMMETRIC_ALGORITHMS.filter((algorithm) => {
    const shape = keyShapeOf(algorithm)
    return shape.kty === kty && shape.crv === crvOf(kty, crv)
  })
}

function whyNoAlgorithm(members: JwkMembers): string {
  const { alg, kty, crv } = members
  if (crv === undefined && (kty === 'EC' || kty === 'OKP')) return 'has no "crv"'
  const type = `"kty": ${quote(kty)}${crv === undefined ? '' : `, "crv": ${quote(crv)}`}`
  if (algorithmsForType(members).length === 0) {
    return `is of a type that is not supported (${type})${runtimeHint(alg)}`
  }
  return `has "alg": ${quote(alg)}, which is not a signature algorithm for its type (${type})`
}

function whyIncomplete(members: JwkMembers, algorithm: AsymmetricAlgorithm): string | undefined {
  const { crv = algorithm, x5c } = members
  for (const [name, bytes] of Object.entries(keyShapeOf(algorithm).members)) {
    const value = members[name]
    if (typeof value !== 'string') {
      return `has no "${name}"${x5c === undefined ? '' : ' (certificates in "x5c" are not read)'}`
    }
    const { length } = Buffer.from(value, 'base64url')
    if (bytes > 0 && length !== bytes) {
      return `has "${name}" of ${length} bytes; ${crv} requires ${bytes}`
    }
  }
  return undefined
}

/**
 * Quotes a string for a message, shortened to 40 characters; shows only the type of other values.
 */
function quote(value: unknown): string {
  if (value === undefined) return 'absent'
  return typeof value === 'string' ? describe(value.slice(0, 40)) : `<${typeof value}>`
}

/**
 * Returns the `crv`; `undefined` for RSA and AKP keys, which have no curve even if the JWK has a
 * `crv`.
 */
function crvOf(kty: unknown, crv: unknown): unknown {
  return kty === 'RSA' || kty === 'AKP' ? undefined : crv
}
