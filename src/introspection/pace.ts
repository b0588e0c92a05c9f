/** A token bucket: limits how often something happens, and permits bursts of one second's worth. */

export interface PaceOptions {
  /** The rate now; it may change at any time. */
  readonly perSecond: () => number
  /** Milliseconds until anything is due at all. */
  readonly pause: () => number
  /** Milliseconds, monotonic. */
  readonly steadyNow: () => number
}

export class Pace {
  readonly #options: PaceOptions
  #left = Number.POSITIVE_INFINITY
  #filledAt = Number.NEGATIVE_INFINITY

  constructor(options: PaceOptions) {
    this.#options = options
  }

  /** Milliseconds until {@link take} is due; 0 if it is due now. */
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
    const { perSecond, steadyNow } = this.#options
    const [now, rate] = [steadyNow(), perSecond()]
    // The first time, both sums are infinite, and the bucket is full.
    this.#left = Math.min(rate, this.#left + ((now - this.#filledAt) * rate) / 1_000)
    this.#filledAt = now
  }
}
