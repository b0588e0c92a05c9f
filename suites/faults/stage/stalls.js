/**
 * For how long the machine itself stood still: a shared one does, and a request that was on its way
 * meanwhile has waited for the machine and not for the issuer.
 */
const LOOK = 20

export class Stalls {
  #total = 0
  #timer

  constructor() {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#total += Math.max(0, now - last - 2 * LOOK)
      last = now
    }, LOOK)
  }

  /** All of it, in milliseconds. */
  end() {
    clearInterval(this.#timer)
    return this.#total
  }
}
