/** The time that a subject is told: it runs or stands still, and jumps when it should. */

/** The true one, also when another has taken its place. */
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
