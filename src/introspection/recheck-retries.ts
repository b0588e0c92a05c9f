/**
 * Retries failed rechecks on a timer, independent of requests. Otherwise an attacker with a revoked
 * token could choose when the token is rechecked, for example only during outages.
 *
 * One timer serves all rechecks. The timer runs only while there are failed rechecks, and does not
 * keep the process alive. A recheck of a token that is no longer in use is dropped; the next
 * request with that token rechecks it.
 */

export interface RetriedRecheck {
  /** Whether the latest recheck failed and the token is still in use. */
  readonly needsRetry: boolean
  /** Starts a recheck if one is due. @returns whether one was due. */
  recheckIfDue(): boolean
}

const TICK_MS = 500
/** Maximum number of retries per tick, because the limiter would only queue further retries. */
const MAX_PER_TICK = 500

export class RecheckRetries {
  readonly #failed = new Set<RetriedRecheck>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  add(recheck: RetriedRecheck): void {
    if (this.#isClosed) return
    this.#failed.add(recheck)
    this.#timer ??= setInterval(() => this.#retry(), TICK_MS).unref()
  }

  close(): void {
    this.#isClosed = true
    this.#failed.clear()
    this.#stop()
  }

  #retry(): void {
    for (const recheck of [...this.#failed].slice(0, MAX_PER_TICK)) {
      this.#failed.delete(recheck)
      // A recheck that fails again calls add(). A recheck that is not due moves to the set's end.
      if (recheck.needsRetry && !recheck.recheckIfDue()) this.#failed.add(recheck)
    }
    if (this.#failed.size === 0) this.#stop()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
