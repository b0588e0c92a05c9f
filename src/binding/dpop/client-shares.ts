/**
 * Limits the entries of each client key in the replay cache, so that one client cannot fill it and
 * have the proofs of others rejected (RFC 9449 §11.1).
 *
 * A sliding window counter, with one counter per slice of an entry's lifetime. A slice counts in
 * full until its last entry expires, so a key never has more than its quota.
 */
import { BoundedCache } from '../../base/bounded-cache.js'

export interface ClientSharesOptions {
  /** Maximum number of unexpired entries of one key. */
  readonly maxEntriesPerKey: number
  /** Lifetime of an entry in the replay cache, in milliseconds. */
  readonly life: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

interface Share {
  /** Number of the newest slice. */
  slice: number
  /** Entries by slice, the newest first. */
  readonly counts: number[]
  total: number
}

/** Slices of the window. One more is counted, because the newest and the oldest are partial. */
const SLICES = 8

/** Maximum number of keys that are counted; the least recently used one is reset. */
const MAX_CLIENTS = 100_000

/** A key has used up its quota. */
export class ShareUsedUpError extends RangeError {
  readonly code = 'share_used_up'
  override readonly name = 'ShareUsedUpError'

  constructor(maxEntriesPerKey: number) {
    super(`one key made its ${maxEntriesPerKey} proofs, which is "dpop.replay.maxEntriesPerKey"`)
  }
}

export class ClientShares {
  readonly #options: ClientSharesOptions
  readonly #shares = new BoundedCache<string, Share>({ max: MAX_CLIENTS })

  constructor(options: ClientSharesOptions) {
    this.#options = options
  }

  /** @throws {ShareUsedUpError} if the key has used up its quota. */
  requireSome(jkt: string): void {
    const { maxEntriesPerKey } = this.#options
    const share = this.#shares.get(jkt)
    if (share === undefined) return
    this.#advance(share)
    if (share.total >= maxEntriesPerKey) throw new ShareUsedUpError(maxEntriesPerKey)
  }

  /** Counts one more entry of the key. */
  count(jkt: string): void {
    let share = this.#shares.get(jkt)
    if (share === undefined) {
      share = { slice: this.#slice(), counts: new Array(SLICES + 1).fill(0), total: 0 }
      this.#shares.set(jkt, share)
    }
    this.#advance(share)
    share.counts[0] = (share.counts[0] as number) + 1
    share.total++
  }

  /** Uncounts an entry that was not added: the newest one, which would expire last. */
  giveBack(jkt: string): void {
    const share = this.#shares.get(jkt)
    if (share === undefined) return
    this.#advance(share)
    const newest = share.counts.findIndex((count) => count > 0)
    if (newest < 0) return
    share.counts[newest] = (share.counts[newest] as number) - 1
    share.total--
  }

  #advance(share: Share): void {
    const passed = this.#slice() - share.slice
    if (!(passed > 0)) return
    share.slice += passed
    for (let i = 0; i < Math.min(passed, SLICES + 1); i++) {
      share.total -= share.counts.pop() as number
      share.counts.unshift(0)
    }
  }

  #slice(): number {
    const { now, life } = this.#options
    return Math.floor((now() * SLICES) / life)
  }
}
