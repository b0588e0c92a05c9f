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
} from '../algorithms.js'
import { isJsonObject } from '../json-object.js'
import { isOfSmallOrder } from './small-order.js'

export interface VerificationKey {
  readonly kid: string | undefined
  /** What it may verify. One algorithm where the issuer says so (RFC 8725 §3.1). */
  readonly algorithms: ReadonlySet<Algorithm>
  readonly material: KeyObject
  /** The member `issuer` of the JWK, with which Entra ID says whose tokens the key signs. */
  readonly issuer: unknown
  /** Whether verifying with it takes less than to have another thread do it. */
  readonly isQuick: boolean
  /** Equal for two appearances of one key, so that a refresh can tell which ones stayed. */
  readonly fingerprint: string
}

/** RFC 7518 §3.3 and §3.5; NIST SP 800-57 says the same. */
const MIN_RSA_BITS = 2048
/** Far beyond any in use: a larger one takes thousands of times as long, for each token that names it. */
const MAX_RSA_BITS = 8192
const MAX_RSA_EXPONENT = 0xffff_ffffn
const QUICK_RSA_BITS = 2048
const QUICK_RSA_EXPONENT = 65_537n

/**
 * The key that a member of a key set stands for; `undefined` for one that can't verify a token:
 * of another `use`, of an unknown kind, too weak, too costly, malformed, or private (and so compromised).
 */
export async function importVerificationKey(jwk: unknown): Promise<VerificationKey | undefined> {
  if (!isJsonObject(jwk) || !isForVerifying(jwk)) return undefined
  const algorithms = algorithmsOf(jwk)
  const [algorithm] = algorithms
  if (algorithm === undefined) return undefined
  const { kid, kty, crv, n, e, x, y } = jwk
  // The rest was judged above; the importer is stricter about it than RFC 7517.
  const required = { kty, crv: crvOf(kty, crv), n, e, x, y }
  const material = await importMaterial(required, algorithm)
  if (material === undefined || !isSound(material)) return undefined
  // Anything else than a string is equally wrong, and may be too deep to be written down.
  const issuer = typeof jwk.issuer === 'string' ? jwk.issuer : typeof jwk.issuer === 'undefined'
  return Object.freeze({
    kid: kid as string | undefined,
    algorithms: new Set(algorithms),
    material,
    issuer: jwk.issuer,
    isQuick: isQuick(material),
    fingerprint: JSON.stringify([kid, required, algorithms, issuer]),
  })
}

function isForVerifying(jwk: Record<string, unknown>): boolean {
  const { kid, use, key_ops: operations, ext, d, k } = jwk
  return (
    (kid === undefined || typeof kid === 'string') &&
    (ext === undefined || typeof ext === 'boolean') &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || includesVerify(operations)) &&
    d === undefined &&
    k === undefined
  )
}

/** RFC 7517 §4.3: an array without duplicates. */
function includesVerify(operations: unknown): boolean {
  if (!Array.isArray(operations)) return false
  return operations.includes('verify') && new Set(operations).size === operations.length
}

function algorithmsOf({ alg, kty, crv }: Record<string, unknown>): AsymmetricAlgorithm[] {
  return ASYMMETRIC_ALGORITHMS.filter((algorithm) => {
    const shape = keyShapeOf(algorithm)
    const named = alg === undefined || alg === algorithm
    return named && shape.kty === kty && shape.crv === crvOf(kty, crv)
  })
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

function isSound(key: KeyObject): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = key
  if (asymmetricKeyType === 'ed25519') return !isOfSmallOrder(key)
  if (asymmetricKeyType !== 'rsa') return true
  const { modulusLength = 0, publicExponent = 0n } = details as AsymmetricKeyDetails
  // An exponent of 1 verifies anything that anybody writes down.
  return (
    modulusLength >= MIN_RSA_BITS &&
    modulusLength <= MAX_RSA_BITS &&
    publicExponent >= 3n &&
    publicExponent <= MAX_RSA_EXPONENT
  )
}

/** RSA of the usual size and exponent: 20 microseconds. Elliptic curves take three times as long. */
function isQuick({ asymmetricKeyDetails: details }: KeyObject): boolean {
  const { modulusLength = Number.POSITIVE_INFINITY, publicExponent = 0n } =
    details as AsymmetricKeyDetails
  return modulusLength <= QUICK_RSA_BITS && publicExponent <= QUICK_RSA_EXPONENT
}
