/**
 * Introspects tokens (RFC 7662) and caches the responses for a short time.
 *
 * ```
 * token → cached? → in flight? → shared cache? → back-off? → slot → endpoint → exchange → cache → response
 * ```
 *
 * The load that a caller without a valid token can cause is bounded: 1,000 concurrent look-ups in the
 * shared cache; one request per token at a time and per `negativeCacheMaxAge`; `untrustedPerSecond`
 * requests per second, 40 in flight and 1,000 queued. Further untrusted tokens get a 503. Trusted
 * tokens have priority (`priority-limiter.ts`).
 */
import { setMaxListeners } from 'node:events'
import { IntrospectionUnavailableError } from '../errors/errors.js'
import { type Recheck, RecheckCache } from './background-recheck.js'
import { IntrospectionEndpoint } from './endpoint.js'
import type { Exchange } from './exchange.js'
import type { OnFailure } from './failure-reports.js'
import { IntrospectionClient } from './introspection-client.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionResponse, IntrospectionResult } from './introspection-response.js'
import type { IntrospectionFetch } from './options.js'
import type { Priority } from './priority-limiter.js'
import { digestOf, ResponseCache } from './response-cache.js'
import { SharedResponses, type SharedResponsesOptions } from './shared-responses.js'

/** All times in milliseconds. */
export interface IntrospectorOptions {
  readonly issuer: string
  /** If set, no metadata is fetched. */
  readonly endpoint: string | undefined
  /** Whether only signed responses are accepted (RFC 9701). */
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
  /** Wall clock, since the epoch: for `exp`. */
  readonly now: () => number
  /** Monotonic clock: for lifetimes and pauses. */
  readonly steadyNow: () => number
  readonly onFailure: OnFailure
  /** The cache that instances share, if any. */
  readonly shared?:
    | Pick<SharedResponsesOptions, 'store' | 'secret' | 'clientId' | 'onFailure'>
    | undefined
}

/** The largest `Retry-After` sent to a caller, in seconds. */
const LONGEST_RETRY_AFTER = 60

export class Introspector {
  readonly #options: IntrospectorOptions
  readonly #closing = new AbortController()
  readonly #known: ResponseCache
  readonly #questions: IntrospectionClient
  readonly #watches: RecheckCache
  readonly #shared: SharedResponses | undefined
  /** Single flight: concurrent requests with the same token share one introspection request. */
  readonly #underWay = new Map<string, Promise<IntrospectionResponse | undefined>>()

  constructor(options: IntrospectorOptions) {
    const closing = this.#closing.signal
    // Every request in flight adds a listener, which Node would report as a leak.
    setMaxListeners(0, closing)
    this.#options = options
    this.#known = new ResponseCache(options)
    this.#questions = new IntrospectionClient({
      ...options,
      closing,
      endpoint: new IntrospectionEndpoint({ ...options, closing }),
    })
    this.#watches = new RecheckCache({ ...options, questions: this.#questions })
    const { shared } = options
    this.#shared = shared && new SharedResponses({ ...options, ...shared, closing })
  }

  /**
   * Returns the response for an active token; `undefined` for an inactive one. Returns synchronously,
   * without a promise, on a cache hit.
   *
   * Of the response only `active` is checked: the caller must check `exp`, `nbf`, `aud`, `iss`,
   * `scope` and `cnf`, as for a JWT.
   *
   * @param isVerified whether the token's signature was verified here, which gives it priority over
   *   untrusted tokens.
   * @throws {IntrospectionUnavailableError} (or rejects with one) if the issuer does not say whether
   *   the token is active.
   */
  introspect(
    token: string,
    isVerified = false,
  ): IntrospectionResponse | undefined | Promise<IntrospectionResponse | undefined> {
    const key = digestOf(token)
    const fresh = this.#known.fresh(key)
    if (fresh !== undefined) return fresh
    const refusal = this.#known.negative(key)
    if (refusal !== undefined) {
      return refusal.failure && this.#without(key, refusal.failure, isVerified)
    }
    const stale = this.#questions.failing ? this.#known.stale(key) : undefined
    if (stale === undefined) return this.#wait(key, token, isVerified)
    // This request triggers a recovery attempt but does not wait for it.
    if (this.#questions.pause(this.#priorityOf(key, isVerified)) === 0) {
      this.#ask(key, token, isVerified).catch(() => {})
    }
    return stale
  }

  /**
   * Returns the background recheck of a JWT whose signature was verified here, to be kept beside its
   * cached verification result: see {@link Recheck}. It holds the token.
   */
  watch(token: string): Recheck {
    return this.#watches.of(token)
  }

  /** Aborts all requests in flight and sends no more. */
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
  ): Promise<IntrospectionResponse | undefined> {
    try {
      return await this.#ask(key, token, isVerified)
    } catch (failure) {
      return this.#without(key, failure as IntrospectionFailure, isVerified)
    }
  }

  #ask(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionResponse | undefined> {
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
  ): Promise<IntrospectionResponse | undefined> {
    const shared = this.#shared && (await this.#adopt(key, this.#shared))
    if (shared !== undefined) return shared
    const priority = this.#priorityOf(key, isVerified)
    try {
      const outcome = await this.#questions.ask(token, priority)
      return this.#remember(key, outcome)
    } catch (error) {
      const failure = error as IntrospectionFailure
      // A 429 for an untrusted token may concern this token alone: its Retry-After applies to it.
      const askedFor = priority === 'low' && failure.isThrottling ? failure.retryAfter : undefined
      if (failure.of === 'token') this.#known.storeFailure(key, failure, askedFor)
      throw failure
    }
  }

  /** Adopts a response that another instance received: used if fresh, kept for an outage if stale. */
  async #adopt(key: string, shared: SharedResponses): Promise<IntrospectionResponse | undefined> {
    const found = await shared.find(key)
    if (found === undefined) return undefined
    const { answer, length, age } = found
    // Replayed into the store: caching it would give the token priority over untrusted ones.
    if (age >= this.#options.cacheMaxAge + this.#options.staleIfError) return undefined
    if (this.#known.inactiveSince(key, age)) {
      // The entry was written late or replayed: the issuer has called the token inactive since.
      shared.forget(key)
      return undefined
    }
    // A local stale response is as good, and may be newer.
    if (age >= this.#options.cacheMaxAge && this.#known.stale(key) !== undefined) return undefined
    this.#known.store(key, answer, length, age)
    return this.#known.fresh(key)
  }

  #remember(key: string, outcome: IntrospectionResult): IntrospectionResponse | undefined {
    if (outcome.kind !== 'active') {
      // Only cached tokens can be in the store: a flood of invalid tokens must not reach it.
      if (this.#known.hasEntry(key)) this.#shared?.forget(key)
      this.#known.storeNegative(key)
      return undefined
    }
    this.#known.store(key, outcome.answer, outcome.length)
    this.#shared?.share(key, outcome.answer)
    return outcome.answer
  }

  /** After a failure: returns a stale response if `staleIfError` allows it, or throws a 503. */
  #without(key: string, failure: IntrospectionFailure, isVerified: boolean): IntrospectionResponse {
    const stale = this.#known.stale(key)
    if (stale !== undefined) return stale
    // One error per waiter: error handlers may mutate it.
    const pause = this.#questions.pause(this.#priorityOf(key, isVerified))
    const seconds = Math.ceil(Math.max(pause, this.#known.negativeFor(key)) / 1_000)
    const retryAfter = Math.max(1, Math.min(seconds, LONGEST_RETRY_AFTER))
    throw new IntrospectionUnavailableError(this.#options.issuer, retryAfter, failure)
  }
}
