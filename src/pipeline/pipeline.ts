/**
 * Verifies one access token. The stages, in order:
 *
 *   JWT:    token → issuer → claims → binding → keys → signature ─┐
 *   opaque: token → issuer → introspection → claims → binding ────┴→ revocation → AccessToken
 *
 * Checks run cheapest first: a token whose claims would be rejected anyway never causes a key
 * fetch, a signature verification or an introspection request. Before its signature is verified, a
 * claim can only cause a rejection.
 *
 * Each stage returns the input of the next one or a rejection, which ends the pipeline; see
 * `errors/result.ts`. The stages before (reading the token from a request) and after (proof of
 * possession, route policy) are in `credentials/`, `binding/` and `policy/`.
 */
import { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { type Confirmation, readConfirmation } from '../access-token/confirmation.js'
import type { ScopeHierarchy } from '../access-token/scope-hierarchy.js'
import type { Binding } from '../binding/binding.js'
import { IntrospectionUnavailableError, InvalidTokenError } from '../errors/errors.js'
import {
  andThen,
  isPromise,
  isRejection,
  type Result,
  type StepResult,
  unwrap,
} from '../errors/result.js'
import { type Issuer, type IssuerSource, resolveAlgorithm } from '../issuer/issuer.js'
import type { Counters } from '../observability/statistics.js'
import { type Revocations, revokedTokenRejection } from '../revocation/revocations.js'
import { checkTimes, type TimeLimits, verifyClaims } from '../token/claims.js'
import {
  type CompactJws,
  hasClaims,
  type ParsedJws,
  parseCompactJws,
  withClaims,
} from '../token/compact-jws.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { KnownHeaders } from '../token/known-headers.js'
import { tailOf } from './fingerprint.js'
import { type IntrospectionRules, introspectToken, verifyActive } from './introspected-token.js'
import { type VerificationResult, VerifiedTokens } from './verified-tokens.js'

export interface PipelineOptions {
  readonly issuers: IssuerSource
  readonly binding: Pick<Binding, 'checkProvable'>
  readonly limits: TimeLimits
  readonly hierarchy: ScopeHierarchy | undefined
  readonly maxTokenLength: number
  readonly tokenCache: ConstructorParameters<typeof VerifiedTokens>[0] | undefined
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly counters: Counters
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #rules: IntrospectionRules
  readonly #cache: VerifiedTokens | undefined
  readonly #knownHeaders = new KnownHeaders()
  /** Single flight, by the tail of the token: concurrent requests share one verification. */
  readonly #inFlight = new Map<string, InFlight>()

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#rules = { ...options, now: () => this.#seconds() }
    // A result that also depends on the request must not be reused for the token.
    if (options.tokenCache !== undefined && !options.issuers.dependsOnContext) {
      this.#cache = new VerifiedTokens(options.tokenCache)
    }
  }

  /** Number of tokens in the main cache. */
  get cacheSize(): number {
    return this.#cache?.size ?? 0
  }

  /**
   * Verifies a token: synchronously if it is cached, or if its key is loaded and verifies inline.
   *
   * @param context passed to the application's issuer resolver, such as the request.
   * @returns the token or a rejection; a returned promise rejects with the rejection.
   */
  verify(raw: string, context?: unknown): StepResult<AccessToken> {
    if (this.#cache !== undefined) {
      const now = this.#seconds()
      const cached = this.#reuse(this.#cache.get(raw, now), now)
      if (cached !== undefined) return cached
    }
    return this.#join(raw, context) ?? this.#start(raw, context)
  }

  /**
   * Verifies by the raw `Authorization` header if it is exactly `Bearer <cached token>`;
   * `undefined` says nothing about other tokens.
   */
  recall(header: string): StepResult<AccessToken> | undefined {
    if (this.#cache === undefined) return undefined
    const now = this.#seconds()
    return this.#reuse(this.#cache.getByHeader(header, now), now)
  }

  /** Reuses a cached verification only if verifying the token again would give the same result. */
  #reuse(result: VerificationResult | undefined, now: number): StepResult<AccessToken> | undefined {
    if (result === undefined) return undefined
    const { token, issuer, key } = result
    if (!issuer.keys.trusts(key)) return undefined
    if (!this.#options.issuers.stillTrusts(issuer, token)) return undefined
    const rejection = checkTimes(token.times, this.#options.limits, now)
    if (rejection !== undefined) return rejection
    this.#options.counters.cacheHits++
    return this.#confirm(result)
  }

  /** Checks on each use whether the token was revoked, by its issuer or by the application. */
  #confirm({ token, issuer, recheck }: VerificationResult): StepResult<AccessToken> {
    const { revocations } = this.#options
    const state = recheck?.check()
    if (revocations.isRevoked(token) || state === 'revoked') return revokedTokenRejection()
    if (state === 'unconfirmed') return recheckFailed(issuer, recheck)
    if (issuer.introspection?.mode !== 'always') return token
    return andThen(verifyActive(token, issuer, this.#rules), (active) =>
      // The application may have revoked the token during the introspection request.
      revocations.isRevoked(active) ? revokedTokenRejection() : active,
    )
  }

  #join(raw: string, context: unknown): Promise<AccessToken> | undefined {
    if (this.#inFlight.size === 0) return undefined
    const inFlight = this.#inFlight.get(tailOf(raw))
    if (inFlight?.raw !== raw) return undefined
    return inFlight.verifying.catch((error) => {
      if (isInvalidToken(error)) throw cloneError(error)
      // The shared verification ended without a result (for example, keys unavailable). Retry: if
      // the keys are still unavailable, the back-off rejects without another fetch.
      return unwrap(this.#start(raw, context))
    })
  }

  #start(raw: string, context: unknown): StepResult<AccessToken> {
    this.#options.counters.cacheMisses++
    const { issuers, maxTokenLength } = this.#options
    // An oversized token goes to no issuer and to no application function.
    const opaqueIssuer = raw.length > maxTokenLength ? undefined : issuers.forOpaqueToken(raw)
    if (opaqueIssuer !== undefined) return this.#introspect(raw, opaqueIssuer)
    const token = this.#verifyJwt(raw, context)
    return isPromise(token) ? this.#share(raw, token) : token
  }

  #share(raw: string, token: Promise<AccessToken>): Promise<AccessToken> {
    if (this.#options.issuers.dependsOnContext) return token
    const tail = tailOf(raw)
    const verifying = token.finally(() => this.#inFlight.delete(tail))
    this.#inFlight.set(tail, { raw, verifying })
    return verifying.catch((error) => {
      throw isInvalidToken(error) ? cloneError(error) : error
    })
  }

  #verifyJwt(raw: string, context: unknown): StepResult<AccessToken> {
    const { issuers, maxTokenLength } = this.#options
    const jws = parseCompactJws(raw, maxTokenLength, this.#knownHeaders)
    if (isRejection(jws)) return jws
    return andThen(issuers.resolve(jws.issuerClaims, context), (issuer) =>
      issuer.introspection?.isRequired
        ? this.#introspect(raw, issuer)
        : andThen(this.#verifyJws(jws, issuer), (result) => {
            this.#cache?.add(result, this.#seconds())
            return this.#confirm(result)
          }),
    )
  }

  #verifyJws(jws: CompactJws, issuer: Issuer): StepResult<VerificationResult> {
    const { counters, revocations, hierarchy } = this.#options
    const algorithm = resolveAlgorithm(issuer, jws.header.alg)
    if (isRejection(algorithm)) return algorithm
    // If parsing the claims costs more than verifying the signature, the signature comes first.
    const preVerified = hasClaims(jws) ? this.#checkClaims(jws, issuer) : undefined
    if (isRejection(preVerified)) return preVerified
    const signer = findSigningKey({ jws, algorithm, source: issuer.keys, counters })
    return andThen(signer, (key) => {
      const checked = preVerified ?? this.#parseAndCheckClaims(jws, issuer)
      if (isRejection(checked)) return checked
      const { claims, confirmation } = checked
      const misusedKey = issuer.profile.checkKey?.(key.issuer, claims)
      if (misusedKey !== undefined) return misusedKey
      this.#knownHeaders.remember(jws.headerSegment, jws.header)
      const { raw } = jws
      const reader = issuer.profile
      const token = new AccessToken({ raw, claims, confirmation, reader, hierarchy })
      revocations.recordLifetime(token.times)
      return { token, issuer, key, recheck: startRecheck(token, issuer) }
    })
  }

  #parseAndCheckClaims(jws: CompactJws, issuer: Issuer): Result<CheckedClaims> {
    const parsed = withClaims(jws)
    return isRejection(parsed) ? parsed : this.#checkClaims(parsed, issuer)
  }

  #checkClaims(jws: ParsedJws, issuer: Issuer): Result<CheckedClaims> {
    const { binding, issuers, limits } = this.#options
    const claims = verifyClaims(jws, issuer.expectations, limits, this.#seconds())
    if (isRejection(claims)) return claims
    const confirmation = readConfirmation(claims)
    if (isRejection(confirmation)) return confirmation
    const unprovable = binding.checkProvable(confirmation)
    if (unprovable !== undefined) return unprovable
    issuers.admit(issuer)
    return { claims, confirmation }
  }

  #introspect(raw: string, issuer: Issuer): StepResult<AccessToken> {
    const { issuers, revocations } = this.#options
    return andThen(introspectToken(raw, issuer, this.#rules), (token) => {
      issuers.admit(issuer)
      revocations.recordLifetime(token.times)
      return revocations.isRevoked(token) ? revokedTokenRejection() : token
    })
  }

  /** Whole seconds since the epoch, rounded down; every NumericDate is compared with these. */
  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

