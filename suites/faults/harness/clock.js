/** Simulates the clock of an API under test, which runs or is frozen, and which `advance` moves. */

/** Reads the system clock even after guard-jose.js replaces `Date.now`. */
const systemNow = Date.now.bind(Date)

export class Clock {
  #read
  #aheadMs = 0

  constructor({ frozen = false } = {}) {
    const startedAt = systemNow()
    this.#read = frozen ? () => startedAt : systemNow
  }

  advance(milliseconds) {
    this.#aheadMs += milliseconds
  }

  now = () => this.#read() + this.#aheadMs
}
