/** A public key out of a key set (RFC 7517 §4), ready to verify with. jose does the importing. */
import { type AsymmetricKeyDetails, KeyObject } from 'node:crypto'
import type { CryptoKey, JWK } from 'jose'
// Not all of jose, which takes longer to load than all of this package.
import { importJWK } from 'jose/key/import'
import {
  type Algorithm,
  ASYMMETRIC_ALGORITHMS,
  type AsymmetricAlgorithm,
  keyShapeOf,
} from '../base/algorithms.js'
import { isJsonObject } from '../base/json-object.js'
import { describe } from '../errors/rejection-reason.js'
import { isOfSmallOrder } from './small-order.js'

export interface VerificationKey {
  readonly kid: string | undefined
  /** What it may verify. One algorithm where the issuer says so (RFC 8725 §3.1). */
  readonly algorithms: ReadonlySet<Algorithm>
  readonly material: KeyObject
  /** The member `issuer` of the JWK, with which Entra ID says whose tokens the key signs. */
  readonly issuer: unknown
  /** Whether verifying with it takes less than to have another thread do it. */
  readonly verifiesInline: boolean
  /** Equal for two appearances of one key, so that a refresh can tell which ones stayed. */
  readonly fingerprint: string
}

/** RFC 7518 §3.3 and §3.5; NIST SP 800-57 says the same. */
const MIN_RSA_BITS = 2048
/** Far beyond any in use: a larger one takes thousands of times as long, for each token that names it. */
const MAX_RSA_BITS = 8192
const MAX_RSA_EXPONENT = 0xffff_ffffn
const INLINE_RSA_BITS = 2048
const INLINE_RSA_EXPONENT = 65_537n

