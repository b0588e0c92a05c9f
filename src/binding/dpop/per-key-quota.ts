/**
 * Limits the entries of each client key in the replay cache, so that one client cannot fill it and
 * have the proofs of others rejected (RFC 9449 §11.1).
 *
 * A sliding window counter, with one counter per slice of an entry's lifetime. A slice counts in
 * full until its last entry expires, so a key never has more than its quota.
 */
import { BoundedCache } from '../../base/bounded-cache.js'

export interface PerKeyQuotaOptions {
  /** Maximum number of unexpired entries of one key. */
  readonly maxEntriesPerKey: number
  /** Lifetime of an entry in the replay cache, in milliseconds. */
  readonly windowMs: number
  /** Milliseconds of a monotonic clock. */
  readonly monotonicNow: () => number
}

interface KeyUsage {
  /** Number of the newest slice. */
  slice: number
  /** Entries by slice, the newest first. */
  readonly counts: number[]
  total: number
}

/** Slices of the window. One more is counted, because the newest and the oldest are partial. */
const SLICES = 8

/** Maximum number of keys that are counted; the least recently used one is reset. */
const MAX_KEYS = 100_000

/** A key has used up its quota. */
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

  /** Uncounts an entry that was not added: the newest one, which would expire last. */
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
