/** A token bucket: limits a rate, and allows bursts of as many as the rate allows per second. */

export interface PaceOptions {
  /** Returns the current rate, which may change at any time. */
  readonly perSecond: () => number
  /** Returns the milliseconds until a pause ends, during which the rate is zero; 0 without one. */
  readonly pause: () => number
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

export class Pace {
  readonly #options: PaceOptions
  #left = Number.POSITIVE_INFINITY
  #filledAt = Number.NEGATIVE_INFINITY

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Milliseconds until {@link take} may be called; 0 if it may be called now. */
  get wait(): number {
    this.#fill()
    const { perSecond, pause } = this.#options
    const untilFull = this.#left >= 1 ? 0 : ((1 - this.#left) * 1_000) / perSecond()
    return Math.max(untilFull, pause())
  }

  take(): void {
    this.#fill()
    this.#left--
  }

  #fill(): void {
    const { perSecond, monotonicNow } = this.#options
    const [now, rate] = [monotonicNow(), perSecond()]
    // On the first call both terms are infinite, so that the bucket starts full.
    this.#left = Math.min(rate, this.#left + ((now - this.#filledAt) * rate) / 1_000)
    this.#filledAt = now
  }
}
