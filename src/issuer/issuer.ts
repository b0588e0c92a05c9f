/** One trusted authorization server, and the interface through which the pipeline finds it. */

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
  /** Issuer identifier; one with `{tenantid}` stands for every tenant. */
  readonly issuer: string
  readonly algorithms: ReadonlySet<Algorithm>
  readonly profile: ResolvedProfile
  readonly expectations: ClaimExpectations
  readonly keys: KeySource
  /** Token introspection (RFC 7662), if configured. */
  readonly introspection: TokenIntrospection | undefined
}

export interface TokenIntrospection {
  /** See `IntrospectionOptions`. */
  readonly mode: ResolvedIntrospection['mode']
  /** Whether only the issuer can verify its tokens, including those that look like a JWT. */
  readonly isRequired: boolean
  /** Issuers with a function are tried before the one with `any`. */
  readonly opaqueTokens: OpaqueTokens
  readonly introspector: Pick<Introspector, 'introspect' | 'recheckOf' | 'close'>
}

/** Where the trusted issuers come from. */
export interface IssuerSource {
  /**
   * Returns the issuer that a token names, by exact comparison (RFC 9068 §4).
   *
   * @param claims of an unverified token: `iss` and `tid`, and the others only if already parsed.
   * @param context what the token was presented with: in a Fastify API, the request.
   * @returns an `InvalidTokenError`, or rejects with it, if the issuer is not trusted.
   */
  resolve(claims: Claims, context: unknown): StepResult<Issuer>

  /** Whether a verification result of this issuer may still be reused. Synchronous, without I/O. */
  stillTrusts(issuer: Issuer, token: AccessToken): boolean

  /**
   * Called once the claims of a token of this issuer are valid: only then may the issuer evict
   * others that were admitted.
   */
  admit(issuer: Issuer): void

  /** Whether trust may depend on the request, so that no verification result is reused. */
  readonly dependsOnContext: boolean

  /** Whether tokens of more than one issuer may be accepted. */
  readonly trustsSeveral: boolean

  /** Whether a token with this `iss` may be accepted. Synchronous, without I/O. */
  mayTrust(iss: string): boolean

  /** Returns the issuer that introspects an opaque token, if there is one. */
  forOpaqueToken(token: string): Issuer | undefined

  /** Returns the issuers that are currently loaded. */
  issuers(): readonly Issuer[]

  close(): Promise<void>
}

/**
 * Returns the algorithm of a token if the options of its issuer allow it: the options decide, not
 * the token (RFC 8725 §3.1).
 *
 * @returns an `InvalidTokenError` if the algorithm is not allowed.
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

/** @param expected the trusted issuers, in words. */
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
