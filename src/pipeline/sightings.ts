/**
 * Which tokens were verified before, by 30 bits of each: enough to tell a token that comes again
 * from one that is used once, and no more. A wrong "yes" costs a place in the cache, never a check.
 *
 * Two generations, so that what is old is forgotten without forgetting everything at once.
 */
export class Sightings {
  readonly #capacity: number
  readonly #mask: number
  #current: Uint32Array
  #previous: Uint32Array
  #count = 0

  /** @param capacity how many tokens are remembered at least: up to twice as many. */
  constructor(capacity: number) {
    // Eight bits a token and generation: of strangers, one in four at most is taken for an
    // acquaintance.
    const bits = 2 ** Math.min(30, Math.ceil(Math.log2(Math.max(capacity, 128) * 8)))
    this.#capacity = capacity
    this.#mask = bits - 1
    this.#current = new Uint32Array(bits / 32)
    this.#previous = new Uint32Array(bits / 32)
  }

  /** Whether it was seen before; from now on it was. */
  seen(fingerprint: number): boolean {
    const bit = fingerprint & this.#mask
    const word = bit >>> 5
    const flag = 1 << (bit & 31)
    if (((this.#current[word] as number) & flag) !== 0) return true
    const before = ((this.#previous[word] as number) & flag) !== 0
    this.#remember(word, flag)
    return before
  }

  #remember(word: number, flag: number): void {
    if (this.#count >= this.#capacity) {
      const forgotten = this.#previous
      this.#previous = this.#current
      this.#current = forgotten.fill(0)
      this.#count = 0
    }
    this.#current[word] = (this.#current[word] as number) | flag
    this.#count++
  }
}
