/**
 * Admission filter (a doorkeeper, as in TinyLFU): remembers the low bits of token fingerprints (10
 * to 30, depending on the capacity), so that only tokens used twice enter the main cache. A false
 * positive wastes a cache entry; it never skips a check.
 *
 * The filter has two bitmaps. When the current bitmap has reached its capacity, the filter clears
 * the older bitmap and continues there. So it always remembers the most recent tokens, up to its
 * capacity.
 */
export class AdmissionFilter {
  readonly #capacity: number
  readonly #mask: number
  #current: Uint32Array
  #previous: Uint32Array
  #count = 0

  /** @param capacity minimum number of tokens to remember; the filter holds up to twice as many. */
  constructor(capacity: number) {
    // At least 8 bits per token: each bitmap is at most 1/8 full, so the combined false-positive
    // rate is at most 1/4.
    const bits = 2 ** Math.min(30, Math.ceil(Math.log2(Math.max(capacity, 128) * 8)))
    this.#capacity = capacity
    this.#mask = bits - 1
    this.#current = new Uint32Array(bits / 32)
    this.#previous = new Uint32Array(bits / 32)
  }

  /** Records a fingerprint. @returns whether it was recorded recently; may be a false positive. */
  admit(fingerprint: number): boolean {
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
