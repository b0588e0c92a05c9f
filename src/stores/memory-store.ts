/**
 * Implements a store in the memory of this process, for an API with one instance and for tests.
 *
 * The store may hold a million entries, so each takes little memory: one map contains the second in
 * which each key expires, and another map contains the keys of each such second. There is no timer:
 * the first write in each second removes the expired entries, in amortized constant time per entry.
 */
import { requireKnownKeys } from '../base/plain-object.js'
import { MemoryRevocations } from './memory-revocations.js'
import type {
  RevocationChanges,
  RevocationToStore,
  Store,
  StoredRevocation,
  Unsubscribe,
} from './store.js'
import { wholeNumber } from './store.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Maximum number of entries, and separately of revocations. A write that exceeds it rejects,
   * because no entry is evicted before it expires. Default 1,000,000 (5,500 DPoP proofs a second
   * for three minutes; about 130 MB when full); 1 to 10,000,000.
   */
  maxEntries?: number
  /** Returns the time in milliseconds; for tests. Default: a monotonic clock. */
  now?: () => number
}

/**
 * Creates an in-memory store. Its data is lost when the process ends and is not shared with other
 * processes. Expiry is rounded up to a whole second, so an entry may outlive its TTL by up to 1 s.
 *
 * @throws {TypeError} if an option is invalid or unknown.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: 'required',
 *   stores: { replay: memoryStore({ maxEntries: 100_000 }) },
 * })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const known = requireKnownKeys('memoryStore()', options, ['maxEntries', 'now'])
  const { maxEntries = 1_000_000, now = monotonicNow } = known
  if (typeof now !== 'function') {
    throw new TypeError('"now" of a store must be a function that returns milliseconds')
  }
  const bounds = { minimum: 1, maximum: 10_000_000, unit: 'entries' }
  return new MemoryStore(wholeNumber('maxEntries', maxEntries, bounds), now)
}

function monotonicNow(): number {
  return performance.timeOrigin + performance.now()
}

/** Thrown by a write to a store with `maxEntries` entries, none of which has expired. */
export class StoreFullError extends RangeError {
  readonly code = 'store_full'
  override readonly name = 'StoreFullError'

  constructor(maxEntries: number) {
    super(`memory store is full: raise "maxEntries", which is ${maxEntries}`)
  }
}

class MemoryStore implements Store {
  readonly isProcessLocal = true
  readonly #maxEntries: number
  readonly #now: () => number
  /** Expiry of each entry, in seconds, because V8 stores a small integer without an allocation. */
  readonly #expiresAt = new Map<string, number>()
  /** Values that are not empty. Most entries have an empty value. */
  readonly #values = new Map<string, string>()
  /**
   * Expiry index: the keys that the sweep checks in each second. The bucket of a key is never later
   * than the second in which the key expires. If a write extends the expiry of a key, the key stays
   * in its bucket until the sweep moves it.
   */
  readonly #expiryBuckets = new Map<number, string[]>()
  /** The last sweep removed the buckets up to this second. */
  #sweptSecond = Number.NEGATIVE_INFINITY
  readonly #revocations: MemoryRevocations
  readonly #channels = new Map<string, Set<(message: string) => void>>()

  constructor(maxEntries: number, now: () => number) {
    this.#maxEntries = maxEntries
    this.#now = now
    this.#revocations = new MemoryRevocations(
      () => {
        throw new StoreFullError(maxEntries)
      },
      { maxEntries, now },
    )
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#isLive(key)) return false
    this.#write(key, value, ttl)
    return true
  }

  async get(key: string): Promise<string | undefined> {
    return this.#isLive(key) ? this.#valueOf(key) : undefined
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    this.#write(key, value, ttl)
  }

  async delete(key: string): Promise<void> {
    this.#remove(key)
  }

  async mergeRevocations(revocations: readonly RevocationToStore[]): Promise<void> {
    this.#revocations.merge(revocations)
  }

  async revocationsSince(revision: string | undefined): Promise<RevocationChanges | undefined> {
    return this.#revocations.since(revision)
  }

  listRevocations(): AsyncIterable<readonly StoredRevocation[]> {
    return this.#revocations.list()
  }

  async publish(channel: string, message: string): Promise<void> {
    for (const onMessage of this.#channels.get(channel) ?? []) {
      // Delivers asynchronously, as a store on a network does.
      queueMicrotask(() => onMessage(message))
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<Unsubscribe> {
    const listeners = this.#channels.get(channel) ?? new Set()
    // Creates a new function, so that one `onMessage` may subscribe twice.
    const listener = (message: string) => onMessage(message)
    this.#channels.set(channel, listeners.add(listener))
    return async () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#channels.delete(channel)
    }
  }

  #isLive(key: string): boolean {
    const expiresAt = this.#expiresAt.get(key)
    // Negated comparison, so that a NaN clock expires nothing.
    return expiresAt !== undefined && !(this.#now() >= expiresAt * 1_000)
  }

  #valueOf(key: string): string {
    return this.#values.get(key) ?? ''
  }

  #write(key: string, value: string, ttl: number): void {
    const expiresAt = Math.ceil((this.#now() + ttl) / 1_000)
    if (!Number.isFinite(expiresAt)) {
      throw new TypeError('"ttl" and "now()" must be finite numbers of milliseconds')
    }
    this.#sweep()
    const previous = this.#expiresAt.get(key)
    if (previous === undefined && this.#expiresAt.size >= this.#maxEntries) {
      throw new StoreFullError(this.#maxEntries)
    }
    const storedKey = previous === undefined ? flattenString(key) : key
    this.#expiresAt.set(storedKey, expiresAt)
    if (value === '') this.#values.delete(storedKey)
    else this.#values.set(storedKey, flattenString(value))
    if (previous === undefined || expiresAt < previous) this.#schedule(storedKey, expiresAt)
  }

  #schedule(key: string, second: number): void {
    const keys = this.#expiryBuckets.get(second)
    if (keys === undefined) this.#expiryBuckets.set(second, [key])
    else keys.push(key)
  }

  #remove(key: string): void {
    this.#expiresAt.delete(key)
    this.#values.delete(key)
  }

  #sweep(): void {
    const second = Math.floor(this.#now() / 1_000)
    // At most one write per second sweeps. Compared by `===`, so that sweeps continue after the
    // clock was set back.
    if (second === this.#sweptSecond) return
    this.#sweptSecond = second
    for (const [due, keys] of this.#expiryBuckets) {
      if (due > second) continue
      this.#expiryBuckets.delete(due)
      for (const key of keys) this.#sweepKey(key, second)
    }
  }

  #sweepKey(key: string, second: number): void {
    const expiresAt = this.#expiresAt.get(key)
    if (expiresAt === undefined) return
    if (expiresAt <= second) this.#remove(key)
    else this.#schedule(key, expiresAt)
  }
}

/** Copies the text into a flat string: a concatenated string keeps all its parts in memory. */
function flattenString(text: string): string {
  return Buffer.from(text).toString()
}
