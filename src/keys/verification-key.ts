/** Imports the public keys of a key set (RFC 7517 §4) with jose, and rejects unsafe keys. */
import { type AsymmetricKeyDetails, KeyObject } from 'node:crypto'
import type { CryptoKey, JWK } from 'jose'
// Imports a subpath: the main entry of jose takes longer to load than this whole package.
import { importJWK } from 'jose/key/import'
import { type Algorithm, type AsymmetricAlgorithm, keyShapeOf } from '../base/algorithms.js'
import { importMlDsaKey } from '../base/ml-dsa.js'
import { judgeMembers, UnusableKey } from './jwk-members.js'
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

const MALFORMED = 'is malformed'

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
