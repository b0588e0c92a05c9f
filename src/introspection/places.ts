/**
 * Places for calls of a store. One is free again when the store is done with it, and not before:
 * however long it hangs, no more than so many calls are in memory.
 */

/** Strangers can cause them, and a store may hang at each: as many as may wait for the issuer. */
const MAX_CALLS = 1_000

export class Places {
  #taken = 0

  /** Calls the store, or returns `undefined` if no place is free. */
  take<T>(call: () => Promise<T>): Promise<T> | undefined {
    if (this.#taken >= MAX_CALLS) return undefined
    this.#taken++
    // A store may throw at once.
    const calling = (async () => call())()
    const free = () => {
      this.#taken--
    }
    calling.then(free, free)
    return calling
  }
}
