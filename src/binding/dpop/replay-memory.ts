/** The proofs that were used (RFC 9449 §11.1), for as long as they would pass for fresh ones. */

import { isError } from '../../base/native-error.js'
import { sha256 } from '../../base/thumbprint.js'
import { StoreUnavailableError } from '../../errors/errors.js'
import { type Report, throttledReport } from '../../observability/reports.js'
import type { Store } from '../../stores/store.js'
import type { ClientShares } from './client-shares.js'

/** What tells proofs apart: the `jti` of one client says nothing about another's. */
export interface ProofIdentity {
  readonly jkt: string
  readonly jti: string
}

export interface ReplayMemoryOptions {
  readonly store: Store
  /** How long a proof is remembered, in milliseconds; see {@link replayWindow}. */
  readonly ttl: number
  /** Start of what the store remembers, in seconds since the epoch; -Infinity if it outlives us. */
  readonly rememberedSince: () => number
  /** How much of it each client may have. */
  readonly shares: ClientShares
  /** What happens while the store can't be asked. */
  readonly whenUnavailable: 'reject' | 'dangerouslyAccept'
  /** Told at most once a second. Must not throw. */
  readonly onFailure: (error: unknown) => void
  readonly steadyNow: () => number
}

/**
 * How long any instance may accept a proof, in seconds: instances accept "iat" from `maxAge` and the
 * tolerance before their clock to the tolerance after it, and each clock may differ from true time by
 * the tolerance. No clock enters: an entry whose end depended on the clock of the instance that adds it
 * would end too early if that clock was ahead.
 */
export function replayWindow(maxAge: number, clockTolerance: number): number {
  return maxAge + 4 * clockTolerance
}

const MEMORY = 'the memory of used DPoP proofs'

/** In seconds: long enough for a store to come back, short enough for a client to wait. */
const RETRY_AFTER = 1

/** Every request fails in an outage, and one line of log says it. */
const REPORT_INTERVAL_MS = 1_000

export class ReplayMemory {
  readonly #options: ReplayMemoryOptions
  readonly #report: Report<unknown>

  constructor(options: ReplayMemoryOptions) {
    this.#options = options
    this.#report = throttledReport(options.onFailure, REPORT_INTERVAL_MS, options.steadyNow)
  }

  /**
   * Remembers a proof, unless it is remembered already.
   *
   * @returns whether it is the first time that it is seen.
   * @throws {StoreUnavailableError} if nobody can tell, or the client has no share of the memory left.
   */
  async add({ jkt, jti }: ProofIdentity): Promise<boolean> {
    const { store, ttl, shares, whenUnavailable } = this.#options
    this.#requireShare(jkt)
    // Before the store is asked, or as many at once as it is slow would pass.
    shares.count(jkt)
    try {
      // An application's store may answer anything: only `true` says that the proof is new.
      const isFirst = (await store.add(`dpop:${sha256(`${jkt} ${jti}`)}`, '', ttl)) === true
      // Whoever has one of its proofs could use up the share with replays.
      if (!isFirst) shares.giveBack(jkt)
      return isFirst
    } catch (error) {
      // Unless it is new to the store now, whatever it was before.
      if (!isUncertain(error)) shares.giveBack(jkt)
      this.#report(error)
      if (whenUnavailable === 'dangerouslyAccept') return true
      throw new StoreUnavailableError(MEMORY, RETRY_AFTER, error)
    }
  }

  /** In seconds since the epoch: a proof made earlier may have been used, and forgotten. */
  rememberedSince(): number {
    return this.#options.rememberedSince()
  }

  #requireShare(jkt: string): void {
    try {
      this.#options.shares.requireSome(jkt)
    } catch (error) {
      // Nothing is wrong with the store, so it is refused whatever happens in an outage.
      throw new StoreUnavailableError(MEMORY, RETRY_AFTER, error)
    }
  }
}

/** As {@link Store.add} rejects where it has added, and may have forgotten. */
function isUncertain(error: unknown): boolean {
  return isError(error) && (error as { code?: unknown }).code === 'store_indeterminate'
}
