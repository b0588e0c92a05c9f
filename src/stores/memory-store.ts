/**
 * A store in the memory of this process, for an API with one instance and for tests.
 *
 * Memory per entry is small, because there may be a million: a map from each key to the second in
 * which it expires, and a list of keys for each such second. There is no timer: expired entries are
 * removed when another entry is written, each in amortized constant time.
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
   * Maximum number of entries, and separately of revocations. Writing another one rejects, because
   * no entry is evicted before it expires. Default 1,000,000 (5,500 DPoP proofs a second for three
   * minutes; about 130 MB when full); 1 to 10,000,000.
   */
  maxEntries?: number
  /** Returns the time in milliseconds; for tests. Default: a monotonic clock. */
  now?: () => number
}

/**
 * Creates a store in the memory of this process. Its data ends with the process and is not shared
 * with other processes. Entries expire at the end of a second: up to 1 s after their TTL.
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
  const known = requireKnownKeys('a memory store', options, ['maxEntries', 'now'])
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

/** The store has `maxEntries` entries, none of which has expired. */
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
  /** When each entry expires, in seconds: V8 stores a small integer without an allocation. */
  readonly #expiresAt = new Map<string, number>()
  /** Non-empty values only; most entries have an empty one. */
  readonly #values = new Map<string, string>()
  /**
   * Expiry index: keys by the second in which the sweep checks them, which is never later than
   * their expiry. A longer TTL leaves a key in its bucket; the sweep moves the key.
   */
  readonly #expiryBuckets = new Map<number, string[]>()
  /** The buckets up to this second were swept. */
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
      // Asynchronously, as over a network.
      queueMicrotask(() => onMessage(message))
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<Unsubscribe> {
    const listeners = this.#channels.get(channel) ?? new Set()
    // A new function, so that the same `onMessage` may subscribe twice.
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
    // A key with a later expiry stays in its earlier bucket; the sweep moves it.
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
    // Once a second, not for each write; also after the clock was set back.
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

/** Copies the text into a flat string: a concatenated one retains its parts in memory. */
function flattenString(text: string): string {
  return Buffer.from(text).toString()
}
