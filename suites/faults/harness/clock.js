/** The clock of an API under test: runs or is frozen, and `advance` moves it. */

/** The system clock, also after guard-jose.js replaces `Date.now`. */
const system = Date.now.bind(Date)

export class Clock {
  #read
  #ahead = 0

  constructor({ still = false } = {}) {
    const start = system()
    this.#read = still ? () => start : system
  }

  advance(milliseconds) {
    this.#ahead += milliseconds
  }

  now = () => this.#read() + this.#ahead
}
