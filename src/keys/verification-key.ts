/** Imports the public keys of a key set (RFC 7517 §4) with jose, and rejects unsafe keys. */
import { type AsymmetricKeyDetails, KeyObject } from 'node:crypto'
import type { CryptoKey, JWK } from 'jose'
// Imports a subpath: the main entry of jose takes longer to load than this whole package.
import { importJWK } from 'jose/key/import'
import {
  type Algorithm,
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  keyShapeOf,
  runtimeHint,
} from '../base/algorithms.js'
import { isJsonObject } from '../base/json-object.js'
import { importMlDsaKey } from '../base/ml-dsa.js'
import { describe } from '../errors/rejection-reason.js'
import { isOfSmallOrder } from './small-order.js'

export interface VerificationKey {
  readonly kid: string | undefined
  /** Algorithms for which the key may be used; only one if the JWK has `alg` (RFC 8725 §3.1). */
  readonly algorithms: ReadonlySet<Algorithm>
  readonly material: KeyObject
  /** Member `issuer` of the JWK, in which Entra ID names the issuer whose tokens the key signs. */
  readonly issuer: unknown
  /** Whether the event loop may verify a signature, instead of the thread pool. */
  readonly verifiesInline: boolean
  /** Equal for equal keys, so that a refresh can recognize unchanged keys. */
  readonly fingerprint: string
}

/** Minimum size of a modulus, in bits (RFC 7518 §3.3, §3.5). */
const MIN_RSA_BITS = 2048
/**
 * Maximum size of a modulus, in bits. Limits the cost of a verification, which grows with the
 * modulus: otherwise, each token with the `kid` of a huge key would be expensive to verify.
 */
const MAX_RSA_BITS = 8192
const MAX_RSA_EXPONENT = 0xffff_ffffn
const INLINE_RSA_BITS = 2048
const INLINE_RSA_EXPONENT = 65_537n

