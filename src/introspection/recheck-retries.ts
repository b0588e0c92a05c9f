/**
 * Repeats rechecks that failed, without a request that asks for it: otherwise the owner of a revoked
 * token could choose the moments at which it is rechecked, such as those at which the issuer can't be
 * asked.
 *
 * One timer for all, only while there are any. It doesn't keep the process alive, and forgets tokens
 * that no request comes with any more: their next request rechecks them.
 */

export interface Recheck {
  /** Whether it is still unanswered, and requests still come with its token. */
  readonly needsRetry: boolean
  /** @returns whether it was due. */
  askIfDue(): boolean
}

/** Milliseconds. */
const TICK = 500
/** More would wait for their turn anyway, and each is asked again a second later. */
const MAX_PER_TICK = 500

export class RecheckRetries {
  readonly #failed = new Set<Recheck>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  add(recheck: Recheck): void {
    if (this.#isClosed) return
    this.#failed.add(recheck)
    this.#timer ??= setInterval(() => this.#retry(), TICK).unref()
  }

  close(): void {
    this.#isClosed = true
    this.#failed.clear()
    this.#stop()
  }

  #retry(): void {
    for (const recheck of [...this.#failed].slice(0, MAX_PER_TICK)) {
      this.#failed.delete(recheck)
      // One that is asked and fails again comes back by itself; one that isn't due goes to the end.
      if (recheck.needsRetry && !recheck.askIfDue()) this.#failed.add(recheck)
    }
    if (this.#failed.size === 0) this.#stop()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
