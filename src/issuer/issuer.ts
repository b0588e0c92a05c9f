/** The trusted authorization servers, each with its keys: found by `iss` before anything is fetched. */
import type { Algorithm } from '../algorithms.js'
import { FindingAbout, InvalidTokenError } from '../errors.js'
import type { KeySource } from '../keys/key-source.js'
import type { ClaimExpectations } from '../token/claims.js'
import type { ResolvedProfile } from './profiles/profile.js'

/** One trusted authorization server. */
export interface Issuer {
  readonly issuer: string
  readonly algorithms: ReadonlySet<Algorithm>
  readonly profile: ResolvedProfile
  readonly expectations: ClaimExpectations
  readonly keys: KeySource
}

export class IssuerRegistry {
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #names: string

  constructor(issuers: readonly Issuer[]) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    this.#names = [...this.#issuers.keys()].join(' or ')
  }

  /**
   * The issuer that a token names, by exact comparison (RFC 9068 §4). A stranger costs a look-up
   * and touches nobody.
   *
   * @throws {InvalidTokenError} if it isn't one of those trusted.
   */
  resolve(iss: unknown): Issuer {
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined
    if (issuer !== undefined) return issuer
    throw new InvalidTokenError(
      'The access token is from an issuer that is not trusted here',
      new FindingAbout('issuer', this.#names, iss),
    )
  }

  sources(): readonly KeySource[] {
    return [...this.#issuers.values()].map(({ keys }) => keys)
  }

  async close(): Promise<void> {
    await Promise.all(this.sources().map((keys) => keys.close()))
  }
}

/**
 * RFC 8725 §3.1: the algorithm is the issuer's to choose among those allowed, not the token's.
 *
 * @throws {InvalidTokenError} if it isn't allowed.
 */
export function requireAlgorithm({ algorithms }: Issuer, alg: string): Algorithm {
  if ((algorithms as ReadonlySet<string>).has(alg)) return alg as Algorithm
  throw new InvalidTokenError(
    'The access token is signed with an algorithm that is not allowed',
    new FindingAbout('algorithm', [...algorithms].join(' or '), alg),
  )
}