/** A member of a key set that cannot verify a token. */
export class UnusableKey {
  /** Predicate of a message that begins with "the key", such as "is malformed". */
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Like {@link readVerificationKey}, but returns `undefined` for an unusable key. */
export async function importVerificationKey(jwk: unknown): Promise<VerificationKey | undefined> {
  const key = await readVerificationKey(jwk)
  return key instanceof UnusableKey ? undefined : key
}

/**
 * Returns the key that a member of a key set defines, or the reason why the member is unusable. A
 * published private key is compromised and therefore unusable.
 */
export async function readVerificationKey(jwk: unknown): Promise<VerificationKey | UnusableKey> {
  const judged = judgeMembers(jwk)
  if (judged instanceof UnusableKey) return judged
  const { kid, issuer, algorithms, required } = judged
  const material = await importMaterial(required, algorithms[0])
  if (material === undefined) return new UnusableKey(MALFORMED)
  const unsound = whyUnsound(material)
  if (unsound !== undefined) return new UnusableKey(unsound)
  // An `issuer` that is not a string is invalid, and may be nested too deeply for JSON.stringify.
  const named = typeof issuer === 'string' ? issuer : typeof issuer === 'undefined'
  return Object.freeze({
    kid,
    algorithms: new Set(algorithms),
    material,
    issuer,
    verifiesInline: verifiesInline(material),
    fingerprint: JSON.stringify([kid, required, algorithms, named]),
  })
}

/**
 * Returns the reason why a key cannot verify tokens; `undefined` if no check finds one.
 *
 * @param jwk the same key as `key`.
 */
export function whyUnusable(jwk: unknown, key: KeyObject): string | undefined {
  const judged = judgeMembers(jwk)
  return judged instanceof UnusableKey ? judged.reason : whyUnsound(key)
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

type Members = Readonly<Record<string, unknown>>

/**
 * Returns the own members that are not null, because some issuers publish null instead of omitting
 * a member. Keeps an `issuer` that is null: without this member, a key of Entra ID would be valid
 * for every tenant.
 */
function membersOf(jwk: Readonly<Record<string, unknown>>): Members {
  const members = Object.create(null)
  for (const [name, value] of Object.entries(jwk)) {
    if (value !== null || name === 'issuer') members[name] = value
  }
  return members
}

function whyNotForVerifying({ kid, use, key_ops: operations, ext, d, priv, k }: Members) {
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

function algorithmsOf(members: Members): AsymmetricAlgorithm[] {
  const { alg } = members
  return algorithmsForType(members).filter((algorithm) => {
    const isImplied = alg === undefined && keyShapeOf(algorithm).requiresAlg !== true
    return isImplied || alg === algorithm
  })
}

/** Returns the algorithms for the type of the key, whatever its `alg`. */
function algorithmsForType({ kty, crv }: Members): AsymmetricAlgorithm[] {
  return ASYMMETRIC_ALGORITHMS.filter((algorithm) => {
    const shape = keyShapeOf(algorithm)
    return shape.kty === kty && shape.crv === crvOf(kty, crv)
  })
}

function whyNoAlgorithm(members: Members): string {
  const { alg, kty, crv } = members
  const type = `"kty": ${quote(kty)}${crv === undefined ? '' : `, "crv": ${quote(crv)}`}`
  if (algorithmsForType(members).length === 0) {
    return `is of a type that is not supported (${type})${runtimeHint(alg)}`
  }
  return `has "alg": ${quote(alg)}, which is not a signature algorithm for its type (${type})`
}

function whyIncomplete(members: Members, algorithm: AsymmetricAlgorithm): string | undefined {
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

const MALFORMED = 'is malformed'

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

async function importMaterial(
  jwk: Record<string, unknown>,
  algorithm: AsymmetricAlgorithm,
): Promise<KeyObject | undefined> {
  try {
    return await IMPORTERS[keyShapeOf(algorithm).kty](jwk, algorithm)
  } catch {
    return undefined
  }
}

type Importer = (
  jwk: Record<string, unknown>,
  algorithm: AsymmetricAlgorithm,
) => KeyObject | Promise<KeyObject>

async function importWithJose(
  jwk: Record<string, unknown>,
  algorithm: AsymmetricAlgorithm,
): Promise<KeyObject> {
  // importJWK returns bytes for symmetric keys only; here the `kty` is RSA, EC or OKP.
  return KeyObject.from((await importJWK(jwk as JWK, algorithm)) as CryptoKey)
}

const IMPORTERS: Readonly<Record<'RSA' | 'EC' | 'OKP' | 'AKP', Importer>> = {
  RSA: importWithJose,
  EC: importWithJose,
  OKP: importWithJose,
  // jose would use WebCrypto, in which ML-DSA causes a warning about an experimental feature.
  AKP: importMlDsaKey,
}

function whyUnsound(key: KeyObject): string | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = key
  if (asymmetricKeyType === 'ed25519') {
    return isOfSmallOrder(key)
      ? 'is a point of small order, so that anyone can forge its signatures'
      : undefined
  }
  if (asymmetricKeyType !== 'rsa') return undefined
  const { modulusLength: bits = 0, publicExponent: e = 0n } = details as AsymmetricKeyDetails
  if (bits < MIN_RSA_BITS) return `has ${bits} bits; at least ${MIN_RSA_BITS} are required`
  if (bits > MAX_RSA_BITS) return `has ${bits} bits; at most ${MAX_RSA_BITS} are accepted`
  // With an exponent of 1, any attacker can forge signatures. An even exponent cannot be valid.
  if (e < 3n || e % 2n === 0n) return 'has a public exponent that is even or less than 3'
  return e > MAX_RSA_EXPONENT ? 'has a public exponent of more than 32 bits' : undefined
}

/**
 * Whether a verification takes about as long as a round trip to the thread pool. RSA with the usual
 * size and exponent takes 25 µs; elliptic curves take three to five times as long.
 */
function verifiesInline({ asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength = Number.POSITIVE_INFINITY, publicExponent = 0n } =
    details as AsymmetricKeyDetails
  return modulusLength <= INLINE_RSA_BITS && publicExponent <= INLINE_RSA_EXPONENT
}
