/**
 * How long the issuer takes for a token that is active, and how long is far too long. Only those
 * count, because attackers can send tokens that make it slow, and none that is active.
 */

const WEIGHT = 1 / 8
const FAR_TOO_LONG = 4
/** Milliseconds. */
const SHORTEST = 500

export class Latency {
  #mean: number | undefined

  /** @param duration in milliseconds. */
  add(duration: number): void {
    this.#mean = this.#mean === undefined ? duration : this.#mean + (duration - this.#mean) * WEIGHT
  }

  /** In milliseconds; infinite as long as nothing is known. */
  get slowAfter(): number {
    if (this.#mean === undefined) return Number.POSITIVE_INFINITY
    return Math.max(SHORTEST, this.#mean * FAR_TOO_LONG)
  }
}
