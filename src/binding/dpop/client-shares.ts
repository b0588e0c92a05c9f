/**
 * How much of the memory of used proofs each client's key has: one client that makes proofs without
 * end must not leave the others without room (RFC 9449 §11.1).
 */
import { LRUCache } from 'lru-cache'

export interface ClientSharesOptions {
  /** Proofs of one key that are remembered at once, about. */
  readonly maxEntriesPerKey: number
  /** For how long one is remembered at most, in milliseconds. */
  readonly life: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The proofs of a key in this span of time and in the one before. */
interface Share {
  span: number
  previous: number
  current: number
}

/** Clients whose shares are known; with more of them the one that was quiet longest starts anew. */
const MAX_CLIENTS = 100_000

/** Whoever has no share left. */
export class ShareUsedUpError extends RangeError {
  readonly code = 'share_used_up'
  override readonly name = 'ShareUsedUpError'

  constructor(maxEntriesPerKey: number) {
    super(`one key made its ${maxEntriesPerKey} proofs, which is "dpop.replay.maxEntriesPerKey"`)
  }
}

export class ClientShares {
  readonly #options: ClientSharesOptions
  readonly #shares = new LRUCache<string, Share>({ max: MAX_CLIENTS })

  constructor(options: ClientSharesOptions) {
    this.#options = options
  }

  /** @throws {ShareUsedUpError} if this key has as many as it may have. */
  requireSome(jkt: string): void {
    const { maxEntriesPerKey, life, now } = this.#options
    const share = this.#shares.get(jkt)
    if (share === undefined) return
    this.#moveOn(share)
    // Those of the span before go one by one, as if they had come evenly.
    const left = 1 - (now() % life) / life
    if (share.current + share.previous * left < maxEntriesPerKey) return
    throw new ShareUsedUpError(maxEntriesPerKey)
  }

  /** One more may be remembered for this key. */
  count(jkt: string): void {
    const share = this.#shares.get(jkt)
    if (share === undefined) {
      this.#shares.set(jkt, { span: this.#span(), previous: 0, current: 1 })
      return
    }
    this.#moveOn(share)
    share.current++
  }

  /** One that was counted is not remembered. */
  giveBack(jkt: string): void {
    const share = this.#shares.get(jkt)
    if (share === undefined) return
    this.#moveOn(share)
    if (share.current > 0) share.current--
    else if (share.previous > 0) share.previous--
  }

  #moveOn(share: Share): void {
    const passed = this.#span() - share.span
    if (passed === 0) return
    share.previous = passed === 1 ? share.current : 0
    share.current = 0
    share.span += passed
  }

  #span(): number {
    return Math.floor(this.#options.now() / this.#options.life)
  }
}
