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
import { type Verdict, VerifiedTokens } from './cache/verified-tokens.js'
import { type IssuerRegistry, requireAlgorithm } from './issuer/issuer.js'
import { requireClaims, requireTimes, type TimeLimits } from './token/claims.js'
import { parseCompactJws } from './token/compact-jws.js'
import { requireSigner } from './token/signature.js'

export interface PipelineOptions {
  readonly issuers: IssuerRegistry
  readonly limits: TimeLimits
  readonly maxTokenLength: number
  readonly tokenCache: ConstructorParameters<typeof VerifiedTokens>[0] | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #verified: VerifiedTokens | undefined
  /** One verification for all who bring the same token at the same time. */
  readonly #underWay = new Map<string, Promise<AccessToken>>()

  constructor(options: PipelineOptions) {
    this.#options = options
    if (options.tokenCache !== undefined) this.#verified = new VerifiedTokens(options.tokenCache)
  }

  /**
   * The verified token; for one that was verified before, at once and without a promise.
   *
   * @throws {ResourceServerError} or rejects with one.
   */
  verify(raw: string): AccessToken | Promise<AccessToken> {
    return this.#known(raw) ?? this.#underWay.get(raw) ?? this.#begin(raw)
  }

  /** A verdict reached before is used again only if a fresh one would be the same. */
  #known(raw: string): AccessToken | undefined {
    const verdict = this.#verified?.get(raw)
    if (verdict === undefined) return undefined
    const { token, issuer, key } = verdict
    if (!issuer.keys.trusts(key)) return undefined
    requireTimes(token.claims, this.#options.limits, this.#seconds())
    return token
  }

  #begin(raw: string): Promise<AccessToken> {
    const verifying = this.#verify(raw)
      .then((verdict) => {
        this.#verified?.add(verdict)
        return verdict.token
      })
      .finally(() => this.#underWay.delete(raw))
    this.#underWay.set(raw, verifying)
    return verifying
  }

  async #verify(raw: string): Promise<Verdict> {
    const { issuers, limits, maxTokenLength } = this.#options

    const jws = parseCompactJws(raw, maxTokenLength)
    const issuer = issuers.resolve(jws.claims.iss)
    const algorithm = requireAlgorithm(issuer, jws.header.alg)
    const claims = requireClaims(jws, issuer.expectations, limits, this.#seconds())
    requireUnbound(claims)
    const key = await requireSigner(jws, algorithm, issuer.keys)

    const { profile } = issuer
    const token = new AccessToken({
      // A slice would keep the whole header alive that it was cut from, blanks and all.
      raw: Buffer.from(raw, 'latin1').toString('latin1'),
      claims,
      scope: profile.scope(claims),
      clientId: profile.clientId(claims),
    })
    return { token, issuer, key }
  }

  /** Whole seconds, rounded down, as NumericDates are compared everywhere. */
  #seconds(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}
