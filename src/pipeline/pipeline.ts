/**
 * The way of a token, and the map of the house:
 *
 *   JWT:    token → issuer → claims → binding → keys → signature ─┐
 *   opaque: token → issuer → introspection → claims → binding ────┴→ revocation → AccessToken
 *
 * What costs nothing goes first: only a token that would be good if it was genuine makes us fetch a
 * key, verify a signature or ask its issuer. Until then its claims can do no more than have it
 * refused.
 *
 * Each step hands on what the next one needs, or one of the errors of `errors.ts`, which then is what
 * the pipeline comes to: returned, and not thrown (`now-or-later.ts` says how). What comes before (taking the
 * token off a request) and after (the proof of whose it is, and the route's policy) is in
 * `credentials/`, `binding/` and `policy/`.
 */
import { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { type Confirmation, readConfirmation } from '../access-token/confirmation.js'
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
import { type Revocations, revoked } from '../revocation/revocations.js'
import { checkTimes, type TimeLimits, verifyClaims } from '../token/claims.js'
import {
  type CompactJws,
  hasClaims,
  type ParsedJws,
  parseCompactJws,
  withClaims,
} from '../token/compact-jws.js'
import { KnownHeaders } from '../token/known-headers.js'
import { findSigner } from '../token/signer.js'
import { tailOf } from './fingerprint.js'
import { type IntrospectionRules, introspectToken, verifyActive } from './introspected-token.js'
import { type Verdict, VerifiedTokens } from './verified-tokens.js'

export interface PipelineOptions {
  readonly issuers: IssuerSource
  readonly binding: Pick<Binding, 'checkProvable'>
  readonly limits: TimeLimits
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
  readonly #verified: VerifiedTokens | undefined
  readonly #knownHeaders = new KnownHeaders()
  /** By the token's end: one verification for all who bring the same token at the same time. */
  readonly #underWay = new Map<string, UnderWay>()

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#rules = { ...options, now: () => this.#seconds() }
    // What depends on more than the token can't be used again for the token.
    if (options.tokenCache !== undefined && !options.issuers.dependsOnContext) {
      this.#verified = new VerifiedTokens(options.tokenCache)
    }
  }

  /** How many tokens are kept in the cache. */
  get cachedTokens(): number {
    return this.#verified?.size ?? 0
  }

  /**
   * The verified token: at once and without a promise for one that was verified before, or whose
   * key is at hand and quick to verify with.
   *
   * @param context what the token came with, for a function that names the issuers.
   * @returns the refusal of one that isn't good, or rejects with it.
   */
  verify(raw: string, context?: unknown): StepResult<AccessToken> {
    if (this.#verified !== undefined) {
      const now = this.#seconds()
      const known = this.#reused(this.#verified.get(raw, now), now)
      if (known !== undefined) return known
    }
    return this.#joined(raw, context) ?? this.#begin(raw, context)
  }

  /**
   * The same for an `Authorization` header, if it is one of those that tokens in the cache come in;
   * `undefined` for every other, which says nothing about its token.
   */
  recall(header: string): StepResult<AccessToken> | undefined {
    if (this.#verified === undefined) return undefined
    const now = this.#seconds()
    return this.#reused(this.#verified.getByHeader(header, now), now)
  }

  /** A verdict reached before is used again only if a fresh one would be the same. */
  #reused(verdict: Verdict | undefined, now: number): StepResult<AccessToken> | undefined {
    if (verdict === undefined) return undefined
    const { token, issuer, key } = verdict
    if (!issuer.keys.trusts(key)) return undefined
    if (!this.#options.issuers.stillTrusts(issuer, token)) return undefined
    const refused = checkTimes(token.times, this.#options.limits, now)
    if (refused !== undefined) return refused
    this.#options.counters.cacheHits++
    return this.#confirm(verdict)
  }

  /** What no signature tells, on each use: whether the issuer, or we, took the token back. */
  #confirm({ token, issuer, watch }: Verdict): StepResult<AccessToken> {
    const { revocations } = this.#options
    const state = watch?.check()
    if (revocations.covers(token) || state === 'revoked') return revoked()
    if (state === 'unanswered') return unanswered(issuer, watch)
    if (issuer.introspection?.mode !== 'always') return token
    return andThen(verifyActive(token, issuer, this.#rules), (active) =>
      // We may have taken it back while its issuer was being asked.
      revocations.covers(active) ? revoked() : active,
    )
  }

  #joined(raw: string, context: unknown): Promise<AccessToken> | undefined {
    if (this.#underWay.size === 0) return undefined
    const underWay = this.#underWay.get(tailOf(raw))
    if (underWay?.raw !== raw) return undefined
    return underWay.verifying.catch((error) => {
      if (isInvalidToken(error)) throw ownCopyOf(error)
      // Nobody could tell, and somebody may by now: without another verification if not.
      return unwrap(this.#begin(raw, context))
    })
  }

  #begin(raw: string, context: unknown): StepResult<AccessToken> {
    this.#options.counters.cacheMisses++
    const { issuers, maxTokenLength } = this.#options
    // What is too long is shown to nobody, not even to a function of the application's.
    const asked = raw.length > maxTokenLength ? undefined : issuers.ofOpaque(raw)
    if (asked !== undefined) return this.#introspect(raw, asked)
    const token = this.#verifyJwt(raw, context)
    return isPromise(token) ? this.#shared(raw, token) : token
  }

  #shared(raw: string, token: Promise<AccessToken>): Promise<AccessToken> {
    if (this.#options.issuers.dependsOnContext) return token
    const tail = tailOf(raw)
    const verifying = token.finally(() => this.#underWay.delete(tail))
    this.#underWay.set(tail, { raw, verifying })
    return verifying.catch((error) => {
      throw isInvalidToken(error) ? ownCopyOf(error) : error
    })
  }

  #verifyJwt(raw: string, context: unknown): StepResult<AccessToken> {
    const { issuers, maxTokenLength } = this.#options
    const jws = parseCompactJws(raw, maxTokenLength, this.#knownHeaders)
    if (isRejection(jws)) return jws
    return andThen(issuers.resolve(jws.issuerClaims, context), (issuer) =>
      issuer.introspection?.isOnlyWay
        ? this.#introspect(raw, issuer)
        : andThen(this.#verifyJws(jws, issuer), (verdict) => {
            this.#verified?.add(verdict, this.#seconds())
            return this.#confirm(verdict)
          }),
    )
  }

  #verifyJws(jws: CompactJws, issuer: Issuer): StepResult<Verdict> {
    const { counters, revocations } = this.#options
    const algorithm = resolveAlgorithm(issuer, jws.header.alg)
    if (isRejection(algorithm)) return algorithm
    // Where parsing the claims costs more than verifying the signature, the signature comes first.
    const early = hasClaims(jws) ? this.#checkClaims(jws, issuer) : undefined
    if (isRejection(early)) return early
    const signer = findSigner({ jws, algorithm, source: issuer.keys, counters })
    return andThen(signer, (key) => {
      const checked = early ?? this.#parseAndCheckClaims(jws, issuer)
      if (isRejection(checked)) return checked
      const { claims, confirmation } = checked
      const misused = issuer.profile.checkKey?.(key.issuer, claims)
      if (misused !== undefined) return misused
      this.#knownHeaders.remember(jws.headerSegment, jws.header)
      const token = new AccessToken({ raw: jws.raw, claims, confirmation, reader: issuer.profile })
      revocations.sawToken(token.times)
      return { token, issuer, key, watch: watchOver(token, issuer) }
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
      revocations.sawToken(token.times)
      return revocations.covers(token) ? revoked() : token
    })
  }

  /** Whole seconds, rounded down, as NumericDates are compared everywhere. */
  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

function watchOver(token: AccessToken, { introspection }: Issuer): Verdict['watch'] {
  if (introspection?.mode !== 'recheck') return undefined
  // The watch keeps the text.
  token.detach()
  return introspection.introspector.watch(token.raw)
}

/** Whether the issuer revoked the token can't be known, for longer than it may stay unknown. */
function unanswered({ issuer }: Issuer, watch: Verdict['watch']): IntrospectionUnavailableError {
  return new IntrospectionUnavailableError(issuer, 1, watch?.failure)
}

function isInvalidToken(error: unknown): error is InvalidTokenError {
  // Not one of the application's own kind, which nobody here could make again.
  return error instanceof InvalidTokenError && error.constructor === InvalidTokenError
}

/** To each who waits: the application may write into it what is another's to see. */
function ownCopyOf({ message, reason }: InvalidTokenError): InvalidTokenError {
  return new InvalidTokenError(message, reason)
}

interface CheckedClaims {
  readonly claims: AccessTokenClaims
  readonly confirmation: Confirmation | undefined
}

interface UnderWay {
  readonly raw: string
  readonly verifying: Promise<AccessToken>
}
