/** Limits the rate of calls with a token bucket that holds the calls of one second. */

export interface PaceOptions {
  /** Returns the maximum number of calls per second, which may change at any time. */
  readonly perSecond: () => number
  /** Returns the milliseconds during which no call is allowed; 0 if there is no pause. */
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
    const untilNextToken = this.#left >= 1 ? 0 : ((1 - this.#left) * 1_000) / perSecond()
    return Math.max(untilNextToken, pause())
  }

  take(): void {
    this.#fill()
    this.#left--
  }

  #fill(): void {
    const { perSecond, monotonicNow } = this.#options
    const [now, rate] = [monotonicNow(), perSecond()]
    // On the first call, #left and the time since #filledAt are infinite: the bucket starts full.
    this.#left = Math.min(rate, this.#left + ((now - this.#filledAt) * rate) / 1_000)
    this.#filledAt = now
  }
}
