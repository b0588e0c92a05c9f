/**
 * The circuit breaker: whether the issuer is asked at all, how much of it at once, and how soon again
 * after it failed.
 *
 * Open (`failing`, and a pause): nobody is asked. Half-open (`failing`, the pause is over): few are,
 * to find out whether it is back.
 *
 * Beside it, a 429 limits untrusted tokens, by which tokens the issuer answers so about. If it also
 * rejects those that it confirmed, it limits our client: untrusted tokens stop until its `Retry-After`
 * is over, and a quarter as many follow. If it rejects only tokens that it doesn't know, they are slowed
 * down: a stop would let one forged token a `Retry-After` lock out all valid new ones.
 */
import { BackOff, LONGEST_ASKED_FOR } from '../http/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import { MAX_IN_FLIGHT, type Priority } from './turns.js'

/** Times in milliseconds. */
export interface CircuitOptions {
  readonly untrustedPerSecond: number
  /** How long a token may wait for its turn. */
  readonly timeout: number
  readonly steadyNow: () => number
}

/**
 * Which tokens the issuer answers 429 about: also those that it confirmed, only those that it doesn't
 * know, or, before it has confirmed any, one of the two.
 */
export type ThrottledTokens = 'all' | 'unknown' | 'indeterminate'

/**
 * The longest pause while no confirmed token shows that the issuer is down: it may be one that fails
 * at every token that it doesn't know, which attackers can send as they like.
 */
const LONGEST_UNPROVEN = 2_000
/** How many of these may be asked about after such a pause, so that a valid one is among them. */
const UNPROVEN_IN_FLIGHT = 10

/** After a 429: how many trusted tokens are asked about at once, and for how long at least. */
const THROTTLED_IN_FLIGHT = 5
const SLOW_FOR = 10_000
/** After a 429: how many untrusted tokens a second at most. */
const SLOW_PER_SECOND = 50
/** The same until its `Retry-After` is over, while no confirmed token tells what it is about. */
const TRIAL_PER_SECOND = 5
const SLOWEST_PER_SECOND = 1
/** The rate doubles this often once the issuer answers 429 no more. */
const RATE_DOUBLES_AFTER = 30_000

export class Circuit {
  readonly #options: CircuitOptions
  readonly #backOff = new BackOff()
  #failure: IntrospectionFailure | undefined
  #openUntil = Number.NEGATIVE_INFINITY
  #isProven = false
  /** Counts the issuer's failures, so that those that began together count as one. */
  #outages = 0
  #throttled: IntrospectionFailure | undefined
  #stoppedUntil = Number.NEGATIVE_INFINITY
  #slowUntil = Number.NEGATIVE_INFINITY
  /** Untrusted tokens a second from `#limitedAt` on, before it grows again. */
  #limit = Number.POSITIVE_INFINITY
  #limitedAt = Number.NEGATIVE_INFINITY
  #isTrial = false

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  /** Whether the last that was found out about the issuer is that it is down. */
  get failing(): boolean {
    return this.#backOff.failing
  }

  /** Whether a confirmed token has shown that, or a failure that no token can cause. */
  get isProven(): boolean {
    return this.#isProven
  }

  get outages(): number {
    return this.#outages
  }

  /** How many may be in flight. */
  get width(): number {
    if (!this.failing) return MAX_IN_FLIGHT
    return this.#isProven ? 1 : UNPROVEN_IN_FLIGHT
  }

  /** How many that are trusted may be. */
  get trustedWidth(): number {
    return this.#options.steadyNow() < this.#slowUntil ? THROTTLED_IN_FLIGHT : MAX_IN_FLIGHT
  }

  get untrustedPerSecond(): number {
    const { untrustedPerSecond, steadyNow } = this.#options
    const doublings = Math.floor((steadyNow() - this.#limitedAt) / RATE_DOUBLES_AFTER)
    return Math.min(untrustedPerSecond, this.#limit * 2 ** Math.max(0, doublings))
  }

  /** Milliseconds until tokens of this priority may be asked about; 0 if they may now. */
  pause(priority: Priority): number {
    const until =
      priority === 'low' ? Math.max(this.#openUntil, this.#stoppedUntil) : this.#openUntil
    return Math.max(0, until - this.#options.steadyNow())
  }

  /** Why they are rejected, during a pause. An untrusted token waits for a stop to end in time. */
  reason(priority: Priority): IntrospectionFailure | undefined {
    if (this.pause('high') > 0) return this.#failure
    return this.pause(priority) >= this.#options.timeout ? this.#throttled : undefined
  }

  /** @returns whether that ends an outage. */
  close(): boolean {
    const ends = this.failing
    this.#backOff.succeeded()
    this.#openUntil = Number.NEGATIVE_INFINITY
    return ends
  }

  /** @returns the pause. */
  open(failure: IntrospectionFailure, isProven: boolean): number {
    const now = this.#options.steadyNow()
    this.#outages++
    this.#failure = failure
    this.#isProven = isProven
    // A 429 stops untrusted tokens for as long as it asks for; the others go on, more slowly.
    const askedFor = failure.isThrottling ? undefined : failure.retryAfter
    const grown = this.#backOff.failed(now, askedFor)
    const pause = isProven ? grown : Math.min(grown, Math.max(LONGEST_UNPROVEN, bounded(askedFor)))
    this.#openUntil = now + pause
    return pause
  }

  /** The issuer answered 429. @returns the pause for untrusted tokens; 0 if they only slow down. */
  throttle(failure: IntrospectionFailure, tokens: ThrottledTokens): number {
    const now = this.#options.steadyNow()
    const askedFor = bounded(failure.retryAfter)
    this.#slowUntil = now + Math.max(askedFor, SLOW_FOR)
    this.#isTrial = tokens === 'indeterminate' && askedFor > 0
    this.#limitTo(this.#rateAfter(tokens, now), now + askedFor)
    if (tokens !== 'all') return 0
    this.#throttled = failure
    this.#stoppedUntil = now + askedFor
    return askedFor
  }

  /** The issuer called a token active, so that a probe can tell from now on what a 429 is about. */
  confirm(): void {
    if (this.#isTrial) this.#limitTo(SLOW_PER_SECOND, this.#options.steadyNow())
    this.#isTrial = false
  }

  #rateAfter(tokens: ThrottledTokens, now: number): number {
    const rate = Math.min(this.untrustedPerSecond, SLOW_PER_SECOND)
    if (this.#isTrial) return Math.min(rate, TRIAL_PER_SECOND)
    // Each stop lowers the rate once.
    const isNewStop = tokens === 'all' && now >= this.#limitedAt
    return isNewStop ? Math.max(rate / 4, Math.min(rate, SLOWEST_PER_SECOND)) : rate
  }

  #limitTo(perSecond: number, since: number): void {
    this.#limit = perSecond
    this.#limitedAt = since
  }
}

function bounded(askedFor = 0): number {
  return Math.min(askedFor, LONGEST_ASKED_FOR)
}