/** Why a member of a key set cannot verify a token, for operators: it completes "the key …". */
export class UnusableKey {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** As {@link readVerificationKey}; `undefined` for a key that cannot verify a token. */
export async function importVerificationKey(jwk: unknown): Promise<VerificationKey | undefined> {
  const key = await readVerificationKey(jwk)
  return key instanceof UnusableKey ? undefined : key
}

/**
 * The key that a member of a key set stands for. One that is private is compromised, and so unusable.
 */
export async function readVerificationKey(jwk: unknown): Promise<VerificationKey | UnusableKey> {
  const judged = judgeMembers(jwk)
  if (judged instanceof UnusableKey) return judged
  const { kid, issuer, algorithms, required } = judged
  const material = await importMaterial(required, algorithms[0])
  if (material === undefined) return new UnusableKey(MALFORMED)
  const unsound = whyUnsound(material)
  if (unsound !== undefined) return new UnusableKey(unsound)
  // Anything else than a string is equally wrong, and may be too deep to be written down.
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

/** What the members of a JWK say, before it is imported. */
export interface JudgedMembers {
  readonly kid: string | undefined
  readonly issuer: unknown
  readonly algorithms: readonly [AsymmetricAlgorithm, ...AsymmetricAlgorithm[]]
  /** Those that make the key. */
  readonly required: Record<string, unknown>
}

/** Costs a few microseconds; the import, which may still fail, up to a millisecond. */
export function judgeMembers(jwk: unknown): JudgedMembers | UnusableKey {
  if (!isJsonObject(jwk)) return new UnusableKey('is not a JSON object')
  const members = membersOf(jwk)
  const misused = whyNotForVerifying(members)
  if (misused !== undefined) return new UnusableKey(misused)
  const [algorithm, ...others] = algorithmsOf(members)
  if (algorithm === undefined) return new UnusableKey(whyNoAlgorithm(members))
  const { kid, kty, crv, n, e, x, y, issuer } = members
  // The rest was judged above; the importer is stricter about it than RFC 7517.
  const required = { kty, crv: crvOf(kty, crv), n, e, x, y }
  const incomplete = whyIncomplete(members)
  if (incomplete !== undefined) return new UnusableKey(incomplete)
  return { kid: kid as string | undefined, issuer, algorithms: [algorithm, ...others], required }
}

type Members = Readonly<Record<string, unknown>>

/**
 * Its own members. Those that are null are left out, because some issuers write so what they don't
 * say; not `issuer`, without which a key of Entra ID signs for every tenant.
 */
function membersOf(jwk: Readonly<Record<string, unknown>>): Members {
  const members = Object.create(null)
  for (const [name, value] of Object.entries(jwk)) {
    if (value !== null || name === 'issuer') members[name] = value
  }
  return members
}

function whyNotForVerifying({ kid, use, key_ops: operations, ext, d, k }: Members) {
  if (d !== undefined) return 'is private (it has "d")'
  if (k !== undefined) return 'is a shared secret (it has "k")'
  if (kid !== undefined && typeof kid !== 'string') return 'has a "kid" that is not a string'
  if (ext !== undefined && typeof ext !== 'boolean') return 'has an "ext" that is not a boolean'
  if (use !== undefined && use !== 'sig') return `has "use": ${quote(use)} and not "sig"`
  if (operations === undefined) return undefined
  if (!Array.isArray(operations)) return 'has "key_ops" that are not an array'
  // RFC 7517 §4.3: without duplicates. Issuers that say nothing may say it with an empty array.
  if (operations.length === 0) return undefined
  if (!operations.includes('verify')) return 'has "key_ops" without "verify"'
  return new Set(operations).size < operations.length ? 'has a duplicate in "key_ops"' : undefined
}

function algorithmsOf({ alg, kty, crv }: Members): AsymmetricAlgorithm[] {
  return ASYMMETRIC_ALGORITHMS.filter((algorithm) => {
    const shape = keyShapeOf(algorithm)
    const named = alg === undefined || alg === algorithm
    return named && shape.kty === kty && shape.crv === crvOf(kty, crv)
  })
}

function whyNoAlgorithm({ alg, kty, crv }: Members): string {
  const type = `"kty": ${quote(kty)}${crv === undefined ? '' : `, "crv": ${quote(crv)}`}`
  if (algorithmsOf({ kty, crv }).length === 0) return `is of a type that is not supported (${type})`
  return `has "alg": ${quote(alg)}, which is not a signature algorithm for its type (${type})`
}

/** The lengths of coordinates in bytes (RFC 7518 §6.2.1.2, RFC 8037 §2): leading zeros stay. */
const COORDINATE_BYTES: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
}

function whyIncomplete({ kty, crv, n, e, x, y, x5c }: Members): string | undefined {
  const wanted = kty === 'RSA' ? { n, e } : kty === 'EC' ? { x, y } : { x }
  for (const [name, value] of Object.entries(wanted)) {
    if (typeof value === 'string') continue
    return `has no "${name}"${x5c === undefined ? '' : ' (certificates in "x5c" are not read)'}`
  }
  if (kty === 'RSA') return undefined
  const bytes = COORDINATE_BYTES[crv as string] as number
  for (const [name, value] of Object.entries(wanted)) {
    const { length } = Buffer.from(value as string, 'base64url')
    if (length !== bytes) return `has "${name}" of ${length} bytes, where ${crv} has ${bytes}`
  }
  return undefined
}

const MALFORMED = 'is malformed'

/** Without what is too deep, or too long, to be written down. */
function quote(value: unknown): string {
  if (value === undefined) return 'absent'
  return typeof value === 'string' ? describe(value.slice(0, 40)) : `<${typeof value}>`
}

/** An RSA key has no curve; a stray `crv` on one says nothing. */
function crvOf(kty: unknown, crv: unknown): unknown {
  return kty === 'RSA' ? undefined : crv
}

async function importMaterial(
  jwk: Record<string, unknown>,
  algorithm: AsymmetricAlgorithm,
): Promise<KeyObject | undefined> {
  try {
    // Bytes come of a symmetric key only, and none has the shape of an asymmetric algorithm.
    return KeyObject.from((await importJWK(jwk as JWK, algorithm)) as CryptoKey)
  } catch {
    return undefined
  }
}

function whyUnsound(key: KeyObject): string | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = key
  if (asymmetricKeyType === 'ed25519') {
    return isOfSmallOrder(key) ? 'is a point of small order, with which anyone can sign' : undefined
  }
  if (asymmetricKeyType !== 'rsa') return undefined
  const { modulusLength: bits = 0, publicExponent: e = 0n } = details as AsymmetricKeyDetails
  if (bits < MIN_RSA_BITS) return `has ${bits} bits, where at least ${MIN_RSA_BITS} are required`
  if (bits > MAX_RSA_BITS) return `has ${bits} bits, where at most ${MAX_RSA_BITS} are accepted`
  // With an exponent of 1, anyone can write down a signature; with an even one, signing is impossible.
  if (e < 3n || e % 2n === 0n) return 'has a public exponent that is even or less than 3'
  return e > MAX_RSA_EXPONENT ? 'has a public exponent of more than 32 bits' : undefined
}

/** RSA of the usual size and exponent: 20 microseconds. Elliptic curves take three times as long. */
function verifiesInline({ asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength = Number.POSITIVE_INFINITY, publicExponent = 0n } =
    details as AsymmetricKeyDetails
  return modulusLength <= INLINE_RSA_BITS && publicExponent <= INLINE_RSA_EXPONENT
}
