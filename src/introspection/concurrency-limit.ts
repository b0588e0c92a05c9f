/**
 * Limits the number of concurrent calls to a store. A call keeps its slot until it settles, so that
 * the number of pending calls is bounded, however long the store stalls.
 */

/** Maximum number of concurrent calls. Limited because untrusted callers can cause calls. */
const MAX_CALLS = 1_000

export class ConcurrencyLimit {
  #taken = 0

  /** Calls `call` and returns its promise. If no slot is free, returns `undefined` instead. */
  tryRun<T>(call: () => Promise<T>): Promise<T> | undefined {
    if (this.#taken >= MAX_CALLS) return undefined
    this.#taken++
    // The async function turns an error that the store throws synchronously into a rejection.
    const calling = (async () => call())()
    const free = () => {
      this.#taken--
    }
    calling.then(free, free)
    return calling
  }
}
