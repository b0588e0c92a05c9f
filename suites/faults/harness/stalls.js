/**
 * Measures how long the machine stalled: a request in flight at that time waited for the machine and
 * not for the issuer.
 */
const INTERVAL_MS = 20

export class Stalls {
  #total = 0
  #timer

  constructor() {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#total += Math.max(0, now - last - 2 * INTERVAL_MS)
      last = now
    }, INTERVAL_MS)
  }

  /** Returns the total in milliseconds. */
  end() {
    clearInterval(this.#timer)
    return this.#total
  }
}
