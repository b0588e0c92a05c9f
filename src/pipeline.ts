/**
 * The way of a token, and the map of the house:
 *
 *   token → issuer → claims → binding → keys → signature → AccessToken
 *
 * What costs nothing goes first: only a token that would be good if it was genuine makes us fetch a
 * key or verify a signature. Until then its claims can do no more than have it refused.
 *
 * Each step either hands on what the next one needs or throws one of the errors of `errors.ts`.
 * What comes before (taking the token off a request) and after (the route's policy) is in
 * `credentials/` and `policy/`.
 */
import { AccessToken } from './access-token.js'
import { requireUnbound } from './binding.js'
import { tailOf } from './cache/fingerprint.js'
import { type Verdict, VerifiedTokens } from './cache/verified-tokens.js'
import { type IssuerRegistry, requireAlgorithm } from './issuer/issuer.js'
import { andThen, type NowOrLater } from './now-or-later.js'
import type { Counters } from './statistics.js'
import { requireClaims, requireTimes, type TimeLimits } from './token/claims.js'
import { parseCompactJws } from './token/compact-jws.js'
import { KnownHeaders } from './token/known-headers.js'
import { requireSigner } from './token/signer.js'

export interface PipelineOptions {
  readonly issuers: IssuerRegistry
  readonly limits: TimeLimits
  readonly maxTokenLength: number
  readonly tokenCache: ConstructorParameters<typeof VerifiedTokens>[0] | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly counters: Counters
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #verified: VerifiedTokens | undefined
  readonly #knownHeaders = new KnownHeaders()
  /** By the token's end: one verification for all who bring the same token at the same time. */
  readonly #underWay = new Map<string, UnderWay>()

  constructor(options: PipelineOptions) {
    this.#options = options
    if (options.tokenCache !== undefined) this.#verified = new VerifiedTokens(options.tokenCache)
  }

  /** How many tokens are kept in the cache. */
  get cachedTokens(): number {
    return this.#verified?.size ?? 0
  }

  /**
   * The verified token: at once and without a promise for one that was verified before, or whose
   * key is at hand and quick to verify with.
   *
   * @throws {ResourceServerError} or rejects with one.
   */
  verify(raw: string): NowOrLater<AccessToken> {
    return this.#known(raw) ?? this.#joined(raw) ?? this.#begin(raw)
  }

  /** A verdict reached before is used again only if a fresh one would be the same. */
  #known(raw: string): AccessToken | undefined {
    const verdict = this.#verified?.get(raw)
    if (verdict === undefined || !verdict.issuer.keys.trusts(verdict.key)) return undefined
    requireTimes(verdict.token.claims, this.#options.limits, this.#seconds())
    this.#options.counters.hits++
    return verdict.token
  }

  #joined(raw: string): Promise<AccessToken> | undefined {
    if (this.#underWay.size === 0) return undefined
    const underWay = this.#underWay.get(tailOf(raw))
    return underWay?.raw === raw ? underWay.verifying : undefined
  }

  #begin(raw: string): NowOrLater<AccessToken> {
    this.#options.counters.misses++
    const token = andThen(this.#verify(raw), (verdict) => this.#admit(verdict))
    return token instanceof Promise ? this.#shared(raw, token) : token
  }

  #shared(raw: string, token: Promise<AccessToken>): Promise<AccessToken> {
    const tail = tailOf(raw)
    const verifying = token.finally(() => this.#underWay.delete(tail))
    this.#underWay.set(tail, { raw, verifying })
    return verifying
  }

  #verify(raw: string): NowOrLater<Verdict> {
    const { issuers, limits, maxTokenLength, counters } = this.#options

    const jws = parseCompactJws(raw, maxTokenLength, this.#knownHeaders)
    const issuer = issuers.resolve(jws.claims.iss)
    const algorithm = requireAlgorithm(issuer, jws.header.alg)
    const claims = requireClaims(jws, issuer.expectations, limits, this.#seconds())
    requireUnbound(claims)
    const signer = requireSigner({ jws, algorithm, source: issuer.keys, counters })

    return andThen(signer, (key) => {
      this.#knownHeaders.remember(jws.headerSegment, jws.header)
      const token = new AccessToken({
        // A slice would keep the whole header alive that it was cut from, blanks and all.
        raw: Buffer.from(raw, 'latin1').toString('latin1'),
        claims,
        reader: issuer.profile,
      })
      return { token, issuer, key }
    })
  }

  #admit(verdict: Verdict): AccessToken {
    this.#verified?.add(verdict)
    return verdict.token
  }

  /** Whole seconds, rounded down, as NumericDates are compared everywhere. */
  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}

interface UnderWay {
  readonly raw: string
  readonly verifying: Promise<AccessToken>
}