function startRecheck(
  token: AccessToken,
  { introspection }: Issuer,
): VerificationResult['recheck'] {
  if (introspection?.mode !== 'recheck') return undefined
  // The recheck retains the token, which is a slice that would keep the whole header alive.
  token.detach()
  return introspection.introspector.recheckOf(token.raw)
}

/** The error for a token whose background recheck has failed beyond `recheckStaleIfError`. */
function recheckFailed(
  { issuer }: Issuer,
  recheck: VerificationResult['recheck'],
): IntrospectionUnavailableError {
  return new IntrospectionUnavailableError(issuer, 1, recheck?.failure)
}

function isInvalidToken(error: unknown): error is InvalidTokenError {
  // Exact class only: an application's subclass cannot be reconstructed here.
  return error instanceof InvalidTokenError && error.constructor === InvalidTokenError
}

/**
 * Returns a copy per waiter: an error handler may mutate the error, and must not leak one request's
 * data into another's response.
 */
function cloneError({ message, reason }: InvalidTokenError): InvalidTokenError {
  return new InvalidTokenError(message, reason)
}

interface CheckedClaims {
  readonly claims: AccessTokenClaims
  readonly confirmation: Confirmation | undefined
}

interface InFlight {
  readonly raw: string
  readonly verifying: Promise<AccessToken>
}
