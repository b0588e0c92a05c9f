/**
 * A semaphore for calls of a store. A slot is released only when its call settles, so that the number
 * of calls in memory is bounded, however long the store stalls.
 */

/** Equals the maximum queue for the issuer: untrusted callers cause the calls, and each may stall. */
const MAX_CALLS = 1_000

export class ConcurrencyLimit {
  #taken = 0

  /** Runs the call, or returns `undefined` if all slots are in use. */
  tryRun<T>(call: () => Promise<T>): Promise<T> | undefined {
    if (this.#taken >= MAX_CALLS) return undefined
    this.#taken++
    // A store may throw synchronously.
    const calling = (async () => call())()
    const free = () => {
      this.#taken--
    }
    calling.then(free, free)
    return calling
  }
}
