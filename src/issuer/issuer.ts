/** One trusted authorization server, and what the pipeline asks of all of them. */

import type { AccessToken } from '../access-token/access-token.js'
import type { Algorithm } from '../base/algorithms.js'
import { InvalidTokenError } from '../errors/errors.js'
import { LazyReason } from '../errors/rejection-reason.js'
import type { Result, StepResult } from '../errors/result.js'
import type { Introspector } from '../introspection/introspector.js'
import type { OpaqueTokens, ResolvedIntrospection } from '../introspection/options.js'
import type { KeySource } from '../keys/key-source.js'
import type { ClaimExpectations } from '../token/claims.js'
import type { Claims } from '../token/compact-jws.js'
import type { ResolvedProfile } from './providers/provider.js'

/** One trusted authorization server. */
export interface Issuer {
  /** Its name; with `{tenantid}` in it, that of every tenant. */
  readonly issuer: string
  readonly algorithms: ReadonlySet<Algorithm>
  readonly profile: ResolvedProfile
  readonly expectations: ClaimExpectations
  readonly keys: KeySource
  /** How it is asked about its tokens (RFC 7662), if it is. */
  readonly introspection: TokenIntrospection | undefined
}

export interface TokenIntrospection {
  /** See `IntrospectionOptions`. */
  readonly mode: ResolvedIntrospection['mode']
  /** Whether nobody but the issuer can verify its tokens, those that look like a JWT included. */
  readonly isOnlyWay: boolean
  /** Of several issuers, those with a function come before the one with `any`. */
  readonly opaqueTokens: OpaqueTokens
  readonly introspector: Pick<Introspector, 'introspect' | 'watch' | 'close'>
}

/** Where the trusted issuers come from. */
export interface IssuerSource {
  /**
   * The issuer that a token names, by exact comparison (RFC 9068 §4).
   *
   * @param claims of an unverified token: `iss` and `tid`, and the others only where they are parsed.
   * @param context what the token came with: in a Fastify API, the request.
   * @returns an `InvalidTokenError`, or rejects with it, if it isn't one of those trusted.
   */
  resolve(claims: Claims, context: unknown): StepResult<Issuer>

  /** Whether a verdict about a token, reached with this issuer, still counts. Asks nobody. */
  stillTrusts(issuer: Issuer, token: AccessToken): boolean

  /**
   * Called once the claims of a token of this issuer are valid: only then may the issuer evict others
   * that were admitted.
   */
  admit(issuer: Issuer): void

  /** Whether the answer may be another one for another request, so that no verdict is reused. */
  readonly dependsOnContext: boolean

  /** Whether tokens of more than one issuer may be accepted. */
  readonly trustsSeveral: boolean

  /** Whether there may be a token with this name in `iss` that is taken. Asks nobody. */
  mayTrust(iss: string): boolean

  /** The issuer to ask about a token that isn't a JWT, or is none to it. */
  ofOpaque(token: string): Issuer | undefined

  /** Those known at present. */
  issuers(): readonly Issuer[]

  close(): Promise<void>
}

/**
 * RFC 8725 §3.1: the algorithm is the issuer's to choose among those allowed, not the token's.
 *
 * @returns an `InvalidTokenError` if it isn't allowed.
 */
export function resolveAlgorithm(
  { algorithms }: Pick<Issuer, 'algorithms'>,
  alg: string,
): Result<Algorithm> {
  if ((algorithms as ReadonlySet<string>).has(alg)) return alg as Algorithm
  return new InvalidTokenError(
    'The access token is signed with an algorithm that is not allowed',
    new LazyReason('algorithm', [...algorithms].join(' or '), alg),
  )
}

/** @param expected the names of those that are, in words. */
export function untrustedIssuer(expected: string, iss: unknown): InvalidTokenError {
  return new InvalidTokenError(
    'The access token is from an issuer that is not trusted here',
    new LazyReason('issuer', expected, iss),
  )
}

export async function closeIssuer({ keys, introspection }: Issuer): Promise<void> {
  introspection?.introspector.close()
  await keys.close()
}
