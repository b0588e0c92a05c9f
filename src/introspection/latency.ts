/**
 * Measures the issuer's latency and derives the age at which a request counts as slow. Only requests
 * for active tokens count: an attacker can send tokens that slow the issuer down, but no active one.
 */

const WEIGHT = 1 / 8
const SLOW_FACTOR = 4
/** Milliseconds. */
const MIN_SLOW_MS = 500

export class Latency {
  #mean: number | undefined

  /** @param duration in milliseconds. */
  add(duration: number): void {
    this.#mean = this.#mean === undefined ? duration : this.#mean + (duration - this.#mean) * WEIGHT
  }

  /** In milliseconds; infinite before the first measurement. */
  get slowAfter(): number {
    if (this.#mean === undefined) return Number.POSITIVE_INFINITY
    return Math.max(MIN_SLOW_MS, this.#mean * SLOW_FACTOR)
  }
}
