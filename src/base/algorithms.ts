/**
 * Lists the supported signature algorithms (RFC 7518 §3, RFC 8037, RFC 9864) and the keys that they
 * require. No list contains `none`, and no option can add it.
 */

interface KeyShape {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly crv?: string
}

const RSA: KeyShape = { kty: 'RSA' }
const ED25519: KeyShape = { kty: 'OKP', crv: 'Ed25519' }

/** A signature algorithm whose keys an issuer can publish. */
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
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: ED25519,
  Ed25519: ED25519,
}

/** Minimum length of the secret, in bytes: the length of the hash (RFC 7518 §3.2). */
const SYMMETRIC: Readonly<Record<SymmetricAlgorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** Default of the option `algorithms` for an issuer with a key set. */
export const ASYMMETRIC_ALGORITHMS = Object.keys(ASYMMETRIC) as readonly AsymmetricAlgorithm[]
/**
 * Default algorithms of DPoP proofs. Excludes ES384 and ES512, because verifying them costs 10 and
 * 20 times as much as ES256: clients choose the algorithm, and the API verifies every proof.
 */
export const PROOF_ALGORITHMS = ASYMMETRIC_ALGORITHMS.filter(
  (algorithm) => algorithm !== 'ES384' && algorithm !== 'ES512',
)
export const SYMMETRIC_ALGORITHMS = Object.keys(SYMMETRIC) as readonly SymmetricAlgorithm[]

export function isAsymmetric(algorithm: unknown): algorithm is AsymmetricAlgorithm {
  return typeof algorithm === 'string' && Object.hasOwn(ASYMMETRIC, algorithm)
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
