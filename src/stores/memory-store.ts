/** A store in this process: for an API that runs alone, and for tests. */
import type { Store } from './store.js'

export interface MemoryStoreOptions {
  /** One more is an error: nothing is forgotten before its time. Default 1,000,000. */
  maxEntries?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number
}

interface Entry {
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Nothing of it survives the process, and no other process sees it. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options)
}

class MemoryStore implements Store {
  readonly #maxEntries: number
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()

  constructor({ maxEntries = 1_000_000, now = Date.now }: MemoryStoreOptions) {
    this.#maxEntries = maxEntries
    this.#now = now
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#living(key) !== undefined) return false
    this.#put(key, value, ttl)
    return true
  }

  async get(key: string): Promise<string | undefined> {
    return this.#living(key)?.value
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    this.#put(key, value, ttl)
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key)
  }

  #living(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.expiresAt > this.#now() ? entry : undefined
  }

  #put(key: string, value: string, ttl: number): void {
    if (this.#entries.size >= this.#maxEntries) this.#forgetDead()
    if (this.#entries.size >= this.#maxEntries) throw new RangeError('the store is full')
    this.#entries.set(key, { value, expiresAt: this.#now() + ttl })
  }

  #forgetDead(): void {
    const now = this.#now()
    for (const [key, { expiresAt }] of this.#entries)
      if (expiresAt <= now) this.#entries.delete(key)
  }
}
