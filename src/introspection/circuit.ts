/**
 * Circuit breaker for one issuer: whether introspection requests are sent, how many at a time, and
 * how long to pause after a failure.
 *
 * - Open (`failing`, during a pause): no requests.
 * - Half-open (`failing`, after the pause): a few requests, to detect recovery.
 *
 * A 429 limits untrusted tokens separately, depending on which tokens the issuer throttles. If it
 * throttles tokens that it confirmed before, it limits our client: untrusted tokens stop until its
 * `Retry-After` is over, and resume at a quarter of the rate. If it throttles unknown tokens only,
 * these are slowed down, not stopped: otherwise an attacker could lock out every new valid token
 * with one forged token per `Retry-After`.
 */
import { BackOff, MAX_RETRY_AFTER_MS } from '../http/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import { MAX_IN_FLIGHT, type Priority } from './priority-limiter.js'

/** Times in milliseconds. */
export interface CircuitOptions {
  readonly untrustedPerSecond: number
  /** How long a token may wait for a slot. */
  readonly timeout: number
  readonly monotonicNow: () => number
}

/**
 * Which tokens the issuer answers with 429. `all`: confirmed tokens too. `unknown`: only tokens
 * that it does not know. `indeterminate`: it has not confirmed a token yet, so either may be true.
 */
export type ThrottledTokens = 'all' | 'unknown' | 'indeterminate'

/**
 * The longest pause in milliseconds for an unproven outage. The issuer may only fail for tokens that
 * it does not know, and an attacker can send any number of those.
 */
const MAX_UNPROVEN_PAUSE_MS = 2_000
/** Requests in flight after such a pause: enough that a valid token is likely to be among them. */
const MAX_UNPROVEN_IN_FLIGHT = 10

/** After a 429: concurrent requests for trusted tokens, and the minimum duration of that limit (ms). */
const MAX_THROTTLED_IN_FLIGHT = 5
const MIN_THROTTLED_MS = 10_000
/** After a 429: the maximum rate of untrusted tokens. */
const MAX_THROTTLED_PER_SECOND = 50
/** This rate during `Retry-After`, while it is indeterminate which tokens are throttled. */
const MAX_TRIAL_PER_SECOND = 5
const MIN_THROTTLED_PER_SECOND = 1
/** Once 429 responses have stopped, the rate doubles at this interval, in milliseconds. */
const RATE_DOUBLING_INTERVAL_MS = 30_000

export class Circuit {
  readonly #options: CircuitOptions
  readonly #backOff = new BackOff()
  #failure: IntrospectionFailure | undefined
  #openUntil = Number.NEGATIVE_INFINITY
  #isProven = false
  /** Outage epoch: failures of requests that began in the same epoch count as one outage. */
  #outageEpoch = 0
  #throttling: IntrospectionFailure | undefined
  #stoppedUntil = Number.NEGATIVE_INFINITY
  #throttledUntil = Number.NEGATIVE_INFINITY
  /** Untrusted tokens per second at `#limitedAt`; the rate grows from then on. */
  #limit = Number.POSITIVE_INFINITY
  #limitedAt = Number.NEGATIVE_INFINITY
  #isTrial = false

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  /** Whether the latest evidence is that the issuer is down. */
  get failing(): boolean {
    return this.#backOff.failing
  }

  /** Whether the outage was shown by a confirmed token or by a failure that no token can cause. */
  get isProven(): boolean {
    return this.#isProven
  }

  get outageEpoch(): number {
    return this.#outageEpoch
  }

  /** Maximum number of requests in flight. */
  get concurrency(): number {
    if (!this.failing) return MAX_IN_FLIGHT
    return this.#isProven ? 1 : MAX_UNPROVEN_IN_FLIGHT
  }

  /** Maximum number of requests in flight for trusted tokens. */
  get trustedConcurrency(): number {
    return this.#options.monotonicNow() < this.#throttledUntil
      ? MAX_THROTTLED_IN_FLIGHT
      : MAX_IN_FLIGHT
  }

  get untrustedPerSecond(): number {
    const { untrustedPerSecond, monotonicNow } = this.#options
    const doublings = Math.floor((monotonicNow() - this.#limitedAt) / RATE_DOUBLING_INTERVAL_MS)
    return Math.min(untrustedPerSecond, this.#limit * 2 ** Math.max(0, doublings))
  }

  /** Milliseconds until tokens of this priority may be introspected; 0 if they may be now. */
  pause(priority: Priority): number {
    const until =
      priority === 'low' ? Math.max(this.#openUntil, this.#stoppedUntil) : this.#openUntil
    return Math.max(0, until - this.#options.monotonicNow())
  }

  /**
   * The failure with which tokens of this priority are rejected during a pause. An untrusted token
   * is not rejected but waits if the stop ends within `timeout`.
   */
  rejectionFor(priority: Priority): IntrospectionFailure | undefined {
    if (this.pause('high') > 0) return this.#failure
    return this.pause(priority) >= this.#options.timeout ? this.#throttling : undefined
  }

  /** @returns whether this ends an outage. */
  close(): boolean {
    const ends = this.failing
    this.#backOff.succeeded()
    this.#openUntil = Number.NEGATIVE_INFINITY
    return ends
  }

  /** @returns the pause in milliseconds. */
  open(failure: IntrospectionFailure, isProven: boolean): number {
    const now = this.#options.monotonicNow()
    this.#outageEpoch++
    this.#failure = failure
    this.#isProven = isProven
    // The Retry-After of a 429 stops untrusted tokens only; trusted tokens continue, more slowly.
    const retryAfterMs = failure.isThrottling ? undefined : failure.retryAfterMs
    const grown = this.#backOff.failed(now, retryAfterMs)
    const pause = isProven
      ? grown
      : Math.min(grown, Math.max(MAX_UNPROVEN_PAUSE_MS, bounded(retryAfterMs)))
    this.#openUntil = now + pause
    return pause
  }

  /**
   * Records a 429.
   *
   * @returns the pause for untrusted tokens in milliseconds; 0 if they are only slowed down.
   */
  throttle(failure: IntrospectionFailure, tokens: ThrottledTokens): number {
    const now = this.#options.monotonicNow()
    const retryAfterMs = bounded(failure.retryAfterMs)
    this.#throttledUntil = now + Math.max(retryAfterMs, MIN_THROTTLED_MS)
    this.#isTrial = tokens === 'indeterminate' && retryAfterMs > 0
    this.#limitTo(this.#rateAfter(tokens, now), now + retryAfterMs)
    if (tokens !== 'all') return 0
    this.#throttling = failure
    this.#stoppedUntil = now + retryAfterMs
    return retryAfterMs
  }

  /** Records an "active" response: from now on a probe can tell which tokens a 429 is about. */
  confirm(): void {
    if (this.#isTrial) this.#limitTo(MAX_THROTTLED_PER_SECOND, this.#options.monotonicNow())
    this.#isTrial = false
  }

  #rateAfter(tokens: ThrottledTokens, now: number): number {
    const rate = Math.min(this.untrustedPerSecond, MAX_THROTTLED_PER_SECOND)
    if (this.#isTrial) return Math.min(rate, MAX_TRIAL_PER_SECOND)
    // Each stop lowers the rate once.
    const isNewStop = tokens === 'all' && now >= this.#limitedAt
    return isNewStop ? Math.max(rate / 4, Math.min(rate, MIN_THROTTLED_PER_SECOND)) : rate
  }

  #limitTo(perSecond: number, since: number): void {
    this.#limit = perSecond
    this.#limitedAt = since
  }
}

function bounded(retryAfterMs = 0): number {
  return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)
}
