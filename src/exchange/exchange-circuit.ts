/**
 * Circuit breaker: after an outage, exchanges fail immediately for a while, so that callers do not
 * wait, and a server that recovers is not overloaded.
 *
 * The failures of one user do not prove an outage: the server may fail or stall for all tokens of
 * that user. So the circuit opens only
 *
 * - if the failure occurred before a token was sent, or
 * - if requests for ten different users failed, without any response in between that shows that the
 *   server is up. The pause is then short, unless the server requests a longer one.
 */
import { BackOff, MAX_RETRY_AFTER_MS } from '../http/back-off.js'
import type { FailedExchange } from './exchange-failure.js'

/** Number of different users whose failures count as an outage. */
const MIN_FAILED_USERS = 10
/** Maximum pause after an outage that is not proven, in milliseconds. */
const MAX_UNPROVEN_PAUSE_MS = 2_000
/** Maximum number of requests in flight after that pause: likely to include a valid token. */
const MAX_UNPROVEN_IN_FLIGHT = 10

export interface ExchangeCircuitOptions {
  readonly maxInFlight: number
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

export class ExchangeCircuit {
  readonly #options: ExchangeCircuitOptions
  readonly #backOff = new BackOff()
  /** Fingerprints of the users whose requests failed since the latest response. */
  readonly #failedUsers = new Set<string>()
  #failure: FailedExchange | undefined
  #openUntil = Number.NEGATIVE_INFINITY
  #isProven = false
  /** Incremented by each outage: a request that began before it does not end the outage. */
  #epoch = 0

  constructor(options: ExchangeCircuitOptions) {
    this.#options = options
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Maximum number of requests in flight. */
  get concurrency(): number {
    const { maxInFlight } = this.#options
    if (!this.#backOff.failing) return maxInFlight
    return this.#isProven ? 1 : Math.min(MAX_UNPROVEN_IN_FLIGHT, maxInFlight)
  }

  /** Returns the failure with which exchanges are rejected during a pause. */
  get rejection(): FailedExchange | undefined {
    return this.pause > 0 ? this.#failure : undefined
  }

  /** Milliseconds until requests are sent again; 0 if they are sent now. */
  get pause(): number {
    return Math.max(0, this.#openUntil - this.#options.monotonicNow())
  }

  /** Records a response that shows that the server is up. @returns whether that ends an outage. */
  recordResponse(epoch: number): boolean {
    if (epoch !== this.#epoch) return false
    const ends = this.#backOff.failing
    this.#failedUsers.clear()
    this.#backOff.succeeded()
    return ends
  }

  /**
   * Records a failure.
   *
   * @param user the fingerprint of the user.
   * @returns whether an outage begins, or continues with a longer pause.
   */
  recordFailure(failure: FailedExchange, user: string, epoch: number): boolean {
    if (failure.attributedTo === 'ours' || epoch !== this.#epoch) return false
    const isProven = failure.attributedTo === 'server'
    this.#failedUsers.add(user)
    if (!isProven && this.#failedUsers.size < MIN_FAILED_USERS) return false
    this.#open(failure, isProven)
    return true
  }

  #open(failure: FailedExchange, isProven: boolean): void {
    const now = this.#options.monotonicNow()
    const { retryAfterMs = 0 } = failure
    const grown = this.#backOff.failed(now, retryAfterMs)
    const limit = Math.max(MAX_UNPROVEN_PAUSE_MS, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    this.#epoch++
    this.#failedUsers.clear()
    this.#failure = failure
    this.#isProven = isProven
    this.#openUntil = now + (isProven ? grown : Math.min(grown, limit))
  }
}
