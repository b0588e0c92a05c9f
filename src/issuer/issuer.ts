/**
 * Defines a trusted authorization server, and the interface through which the pipeline finds it.
 */

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
  /** Issuer identifier. An identifier with `{tenantid}` stands for every tenant. */
  readonly issuer: string
  readonly algorithms: ReadonlySet<Algorithm>
  readonly profile: ResolvedProfile
  readonly expectations: ClaimExpectations
  /** The option `requiredClaims`, which introspection responses must meet as well. */
  readonly requiredClaims: readonly string[]
  readonly keys: KeySource
  /** Token introspection (RFC 7662); `undefined` if it is not configured. */
  readonly introspection: TokenIntrospection | undefined
}

export interface TokenIntrospection {
  /** The option `introspection.mode`. */
  readonly mode: ResolvedIntrospection['mode']
  /** The option `introspection.claims`. */
  readonly claims: ResolvedIntrospection['claims']
  /**
   * Whether every token, even a JWT, must be introspected because only the issuer can verify its
   * tokens.
   */
  readonly isRequired: boolean
  /**
   * Opaque tokens that are introspected at this issuer. Issuers with a function are tried before
   * the issuer with `any`.
   */
  readonly opaqueTokens: OpaqueTokens
  readonly introspector: Pick<Introspector, 'introspect' | 'recheckOf' | 'outage' | 'close'>
}

/** Provides the trusted issuers, from the options or from a function of the application. */
export interface IssuerSource {
  /**
   * Returns the issuer that a token names, by exact comparison (RFC 9068 §4).
   *
   * @param claims the unverified claims: only `iss` and `tid` if the other claims are not parsed
   *   yet.
   * @param context the context of the token: in a Fastify API, the request.
   * @returns the issuer, or an `InvalidTokenError` if it is not trusted. If the result is a
   *   promise, it rejects with that error instead.
   */
  resolve(claims: Claims, context: unknown): StepResult<Issuer>

  /**
   * Whether the issuer of a cached verification result is still trusted, with the same options.
   * Synchronous, without I/O.
   */
  stillTrusts(issuer: Issuer, token: AccessToken): boolean

  /**
   * Admits an issuer to the main cache, where it may evict other admitted issuers. Called when a
   * token of the issuer has valid claims or was introspected.
   */
  admit(issuer: Issuer): void

  /** Whether trust may depend on the request. If true, no verification result is reused. */
  readonly dependsOnContext: boolean

  /** Whether tokens of more than one issuer may be accepted. */
  readonly trustsSeveral: boolean

  /** Whether a token with this `iss` may be accepted. Synchronous, without I/O. */
  mayTrust(iss: string): boolean

  /** Returns the issuer at which an opaque token is introspected; `undefined` if there is none. */
  forOpaqueToken(token: string): Issuer | undefined

  /** Returns the issuers in memory: with a function as `issuer`, only those that are cached. */
  issuers(): readonly Issuer[]

  close(): Promise<void>
}

/**
 * Checks the algorithm of a token against the options of its issuer, so that an attacker cannot
 * choose the algorithm (RFC 8725 §3.1).
 *
 * @returns the algorithm, or an `InvalidTokenError` if the options do not allow it.
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

/** @param expected the trusted issuers, as text for the rejection detail. */
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
