/** The growing pause after attempts that failed, counted from the end of the last one. */

const FIRST = 1_000
const LONGEST = 30_000
/** An issuer may ask for more time (`Retry-After`), but not for our outage. */
export const LONGEST_ASKED_FOR = 60_000

export class BackOff {
  #failures = 0
  #until = Number.NEGATIVE_INFINITY

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /** Milliseconds since the epoch before which no attempt should be made. */
  get until(): number {
    return this.#until
  }

  succeeded(): void {
    this.#failures = 0
    this.#until = Number.NEGATIVE_INFINITY
  }

  /**
   * Doubles with each failure. The jitter keeps a fleet from coming back in step.
   *
   * @param askedFor milliseconds that the issuer asked for.
   * @returns the pause in milliseconds.
   */
  failed(now: number, askedFor = 0): number {
    this.#failures++
    const longest = Math.min(FIRST * 2 ** (this.#failures - 1), LONGEST)
    const own = longest * (0.5 + Math.random() / 2)
    const pause = Math.max(own, Math.min(askedFor, LONGEST_ASKED_FOR))
    this.#until = now + pause
    return pause
  }
}
