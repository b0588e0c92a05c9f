/**
 * Verifies one access token. The stages, in order:
 *
 *   JWT:    token → issuer → claims → binding → keys → signature ─┐
 *   opaque: token → issuer → introspection → claims → binding ────┴→ revocation → AccessToken
 *
 * An encrypted token is decrypted first, and its content is verified as a JWT. Caches, introspection
 * and proofs of possession use the token as the caller sent it.
 *
 * Checks run cheapest first: a JWT whose claims would be rejected anyway causes no key fetch, no
 * signature verification and no introspection request, unless its claims are costly to parse. Until
 * the signature is verified, the claims can only select the issuer or cause a rejection. In mode
 * `always`, a JWT is introspected after its signature is verified. With `introspectionOnly`, a JWT
 * is verified like an opaque token, and its claims do not prevent the introspection request.
 *
 * Each stage returns the input of the next one, or a rejection, which ends the pipeline; see
 * `errors/result.ts`. Before the pipeline, `credentials/` reads the token from the request. After
 * it, `binding/` checks the proof of possession, and `policy/` the requirement of the route.
 */
import { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { type Confirmation, readConfirmation } from '../access-token/confirmation.js'
import type { ScopeHierarchy } from '../access-token/scope-hierarchy.js'
import type { Binding } from '../binding/binding.js'
import type { Decrypter } from '../decryption/decrypter.js'
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
import { isCompactJwe } from '../token/compact-serialization.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { KnownHeaders } from '../token/known-headers.js'
import { fingerprintOf } from './fingerprint.js'
import { type IntrospectionRules, introspectToken, verifyActive } from './introspected-token.js'
import { type VerificationResult, VerifiedTokens } from './verified-tokens.js'

export interface PipelineOptions {
  readonly issuers: IssuerSource
  readonly binding: Pick<Binding, 'checkProvable'>
  readonly limits: TimeLimits
  readonly hierarchy: ScopeHierarchy | undefined
  /** Maximum length of a token, in characters. */
  readonly maxTokenLength: number
  readonly tokenCache: ConstructorParameters<typeof VerifiedTokens>[0] | undefined
  /** Decrypts encrypted tokens; `undefined` without the option `decryption`. */
  readonly decrypter: Decrypter | undefined
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
  /** Verifications in flight, by fingerprint; concurrent requests with the same token share one. */
  readonly #inFlight = new Map<number, InFlight>()

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#rules = { ...options, now: () => this.#seconds() }
    // If the issuer depends on the request, other requests must not reuse the result.
    if (options.tokenCache !== undefined && !options.issuers.dependsOnContext) {
      this.#cache = new VerifiedTokens(options.tokenCache)
    }
  }

  /** Number of tokens in the main cache. */
  get cacheSize(): number {
    return this.#cache?.size ?? 0
  }

  /**
   * Verifies a token. Returns synchronously if the token is cached, and for most tokens that are
   * rejected before their signature is verified. A token that must be introspected is verified
   * synchronously only if the introspection response is cached.
   *
   * @param context the request, or another value for the application's `issuer` function.
   * @returns the token or a rejection. If the result is a promise, it rejects with the rejection.
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
   * Verifies the token in a raw `Authorization` header if the header is exactly `Bearer <token
   * in the main cache>`. Returns `undefined` if it is not, or if the token must be verified again:
   * the caller must then call {@link verify}.
   */
  recall(header: string): StepResult<AccessToken> | undefined {
    if (this.#cache === undefined) return undefined
    const now = this.#seconds()
    return this.#reuse(this.#cache.getByHeader(header, now), now)
  }

  /**
   * Returns the result for a cached token, whose times are checked again. Returns `undefined` if
   * the token is not cached, or if its key or issuer is no longer trusted.
   */
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

  /** Checks, on each use, whether the issuer or the application has revoked the verified token. */
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
    const inFlight = this.#inFlight.get(fingerprintOf(raw))
    if (inFlight?.raw !== raw) return undefined
    return inFlight.verifying?.catch((error) => {
      if (isInvalidToken(error)) throw cloneError(error)
      // The shared verification failed for another reason, such as unavailable keys. Retry: if the
      // keys are still unavailable, the back-off rejects the token without another fetch.
      return unwrap(this.#start(raw, context))
    })
  }

  #start(raw: string, context: unknown): StepResult<AccessToken> {
    this.#options.counters.cacheMisses++
    const { issuers, maxTokenLength } = this.#options
    // An oversized token is passed to no issuer and to no function of the application.
    const opaqueIssuer = raw.length > maxTokenLength ? undefined : issuers.forOpaqueToken(raw)
    if (opaqueIssuer !== undefined) return this.#introspect(raw, opaqueIssuer)
    const token = this.#isEncrypted(raw)
      ? this.#decrypt(raw, context)
      : this.#verifyJwt(raw, raw, context)
    return isPromise(token) ? this.#share(raw, token) : token
  }

  #isEncrypted(raw: string): boolean {
    const { decrypter, maxTokenLength } = this.#options
    return decrypter !== undefined && raw.length <= maxTokenLength && isCompactJwe(raw)
  }

  #decrypt(raw: string, context: unknown): StepResult<AccessToken> {
    const decrypted = this.#options.decrypter?.decrypt(raw) as StepResult<string>
    return andThen(decrypted, (jwt) => this.#verifyJwt(jwt, raw, context))
  }

  #share(raw: string, token: Promise<AccessToken>): Promise<AccessToken> {
    if (this.#options.issuers.dependsOnContext) return token
    const fingerprint = fingerprintOf(raw)
    const inFlight: InFlight = { raw, verifying: token }
    this.#inFlight.set(fingerprint, inFlight)
    return token.then(
      (verified) => {
        this.#end(inFlight, fingerprint)
        return verified
      },
      (error) => {
        this.#end(inFlight, fingerprint)
        throw isInvalidToken(error) ? cloneError(error) : error
      },
    )
  }

  #end(inFlight: InFlight, fingerprint: number): void {
    // A later verification may have replaced this one.
    if (this.#inFlight.get(fingerprint) === inFlight) this.#inFlight.delete(fingerprint)
    // V8 links the tables that a Map has outgrown, so that minor garbage collections do not free
    // their entries. At a high rate of new tokens, copying the tokens as well would be costly.
    inFlight.raw = inFlight.verifying = undefined
  }

  /** @param raw the token as the caller sent it: encrypted, or the same as `jwt`. */
  #verifyJwt(jwt: string, raw: string, context: unknown): StepResult<AccessToken> {
    const { issuers, maxTokenLength, decrypter } = this.#options
    const jws = parseCompactJws(jwt, maxTokenLength, this.#knownHeaders)
    if (isRejection(jws)) return jws
    const unencrypted = jwt === raw ? decrypter?.checkUnencrypted() : undefined
    if (unencrypted !== undefined) return unencrypted
    return andThen(issuers.resolve(jws.issuerClaims, context), (issuer) =>
      issuer.introspection?.isRequired
        ? this.#introspect(raw, issuer, jwt)
        : andThen(this.#verifyJws(jws, raw, issuer), (result) => {
            this.#cache?.add(result, this.#seconds())
            return this.#confirm(result)
          }),
    )
  }

  #verifyJws(jws: CompactJws, raw: string, issuer: Issuer): StepResult<VerificationResult> {
    const { counters, revocations, hierarchy } = this.#options
    const algorithm = resolveAlgorithm(issuer, jws.header.alg)
    if (isRejection(algorithm)) return algorithm
    // Claims that are costly to parse are checked only after the signature.
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

  /** @param content the decrypted token, or the same as `raw`. */
  #introspect(raw: string, issuer: Issuer, content = raw): StepResult<AccessToken> {
    const { issuers, revocations } = this.#options
    return andThen(introspectToken(raw, content, issuer, this.#rules), (token) => {
      issuers.admit(issuer)
      revocations.recordLifetime(token.times)
      return revocations.isRevoked(token) ? revokedTokenRejection() : token
    })
  }

  /** Returns whole seconds since the epoch, rounded down, to compare with every NumericDate. */
  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

