/**
 * Computes the earliest time of a retry: exponential back-off with jitter, counted from the end of
 * the last failed attempt.
 */

const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000
/**
 * Maximum pause that a `Retry-After` can cause, in milliseconds, so that an issuer cannot cause a
 * long outage.
 */
export const MAX_RETRY_AFTER_MS = 60_000

export class BackOff {
  #failures = 0
  #until = Number.NEGATIVE_INFINITY

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /**
   * Earliest time of the next attempt, in milliseconds, on the clock from which {@link failed}
   * received `now`. Negative infinity if the last attempt succeeded, or if there was none.
   */
  get until(): number {
    return this.#until
  }

  succeeded(): void {
    this.#failures = 0
    this.#until = Number.NEGATIVE_INFINITY
  }

  /**
   * Records a failed attempt and returns the pause before the next one, in milliseconds. The pause
   * is 1 s after the first failure and doubles with each further failure, up to 30 s. Up to half of
   * the pause is subtracted at random, so that instances do not retry simultaneously.
   *
   * @param now the time at which the attempt ended, in milliseconds.
   * @param retryAfterMs the issuer's `Retry-After`, in milliseconds: the minimum of the pause, up
   *   to {@link MAX_RETRY_AFTER_MS}. Default 0.
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
