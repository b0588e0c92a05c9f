/**
 * Implements an LRU cache in which a new entry can evict only other new entries until it is
 * admitted. Otherwise rejected requests could evict the entries that valid requests use.
 */
import { BoundedCache } from '../base/bounded-cache.js'

export interface ProbationCacheOptions<V> {
  /** Maximum number of admitted entries, and separately of entries that are not admitted yet. */
  readonly max: number
  /** Called with each value that was evicted, replaced or deleted. */
  readonly dispose?: (value: V) => void
}

export class ProbationCache<V extends object> {
  readonly #probationary: BoundedCache<string, V>
  readonly #admitted: BoundedCache<string, V>

  constructor({ max, dispose = () => {} }: ProbationCacheOptions<V>) {
    this.#admitted = new BoundedCache<string, V>({ max, dispose })
    this.#probationary = new BoundedCache<string, V>({
      max,
      dispose: (value, key) => {
        if (this.#admitted.peek(key) !== value) dispose(value)
      },
    })
  }

  /** Returns the value and touches its entry (LRU); `undefined` if the key has no entry. */
  get(key: string): V | undefined {
    return this.#admitted.get(key) ?? this.#probationary.get(key)
  }

  peek(key: string): V | undefined {
    return this.#admitted.peek(key) ?? this.#probationary.peek(key)
  }

  set(key: string, value: V): void {
    const entries = this.#admitted.has(key) ? this.#admitted : this.#probationary
    entries.set(key, value)
  }

  /** Admits an entry, which may evict the least recently used admitted entry. */
  admit(key: string): void {
    const value = this.#probationary.peek(key)
    if (value === undefined) return
    this.#admitted.set(key, value)
    this.#probationary.delete(key)
  }

  delete(key: string): void {
    this.#admitted.delete(key)
    this.#probationary.delete(key)
  }
}
