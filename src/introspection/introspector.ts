/**
 * Token introspection (RFC 7662): the issuer is asked whether a token is good, and what it says is
 * remembered for a short while.
 *
 * ```
 * token → remembered? → under way? → shared? → back-off? → turn → endpoint → exchange → remembered → answer
 * ```
 *
 * What a caller without a valid token can cause is bounded on this way: a thousand look-ups at once
 * in what is shared, one question a token at a time and per `negativeCacheMaxAge`, so many a second and
 * forty at once, a thousand waiting, and then a 503 for untrusted tokens, while those that are trusted
 * go first (`turns.ts`).
 */
import { setMaxListeners } from 'node:events'
import { IntrospectionUnavailableError } from '../errors/errors.js'
import type { IntrospectionAnswer, IntrospectionResult } from './answer.js'
import { IntrospectionEndpoint } from './endpoint.js'
import type { Exchange } from './exchange.js'
import type { OnFailure } from './failure-reports.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import { digestOf, KnownAnswers } from './known-answers.js'
import type { IntrospectionFetch } from './options.js'
import { Questions } from './questions.js'
import { SharedAnswers, type SharedAnswersOptions } from './shared-answers.js'
import type { Priority } from './turns.js'
import { type Watch, Watches } from './watch.js'

/** All times in milliseconds. */
export interface IntrospectorOptions {
  readonly issuer: string
  /** With it, no metadata is read. */
  readonly endpoint: string | undefined
  /** Whether only signed answers are taken (RFC 9701). */
  readonly requireSignedResponse: boolean
  readonly allowHttp: boolean
  readonly exchange: Exchange
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly staleIfError: number
  readonly recheckInterval: number
  readonly recheckStaleIfError: number
  readonly untrustedPerSecond: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly timeout: number
  readonly fetch: IntrospectionFetch
  /** Since the epoch, as the wall clock has it: for `exp`. */
  readonly now: () => number
  /** Never set back: for what waits. */
  readonly steadyNow: () => number
  readonly onFailure: OnFailure
  /** Where instances share what the issuer said, if they do. */
  readonly shared?:
    | Pick<SharedAnswersOptions, 'store' | 'secret' | 'clientId' | 'onFailure'>
    | undefined
}

/** The longest time that a caller is told to wait, in seconds. */
const LONGEST_RETRY_AFTER = 60

export class Introspector {
  readonly #options: IntrospectorOptions
  readonly #closing = new AbortController()
  readonly #known: KnownAnswers
  readonly #questions: Questions
  readonly #watches: Watches
  readonly #shared: SharedAnswers | undefined
  /** One question for all who bring the same token at the same time. */
  readonly #underWay = new Map<string, Promise<IntrospectionAnswer | undefined>>()

