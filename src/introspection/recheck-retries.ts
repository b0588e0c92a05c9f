/**
 * Retries failed rechecks on a timer, independent of requests: otherwise the holder of a revoked token
 * could choose when it is rechecked, for instance only during outages.
 *
 * One timer serves all rechecks and runs only while there are any. It does not keep the process alive.
 * Tokens that are no longer in use are dropped; their next request rechecks them.
 */

export interface RetriedRecheck {
  /** Whether its latest request failed and its token is still in use. */
  readonly needsRetry: boolean
  /** Rechecks the token if it is due. @returns whether it was. */
  recheckIfDue(): boolean
}

/** Milliseconds. */
const TICK_MS = 500
/** More would only be queued by the limiter, and each is retried a second later. */
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
      // A retry that fails adds itself again; one that is not due yet moves to the end.
      if (recheck.needsRetry && !recheck.recheckIfDue()) this.#failed.add(recheck)
    }
    if (this.#failed.size === 0) this.#stop()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
