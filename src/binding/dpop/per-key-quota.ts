/**
 * Limits the entries of each client key in the replay cache. Otherwise one client could fill the
 * cache, and the proofs of other clients would be rejected (RFC 9449 §11.1).
 *
 * Entries are counted in a sliding window that is divided into slices. All entries of a slice count
 * until the newest of them has expired.
 */
import { BoundedCache } from '../../base/bounded-cache.js'

export interface PerKeyQuotaOptions {
  /** Maximum number of unexpired entries of one key. */
  readonly maxEntriesPerKey: number
  /** Length of the window: the lifetime of an entry in the replay cache, in milliseconds. */
  readonly windowMs: number
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

interface KeyUsage {
  /** Number of the newest slice. Slices are counted from the zero point of the clock. */
  slice: number
  /** Number of entries in each slice, the newest slice first. */
  readonly counts: number[]
  total: number
}

/**
 * Number of slices in a window. Each key has `SLICES + 1` counters, because the window covers the
 * newest and the oldest slice only in part.
 */
const SLICES = 8

/**
 * Maximum number of keys with counters. Beyond that number, the counters of the least recently used
 * key are evicted, and the entries of that key are counted from 0 again.
 */
const MAX_KEYS = 100_000

/** Thrown if a client key has used up its quota. */
export class QuotaExceededError extends RangeError {
  readonly code = 'quota_exceeded'
  override readonly name = 'QuotaExceededError'

  constructor(maxEntriesPerKey: number) {
    super(`proof quota of one key exceeded (dpop.replay.maxEntriesPerKey = ${maxEntriesPerKey})`)
  }
}

export class PerKeyQuota {
  readonly #options: PerKeyQuotaOptions
  readonly #usageByKey = new BoundedCache<string, KeyUsage>({ max: MAX_KEYS })

  constructor(options: PerKeyQuotaOptions) {
    this.#options = options
  }

  /** @throws {QuotaExceededError} if the key has used up its quota. */
  assertAvailable(jkt: string): void {
    const { maxEntriesPerKey } = this.#options
    const usage = this.#usageByKey.get(jkt)
    if (usage === undefined) return
    this.#advance(usage)
    if (usage.total >= maxEntriesPerKey) throw new QuotaExceededError(maxEntriesPerKey)
  }

  /** Counts one more entry of the key. */
  count(jkt: string): void {
    let usage = this.#usageByKey.get(jkt)
    if (usage === undefined) {
      usage = { slice: this.#slice(), counts: new Array(SLICES + 1).fill(0), total: 0 }
      this.#usageByKey.set(jkt, usage)
    }
    this.#advance(usage)
    usage.counts[0] = (usage.counts[0] as number) + 1
    usage.total++
  }

  /** Subtracts one entry that was counted but not added, from the newest slice with entries. */
  release(jkt: string): void {
    const usage = this.#usageByKey.get(jkt)
    if (usage === undefined) return
    this.#advance(usage)
    const newest = usage.counts.findIndex((count) => count > 0)
    if (newest < 0) return
    usage.counts[newest] = (usage.counts[newest] as number) - 1
    usage.total--
  }

  #advance(usage: KeyUsage): void {
    const passed = this.#slice() - usage.slice
    if (!(passed > 0)) return
    usage.slice += passed
    for (let i = 0; i < Math.min(passed, SLICES + 1); i++) {
      usage.total -= usage.counts.pop() as number
      usage.counts.unshift(0)
    }
  }

  #slice(): number {
    const { monotonicNow, windowMs } = this.#options
    return Math.floor((monotonicNow() * SLICES) / windowMs)
  }
}
