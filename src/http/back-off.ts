/** Exponential back-off with jitter, counted from the end of the last failed attempt. */

const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000
/** Limit for `Retry-After`, in milliseconds: an issuer must not be able to cause a long outage. */
export const MAX_RETRY_AFTER_MS = 60_000

export class BackOff {
  #failures = 0
  #until = Number.NEGATIVE_INFINITY

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /** Time of the next attempt, in milliseconds on the clock that {@link failed} is called with. */
  get until(): number {
    return this.#until
  }

  succeeded(): void {
    this.#failures = 0
    this.#until = Number.NEGATIVE_INFINITY
  }

  /**
   * Records a failure: the pause doubles each time. The jitter prevents instances from retrying in
   * step.
   *
   * @param retryAfterMs the issuer's `Retry-After` in milliseconds.
   * @returns the pause in milliseconds.
   */
  failed(now: number, retryAfterMs = 0): number {
    this.#failures++
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS)
    const jittered = longest * (0.5 + Math.random() / 2)
    const pause = Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    this.#until = now + pause
    return pause
  }
}
