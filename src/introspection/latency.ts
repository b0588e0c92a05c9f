/**
 * Measures the latency of the issuer, and derives the age at which a request counts as slow. Only
 * requests for active tokens are measured, because an attacker can send any number of inactive
 * tokens to which the issuer responds slowly.
 */

/** Weight of the latest measurement in the moving average. */
const WEIGHT = 1 / 8
/** A request counts as slow after this multiple of the average, but not before `MIN_SLOW_MS`. */
const SLOW_FACTOR = 4
const MIN_SLOW_MS = 500

export class Latency {
  #mean: number | undefined

  /** @param duration in milliseconds. */
  add(duration: number): void {
    this.#mean = this.#mean === undefined ? duration : this.#mean + (duration - this.#mean) * WEIGHT
  }

  /** Age at which a request counts as slow, in milliseconds; infinite before a measurement. */
  get slowAfter(): number {
    if (this.#mean === undefined) return Number.POSITIVE_INFINITY
    return Math.max(MIN_SLOW_MS, this.#mean * SLOW_FACTOR)
  }
}
