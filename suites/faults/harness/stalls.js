/**
 * Measures how long the machine stalled, because a request in flight during a stall waits for the
 * machine, not for the issuer.
 */
const INTERVAL_MS = 20

export class Stalls {
  #totalMs = 0
  #timer

  constructor() {
    let previous = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#totalMs += Math.max(0, now - previous - 2 * INTERVAL_MS)
      previous = now
    }, INTERVAL_MS)
  }

  /** Stops measuring, and returns the total in milliseconds. */
  end() {
    clearInterval(this.#timer)
    return this.#totalMs
  }
}
