/**
 * Circuit breaker for one issuer: decides whether introspection requests are sent, how many at a
 * time, and how long they pause after a failure.
 *
 * - Closed: requests are sent, up to the limits.
 * - Open (`failing`, during a pause): new requests are rejected.
 * - Half-open (`failing`, after the pause): a few requests are sent, to detect recovery.
 *
 * A 429 limits the rate of untrusted tokens, depending on which tokens the issuer throttles. If the
 * issuer throttles tokens that it confirmed before, it limits this API as a client: untrusted
 * tokens are not introspected until `Retry-After` is over (at most 60 seconds), and are
 * introspected at about a quarter of the previous rate afterwards. In all other cases, untrusted
 * tokens are slowed down but not stopped, because an attacker could otherwise lock out every new
 * valid token with one forged token per `Retry-After`.
 */
import { BackOff, MAX_RETRY_AFTER_MS } from '../http/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import { MAX_IN_FLIGHT, type Priority } from './priority-limiter.js'

/** Times in milliseconds. */
export interface CircuitOptions {
  /** Configured maximum number of untrusted tokens introspected per second. */
  readonly untrustedPerSecond: number
  /** Maximum time for which a token waits for a slot. */
  readonly timeout: number
  readonly monotonicNow: () => number
}

/**
 * Which tokens the issuer throttles with 429. `all`: also tokens that it confirmed before.
 * `unknown`: only tokens that it does not know. `indeterminate`: the API cannot tell, because it
 * has no confirmed token to probe with.
 */
export type ThrottledTokens = 'all' | 'unknown' | 'indeterminate'

/**
 * Maximum pause for an unproven outage without a longer `Retry-After`, in milliseconds. The issuer
 * may fail only for tokens that it does not know, and an attacker can send any number of those.
 */
const MAX_UNPROVEN_PAUSE_MS = 2_000
/**
 * Maximum number of requests in flight after a pause for an unproven outage: enough that a valid
 * token is likely to be among them.
 */
const MAX_UNPROVEN_IN_FLIGHT = 10

/** Maximum number of requests in flight for trusted tokens after a 429. */
const MAX_THROTTLED_IN_FLIGHT = 5
/**
 * Minimum duration of the limit {@link MAX_THROTTLED_IN_FLIGHT}, in milliseconds; a longer
 * `Retry-After` prolongs it.
 */
const MIN_THROTTLED_MS = 10_000
/** Maximum number of untrusted tokens introspected per second after a 429; doubles later. */
const MAX_THROTTLED_PER_SECOND = 50
/**
 * Maximum number of untrusted tokens introspected per second after a 429 with `Retry-After`, if the
 * API cannot tell which tokens the issuer throttles (`indeterminate`). The rate doubles every 30 s
 * once `Retry-After` is over; an "active" response raises it to {@link MAX_THROTTLED_PER_SECOND}.
 */
const MAX_TRIAL_PER_SECOND = 5
/**
 * Minimum rate of untrusted tokens, per second. Each 429 for confirmed tokens quarters the rate,
 * but not below this minimum.
 */
const MIN_THROTTLED_PER_SECOND = 1
/** Interval at which the rate of untrusted tokens doubles without another 429, in milliseconds. */
const RATE_DOUBLING_INTERVAL_MS = 30_000

export class Circuit {
  readonly #options: CircuitOptions
  readonly #backOff = new BackOff()
  #failure: IntrospectionFailure | undefined
  #failingSince = Number.NaN
  #openUntil = Number.NEGATIVE_INFINITY
  #isProven = false
  /**
   * Incremented each time the circuit opens. A failure opens the circuit only if the epoch has not
   * changed since its request started: otherwise one outage would count several times.
   */
  #outageEpoch = 0
  #throttling: IntrospectionFailure | undefined
  #stoppedUntil = Number.NEGATIVE_INFINITY
  #throttledUntil = Number.NEGATIVE_INFINITY
  /**
   * Maximum number of untrusted tokens introspected per second at `#limitedAt`. The maximum doubles
   * every 30 s from then on.
   */
  #limit = Number.POSITIVE_INFINITY
  #limitedAt = Number.NEGATIVE_INFINITY
  /**
   * Whether the rate was limited to {@link MAX_TRIAL_PER_SECOND}, and the issuer has confirmed no
   * token since.
   */
  #isTrial = false

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  /** Whether the issuer counts as down: from {@link open} until {@link close}. */
  get failing(): boolean {
    return this.#backOff.failing
  }

  /** Why the issuer counts as down; `undefined` if it does not. */
  get outage(): IntrospectionFailure | undefined {
    return this.failing ? this.#failure : undefined
  }

  /**
   * Whether the latest outage is proven: a confirmed token failed, or a failure occurred that no
   * token can cause.
   */
  get isProven(): boolean {
    return this.#isProven
  }

  /** Number of times that the circuit has opened. */
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

  /** Current maximum number of untrusted tokens introspected per second. */
  get untrustedPerSecond(): number {
    const { untrustedPerSecond, monotonicNow } = this.#options
    const doublings = Math.floor((monotonicNow() - this.#limitedAt) / RATE_DOUBLING_INTERVAL_MS)
    return Math.min(untrustedPerSecond, this.#limit * 2 ** Math.max(0, doublings))
  }

  /** Returns the milliseconds for which tokens of this priority are not introspected, or 0. */
  pause(priority: Priority): number {
    const until =
      priority === 'low' ? Math.max(this.#openUntil, this.#stoppedUntil) : this.#openUntil
    return Math.max(0, until - this.#options.monotonicNow())
  }

  /**
   * Returns the failure with which a token of this priority is rejected during a pause; `undefined`
   * if the token is not rejected. Untrusted tokens are queued, not rejected, if a stop after a 429
   * ends within `timeout`.
   */
  rejectionFor(priority: Priority): IntrospectionFailure | undefined {
    if (this.pause('high') > 0) return this.#failure
    return this.pause(priority) >= this.#options.timeout ? this.#throttling : undefined
  }

  /** Ends the outage. @returns its duration in milliseconds; `undefined` if there was none. */
  close(): number | undefined {
    if (!this.failing) return undefined
    this.#backOff.succeeded()
    this.#openUntil = Number.NEGATIVE_INFINITY
    return this.#options.monotonicNow() - this.#failingSince
  }

  /** Records an outage. @returns the pause in milliseconds. */
  open(failure: IntrospectionFailure, isProven: boolean): number {
    const now = this.#options.monotonicNow()
    this.#outageEpoch++
    if (!this.failing) this.#failingSince = now
    this.#failure = failure
    this.#isProven = isProven
    // The Retry-After of a 429 stops untrusted tokens only; see throttle().
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
   * @returns the pause of untrusted tokens in milliseconds; 0 if they are only slowed down.
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

  /**
   * Records an "active" response. Ends the trial, because from now on a probe with the confirmed
   * token can find out which tokens get a 429.
   */
  confirm(): void {
    if (this.#isTrial) this.#limitTo(MAX_THROTTLED_PER_SECOND, this.#options.monotonicNow())
    this.#isTrial = false
  }

  #rateAfter(tokens: ThrottledTokens, now: number): number {
    const rate = Math.min(this.untrustedPerSecond, MAX_THROTTLED_PER_SECOND)
    if (this.#isTrial) return Math.min(rate, MAX_TRIAL_PER_SECOND)
    // Further 429 responses during a stop do not lower the rate again.
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