  constructor(options: IntrospectorOptions) {
    const closing = this.#closing.signal
    // Each question under way listens to it, which Node would take for a leak.
    setMaxListeners(0, closing)
    this.#options = options
    this.#known = new KnownAnswers(options)
    this.#questions = new Questions({
      ...options,
      closing,
      endpoint: new IntrospectionEndpoint({ ...options, closing }),
    })
    this.#watches = new Watches({ ...options, questions: this.#questions })
    const { shared } = options
    this.#shared = shared && new SharedAnswers({ ...options, ...shared, closing })
  }

  /**
   * What the issuer says about a token that it calls active; `undefined` for every other. Nothing is
   * awaited, and no promise is made, while the answer is remembered.
   *
   * The members of the answer are not checked but for `active`: `exp`, `nbf`, `aud`, `iss`, `scope`
   * and `cnf` are the caller's to check, as those of a JWT are.
   *
   * @param isVerified whether the token's signature was verified here, so that it goes before those
   *   that anybody may have sent.
   * @throws {IntrospectionUnavailableError} or rejects with one, if there is no verdict.
   */
  introspect(
    token: string,
    isVerified = false,
  ): IntrospectionAnswer | undefined | Promise<IntrospectionAnswer | undefined> {
    const key = digestOf(token)
    const fresh = this.#known.fresh(key)
    if (fresh !== undefined) return fresh
    const refusal = this.#known.refusal(key)
    if (refusal !== undefined) {
      return refusal.failure && this.#without(key, refusal.failure, isVerified)
    }
    const stale = this.#questions.failing ? this.#known.stale(key) : undefined
    if (stale === undefined) return this.#wait(key, token, isVerified)
    // The request that finds out whether the issuer is back need not wait for it.
    if (this.#questions.pause(this.#priorityOf(key, isVerified)) === 0) {
      this.#ask(key, token, isVerified).catch(() => {})
    }
    return stale
  }

  /**
   * The recheck of a JWT whose signature was verified here, for its verdict to hold: see
   * {@link Watch}. The token is kept as long as the watch is.
   */
  watch(token: string): Watch {
    return this.#watches.of(token)
  }

  /** Ends what is under way. Nothing is asked afterwards. */
  close(): void {
    this.#watches.close()
    this.#closing.abort(new Error('the resource server was closed'))
  }

  #priorityOf(key: string, isVerified: boolean): Priority {
    return isVerified || this.#known.deservesPriority(key) ? 'high' : 'low'
  }

  async #wait(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionAnswer | undefined> {
    try {
      return await this.#ask(key, token, isVerified)
    } catch (failure) {
      return this.#without(key, failure as IntrospectionFailure, isVerified)
    }
  }

  #ask(key: string, token: string, isVerified: boolean): Promise<IntrospectionAnswer | undefined> {
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    const asking = this.#askNow(key, token, isVerified).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, asking)
    return asking
  }

  async #askNow(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionAnswer | undefined> {
    const shared = this.#shared && (await this.#adopt(key, this.#shared))
    if (shared !== undefined) return shared
    const priority = this.#priorityOf(key, isVerified)
    try {
      const outcome = await this.#questions.ask(token, priority)
      return this.#remember(key, outcome)
    } catch (error) {
      const failure = error as IntrospectionFailure
      // A 429 about an untrusted token may be meant for this token alone, and holds for it.
      const askedFor = priority === 'low' && failure.isThrottling ? failure.retryAfter : undefined
      if (failure.of === 'token') this.#known.failedAt(key, failure, askedFor)
      throw failure
    }
  }

  /** What another instance was told: used while it is fresh, and kept for an outage when it isn't. */
  async #adopt(key: string, shared: SharedAnswers): Promise<IntrospectionAnswer | undefined> {
    const found = await shared.find(key)
    if (found === undefined) return undefined
    const { answer, length, age } = found
    // Put back by somebody: to know the token by it would make it go before strangers'.
    if (age >= this.#options.cacheMaxAge + this.#options.staleIfError) return undefined
    if (this.#known.refusedSince(key, age)) {
      // It got there late, or was put back.
      shared.forget(key)
      return undefined
    }
    // One's own is as good then, and may be newer.
    if (age >= this.#options.cacheMaxAge && this.#known.stale(key) !== undefined) return undefined
    this.#known.keep(key, answer, length, age)
    return this.#known.fresh(key)
  }

  #remember(key: string, outcome: IntrospectionResult): IntrospectionAnswer | undefined {
    if (outcome.kind !== 'active') {
      // No others are shared, so a flood of bad tokens is no flood at the store.
      if (this.#known.vouchedFor(key)) this.#shared?.forget(key)
      this.#known.refuse(key)
      return undefined
    }
    this.#known.keep(key, outcome.answer, outcome.length)
    this.#shared?.share(key, outcome.answer)
    return outcome.answer
  }

  /** What is left without a verdict: one that is a little old, by explicit choice, or a 503. */
  #without(key: string, failure: IntrospectionFailure, isVerified: boolean): IntrospectionAnswer {
    const stale = this.#known.stale(key)
    if (stale !== undefined) return stale
    // To each who waits an error of its own: the application may write into it.
    const pause = this.#questions.pause(this.#priorityOf(key, isVerified))
    const seconds = Math.ceil(Math.max(pause, this.#known.refusedFor(key)) / 1_000)
    const retryAfter = Math.max(1, Math.min(seconds, LONGEST_RETRY_AFTER))
    throw new IntrospectionUnavailableError(this.#options.issuer, retryAfter, failure)
  }
}
