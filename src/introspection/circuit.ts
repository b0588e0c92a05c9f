/**
 * The circuit breaker: whether the issuer is asked at all, how much of it at once, and how soon again
 * after it failed.
 *
 * Open (`failing`, and a pause): nobody is asked. Half-open (`failing`, the pause is over): few are,
 * to find out whether it is back. Beside it, an issuer that answers 429 is asked about no untrusted
 * token until its `Retry-After` is over, and about fewer of the others at once.
 */
import { BackOff } from '../keys/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import { MAX_IN_FLIGHT, type Priority } from './turns.js'

/** Times in milliseconds. */
export interface CircuitOptions {
  readonly untrustedPerSecond: number
  readonly steadyNow: () => number
}

/**
 * The longest pause while no confirmed token shows that the issuer is down: it may be one that fails
 * at every token that it doesn't know, which attackers can send as they like.
 */
const LONGEST_UNPROVEN = 2_000
/** How many of these may be asked about after such a pause, so that a valid one is among them. */
const UNPROVEN_IN_FLIGHT = 10

/** An issuer may ask for more time (`Retry-After`), but not for our outage. */
const LONGEST_ASKED_FOR = 60_000
/** After a 429: how many trusted tokens are asked about at once. */
const THROTTLED_IN_FLIGHT = 5
/** After a 429 without `Retry-After`: how many untrusted ones, and for how long. */
const SLOW_PER_SECOND = 50
const SLOW_FOR = 10_000

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
    return steadyNow() < this.#slowUntil
      ? Math.min(untrustedPerSecond, SLOW_PER_SECOND)
      : untrustedPerSecond
  }

  /** Milliseconds until tokens of this priority may be asked about; 0 if they may now. */
  pause(priority: Priority): number {
    const until =
      priority === 'low' ? Math.max(this.#openUntil, this.#stoppedUntil) : this.#openUntil
    return Math.max(0, until - this.#options.steadyNow())
  }

  /** Why they may not be, during a pause. */
  reason(priority: Priority): IntrospectionFailure | undefined {
    if (this.pause('high') > 0) return this.#failure
    return this.pause(priority) > 0 ? this.#throttled : undefined
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
  throttle(failure: IntrospectionFailure): number {
    const now = this.#options.steadyNow()
    const pause = bounded(failure.retryAfter)
    this.#throttled = failure
    this.#stoppedUntil = now + pause
    this.#slowUntil = now + Math.max(pause, SLOW_FOR)
    return pause
  }
}

function bounded(askedFor = 0): number {
  return Math.min(askedFor, LONGEST_ASKED_FOR)
}
