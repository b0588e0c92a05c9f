/**
 * A store in this process: for an API that runs alone, and for tests.
 *
 * Kept small, because a million entries are: from each key to the second at which it ends, and a
 * list of keys for each such second. There is no timer: what is over is swept when something else is
 * put in, and each entry is swept once.
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

/** The bounds of a store in memory. */
export interface MemoryStoreOptions {
  /**
   * One more is an error: nothing is forgotten before its time. Default 1,000,000, which is 5,500
   * DPoP proofs a second for three minutes, and about 130 MB when they are there; from 1 to 10,000,000.
   */
  maxEntries?: number
  /** For tests: the time in milliseconds. Default: a monotonic clock. */
  now?: () => number
}

/**
 * Nothing of it survives the process, and no other process sees it. Entries end with a full second:
 * up to a second later than they were asked to.
 *
 * @throws {TypeError} if an option is wrong.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const known = requireKnownKeys('a memory store', options, ['maxEntries', 'now'])
  const { maxEntries = 1_000_000, now = monotonicNow } = known
  if (typeof now !== 'function') throw new TypeError('"now" of a store must be a function')
  const bounds = { minimum: 1, maximum: 10_000_000, unit: 'entries' }
  return new MemoryStore(wholeNumber('maxEntries', maxEntries, bounds), now)
}

function monotonicNow(): number {
  return performance.timeOrigin + performance.now()
}

/** There is no room, and nothing may be forgotten to make some. */
export class StoreFullError extends RangeError {
  readonly code = 'store_full'
  override readonly name = 'StoreFullError'

  constructor(maxEntries: number) {
    super(`the store is full: "maxEntries" is ${maxEntries}`)
  }
}

class MemoryStore implements Store {
  readonly isProcessLocal = true
  readonly #maxEntries: number
  readonly #now: () => number
  /** The second since the epoch at which each entry ends: a small integer takes no room of its own. */
  readonly #ends = new Map<string, number>()
  /** Most entries have none. */
  readonly #values = new Map<string, string>()
  /** Keys by a second at which to look at them: never later than the one at which they end. */
  readonly #due = new Map<number, string[]>()
  /** What was due until then was swept. */
  #sweptAt = Number.NEGATIVE_INFINITY
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
    if (this.#lives(key)) return false
    this.#put(key, value, ttl)
    return true
  }

  async get(key: string): Promise<string | undefined> {
    return this.#lives(key) ? this.#valueOf(key) : undefined
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    this.#put(key, value, ttl)
  }

  async delete(key: string): Promise<void> {
    this.#forget(key)
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
      // As over a network: never within the call.
      queueMicrotask(() => onMessage(message))
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<Unsubscribe> {
    const listeners = this.#channels.get(channel) ?? new Set()
    // A function of its own, so that the same one may subscribe twice.
    const listener = (message: string) => onMessage(message)
    this.#channels.set(channel, listeners.add(listener))
    return async () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#channels.delete(channel)
    }
  }

  #lives(key: string): boolean {
    const end = this.#ends.get(key)
    // Written so that a clock that tells no time forgets nothing.
    return end !== undefined && !(this.#now() >= end * 1_000)
  }

  #valueOf(key: string): string {
    return this.#values.get(key) ?? ''
  }

  #put(key: string, value: string, ttl: number): void {
    const end = Math.ceil((this.#now() + ttl) / 1_000)
    if (!Number.isFinite(end)) throw new TypeError('the end of an entry must be a time')
    this.#sweep()
    const before = this.#ends.get(key)
    if (before === undefined && this.#ends.size >= this.#maxEntries) {
      throw new StoreFullError(this.#maxEntries)
    }
    const kept = before === undefined ? flat(key) : key
    this.#ends.set(kept, end)
    if (value === '') this.#values.delete(kept)
    else this.#values.set(kept, flat(value))
    // It is looked at in time already, and then again when it is due.
    if (before === undefined || end < before) this.#lookAt(kept, end)
  }

  #lookAt(key: string, second: number): void {
    const keys = this.#due.get(second)
    if (keys === undefined) this.#due.set(second, [key])
    else keys.push(key)
  }

  #forget(key: string): void {
    this.#ends.delete(key)
    this.#values.delete(key)
  }

  #sweep(): void {
    const second = Math.floor(this.#now() / 1_000)
    // Once a second, and not for each entry; also where the clock was set back.
    if (second === this.#sweptAt) return
    this.#sweptAt = second
    for (const [due, keys] of this.#due) {
      if (due > second) continue
      this.#due.delete(due)
      for (const key of keys) this.#sweepOne(key, second)
    }
  }

  #sweepOne(key: string, second: number): void {
    const end = this.#ends.get(key)
    if (end === undefined) return
    if (end <= second) this.#forget(key)
    else this.#lookAt(key, end)
  }
}

/** Text that was put together keeps its parts alive beside it. */
function flat(text: string): string {
  return Buffer.from(text).toString()
}
