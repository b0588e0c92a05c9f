/**
 * How much of the memory of used proofs each client key has: a client that makes proofs without end
 * must not leave the others without room (RFC 9449 §11.1).
 *
 * A sliding window of counters, one for each slice of the time that a proof is remembered. Slices count
 * whole until the last of their proofs is forgotten, so a key never has more than its quota.
 */
import { BoundedCache } from '../../base/bounded-cache.js'

export interface ClientSharesOptions {
  /** Proofs of one key that are remembered at once. */
  readonly maxEntriesPerKey: number
  /** How long a proof is remembered, in milliseconds. */
  readonly life: number
  /** Milliseconds, by a monotonic clock. */
  readonly now: () => number
}

interface Share {
  /** Number of the newest slice. */
  slice: number
  /** Proofs by slice, the newest first. */
  readonly counts: number[]
  total: number
}

/** Slices that `life` has. One more is counted: the newest and the oldest are there in part. */
const SLICES = 8

/** Clients whose shares are known; beyond, the least recently used starts anew. */
const MAX_CLIENTS = 100_000

/** A key has no share left. */
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

  /** @throws {ShareUsedUpError} if this key has as many as it may have. */
  requireSome(jkt: string): void {
    const { maxEntriesPerKey } = this.#options
    const share = this.#shares.get(jkt)
    if (share === undefined) return
    this.#advance(share)
    if (share.total >= maxEntriesPerKey) throw new ShareUsedUpError(maxEntriesPerKey)
  }

  /** One more may be remembered for this key. */
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

  /** One that was counted is not remembered: the newest, which is forgotten last. */
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
