/**
 * What the issuer said a short while ago, so that it isn't asked the same for every request.
 *
 * Kept under a SHA-256 of the token (RFC 9700 §4.9.3), bounded in number and bytes. Refusals have a
 * place of their own: a stranger can make as many as they like, and push out none but theirs. No
 * answer is used at or after the `exp` that it names (RFC 7662 §4).
 */
import { createHash } from 'node:crypto'
import { BoundedCache } from '../base/bounded-cache.js'
import { ownMember } from '../base/plain-object.js'
import { LONGEST_ASKED_FOR } from '../http/back-off.js'
import type { IntrospectionAnswer } from './answer.js'
import type { IntrospectionFailure } from './introspection-failure.js'

/** All times in milliseconds. */
export interface KnownAnswersOptions {
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly staleIfError: number
  readonly maxEntries: number
  readonly maxBytes: number
  /** For `exp`. */
  readonly now: () => number
  /** For what waits. */
  readonly steadyNow: () => number
}

interface Kept {
  readonly answer: IntrospectionAnswer
  readonly freshUntil: number
  readonly usableUntil: number
}

/** The token isn't good (no `failure`), or the issuer failed at this one token. */
export interface NegativeEntry {
  readonly failure: IntrospectionFailure | undefined
  readonly until: number
  /** When the issuer last said that it isn't good; `-Infinity` if it never did. */
  readonly refusedAt: number
  /** How often in a row it failed at it. */
  readonly failures: number
}

/** The issuer may well get over it. In milliseconds. */
const FAILED_FOR = 1_000

/** A token at which the issuer fails so often in a row gets no priority any more. */
const MAX_FAILURES = 3

/** The answer parsed is a few times as long as its text, measured as for verified tokens. */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024

export class KnownAnswers {
  readonly #options: KnownAnswersOptions
  readonly #good: BoundedCache<string, Kept>
  readonly #refused: BoundedCache<string, NegativeEntry>

  constructor(options: KnownAnswersOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#good = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#refused = new BoundedCache({ max: maxEntries })
  }

  fresh(key: string): IntrospectionAnswer | undefined {
    const kept = this.#good.get(key)
    if (kept === undefined || !(this.#options.steadyNow() < kept.freshUntil)) return undefined
    return this.#unexpired(kept)
  }

  /** What was good, for as long as it may be used while the issuer can't be asked. */
  stale(key: string): IntrospectionAnswer | undefined {
    const kept = this.#good.get(key)
    if (kept === undefined || !(this.#options.steadyNow() < kept.usableUntil)) return undefined
    return this.#unexpired(kept)
  }

  refusal(key: string): NegativeEntry | undefined {
    const refusal = this.#refused.get(key)
    return refusal !== undefined && this.#options.steadyNow() < refusal.until ? refusal : undefined
  }

  /** Milliseconds until {@link refusal} is over; 0 if there is none. */
  refusedFor(key: string): number {
    const { until = Number.NEGATIVE_INFINITY } = this.#refused.get(key) ?? {}
    return Math.max(0, until - this.#options.steadyNow())
  }

  /** Whether the issuer vouched for it, be it long ago. */
  vouchedFor(key: string): boolean {
    return this.#good.has(key)
  }

  /** Whether it may go before tokens that anybody may have sent. */
  deservesPriority(key: string): boolean {
    return this.vouchedFor(key) && !((this.#refused.get(key)?.failures ?? 0) >= MAX_FAILURES)
  }

  /** Whether the issuer took the token back after an answer of that age. */
  refusedSince(key: string, age: number): boolean {
    return this.#refusedAt(key) >= this.#options.steadyNow() - age
  }

  /** @param age of the answer, which another instance may have got a while ago. */
  keep(key: string, answer: IntrospectionAnswer, length: number, age = 0): void {
    const { cacheMaxAge: maxAge, staleIfError, steadyNow } = this.#options
    const freshUntil = steadyNow() + maxAge - age
    const size = BYTES_PER_ENTRY + length * BYTES_PER_CHARACTER
    this.#good.set(key, { answer, freshUntil, usableUntil: freshUntil + staleIfError }, { size })
    this.#refused.delete(key)
  }

  /** The token isn't good. Whatever was known before is over. */
  refuse(key: string): void {
    this.#good.delete(key)
    const { steadyNow, negativeCacheMaxAge } = this.#options
    const refusedAt = steadyNow()
    const until = refusedAt + negativeCacheMaxAge
    this.#refused.set(key, { failure: undefined, until, refusedAt, failures: 0 })
  }

  /**
   * Nothing new is known of the token, and asking again at once makes no sense.
   *
   * @param askedFor how long the issuer asked us to wait with this token, in milliseconds.
   */
  failedAt(key: string, failure: IntrospectionFailure, askedFor = 0): void {
    const pause = Math.max(FAILED_FOR, Math.min(askedFor, LONGEST_ASKED_FOR))
    const until = this.#options.steadyNow() + pause
    const failures = (this.#refused.get(key)?.failures ?? 0) + 1
    this.#refused.set(key, { failure, until, refusedAt: this.#refusedAt(key), failures })
  }

  #refusedAt(key: string): number {
    return this.#refused.get(key)?.refusedAt ?? Number.NEGATIVE_INFINITY
  }

  /** An `exp` that is no number is for the checks that follow, which refuse the token. */
  #unexpired({ answer }: Kept): IntrospectionAnswer | undefined {
    const exp = ownMember(answer, 'exp')
    return typeof exp !== 'number' || this.#options.now() < exp * 1_000 ? answer : undefined
  }
}

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
