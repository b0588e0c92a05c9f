/**
 * Lists the supported signature algorithms (RFC 7518 §3, RFC 8037, RFC 9864, RFC 9964) and the keys
 * that they require. No list contains `none`, and no option can add it.
 */
import { HAS_ML_DSA, ML_DSA_KEY_BYTES, type MlDsaAlgorithm } from './ml-dsa.js'

interface KeyShape {
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'AKP'
  readonly crv?: string
  /**
   * The members that define the public key, with their size in bytes, leading zeros included (RFC
   * 7518 §6.2.1.2, RFC 8037 §2, RFC 9964 §3). 0 if the size is variable.
   */
  readonly members: Readonly<Record<string, number>>
  /** Whether the JWK must have `alg` (RFC 9964 §3). */
  readonly requiresAlg?: boolean
}

const RSA: KeyShape = { kty: 'RSA', members: { n: 0, e: 0 } }
const ED25519: KeyShape = { kty: 'OKP', crv: 'Ed25519', members: { x: 32 } }

function ec(crv: string, bytes: number): KeyShape {
  return { kty: 'EC', crv, members: { x: bytes, y: bytes } }
}

function akp(algorithm: MlDsaAlgorithm): KeyShape {
  return { kty: 'AKP', members: { pub: ML_DSA_KEY_BYTES[algorithm] }, requiresAlg: true }
}

/**
 * A signature algorithm whose keys an issuer can publish. ML-DSA requires Node 24.6 or later with
 * OpenSSL 3.5 or later.
 */
export type AsymmetricAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'
  | 'ML-DSA-44'
  | 'ML-DSA-65'
  | 'ML-DSA-87'

/** An HMAC algorithm, with a secret that the issuer shares with the API (RFC 7518 §3.2). */
export type SymmetricAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** A signature algorithm that the option `algorithms` can allow. */
export type Algorithm = AsymmetricAlgorithm | SymmetricAlgorithm

const ASYMMETRIC: Readonly<Record<AsymmetricAlgorithm, KeyShape>> = {
  RS256: RSA,
  RS384: RSA,
  RS512: RSA,
  PS256: RSA,
  PS384: RSA,
  PS512: RSA,
  ES256: ec('P-256', 32),
  ES384: ec('P-384', 48),
  ES512: ec('P-521', 66),
  EdDSA: ED25519,
  Ed25519: ED25519,
  'ML-DSA-44': akp('ML-DSA-44'),
  'ML-DSA-65': akp('ML-DSA-65'),
  'ML-DSA-87': akp('ML-DSA-87'),
}

/** Minimum length of the secret, in bytes: the length of the hash (RFC 7518 §3.2). */
const SYMMETRIC: Readonly<Record<SymmetricAlgorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/**
 * Default of the option `algorithms` for an issuer with a key set: the algorithms that this runtime
 * can verify.
 */
export const ASYMMETRIC_ALGORITHMS = (Object.keys(ASYMMETRIC) as AsymmetricAlgorithm[]).filter(
  (algorithm) => HAS_ML_DSA || !isMlDsa(algorithm),
) as readonly AsymmetricAlgorithm[]
/**
 * Default algorithms of DPoP proofs. Excludes ES384 and ES512, because verifying them costs 10 and
 * 20 times as much as ES256: clients choose the algorithm, and the API verifies every proof.
 * Excludes ML-DSA, because a proof and a token with such signatures may exceed the limit of Node for
 * all headers of a request (16 KiB).
 */
export const PROOF_ALGORITHMS = ASYMMETRIC_ALGORITHMS.filter(
  (algorithm) => algorithm !== 'ES384' && algorithm !== 'ES512' && !isMlDsa(algorithm),
)
export const SYMMETRIC_ALGORITHMS = Object.keys(SYMMETRIC) as readonly SymmetricAlgorithm[]

/** Whether the value is an asymmetric algorithm that this runtime can verify. */
export function isAsymmetric(algorithm: unknown): algorithm is AsymmetricAlgorithm {
  return (ASYMMETRIC_ALGORITHMS as readonly unknown[]).includes(algorithm)
}

function isMlDsa(algorithm: unknown): boolean {
  return typeof algorithm === 'string' && Object.hasOwn(ML_DSA_KEY_BYTES, algorithm)
}

/**
 * Returns a hint for a message if one of the values is an algorithm that only other runtimes can
 * verify; otherwise an empty string.
 *
 * @param verifiable the algorithms that this runtime can verify.
 */
export function runtimeHint(
  algorithms: unknown,
  verifiable: readonly unknown[] = ASYMMETRIC_ALGORITHMS,
): string {
  const missing = [algorithms].flat().find((value) => isMlDsa(value) && !verifiable.includes(value))
  const { node, openssl } = process.versions
  return missing === undefined
    ? ''
    : `. ${missing} requires Node 24.6 or later with OpenSSL 3.5 or later; this is Node ${node} with OpenSSL ${openssl}`
}

export function isSymmetric(algorithm: unknown): algorithm is SymmetricAlgorithm {
  return typeof algorithm === 'string' && Object.hasOwn(SYMMETRIC, algorithm)
}

/** Returns the key type (RFC 7518 §6.1) and curve that an algorithm requires. */
export function keyShapeOf(algorithm: AsymmetricAlgorithm): KeyShape {
  return ASYMMETRIC[algorithm]
}

export function minimumSecretBytes(algorithm: SymmetricAlgorithm): number {
  return SYMMETRIC[algorithm]
}