function startRecheck(
  token: AccessToken,
  { introspection }: Issuer,
): VerificationResult['recheck'] {
  if (introspection?.mode !== 'recheck') return undefined
  // The recheck keeps the token, which is a slice of the header. Without a copy, the whole header
  // would stay in memory.
  token.detach()
  return introspection.introspector.recheckOf(token.raw)
}

/** Returns the error for a token that no recheck confirmed within `recheckStaleIfError`. */
function recheckFailed(
  { issuer }: Issuer,
  recheck: VerificationResult['recheck'],
): IntrospectionUnavailableError {
  return new IntrospectionUnavailableError(issuer, 1, recheck?.failure)
}

function isInvalidToken(error: unknown): error is InvalidTokenError {
  // Excludes subclasses that the application defines: cloneError() cannot reconstruct them.
  return error instanceof InvalidTokenError && error.constructor === InvalidTokenError
}

/**
 * Returns a copy of the error. Each waiter gets its own, because an error handler may mutate it: a
 * shared error could leak data of one request into the response to another.
 */
function cloneError({ message, reason }: InvalidTokenError): InvalidTokenError {
  return new InvalidTokenError(message, reason)
}

interface CheckedClaims {
  readonly claims: AccessTokenClaims
  readonly confirmation: Confirmation | undefined
}

interface InFlight {
  raw: string | undefined
  verifying: Promise<AccessToken> | undefined
}
