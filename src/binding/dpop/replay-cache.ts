/** The replay cache: holds each used DPoP proof until it is too old for use (RFC 9449 §11.1). */

import { isError } from '../../base/native-error.js'
import { sha256 } from '../../base/thumbprint.js'
import { StoreUnavailableError } from '../../errors/errors.js'
import { type Report, throttledReport } from '../../observability/reports.js'
import type { Store } from '../../stores/store.js'
import type { PerKeyQuota } from './per-key-quota.js'

/** Identifies a proof. A `jti` is unique only among the proofs of one key. */
export interface ProofIdentity {
  readonly jkt: string
  readonly jti: string
}

export interface ReplayCacheOptions {
  readonly store: Store
  /** Lifetime of an entry, in milliseconds; see {@link replayWindow}. */
  readonly ttlMs: number
  /** Start of the store's records, in seconds since the epoch; -Infinity if it outlives restarts. */
  readonly rememberedSince: () => number
  /** Limits the entries of each client key. */
  readonly quota: PerKeyQuota
  /** How a proof is handled while the store is unavailable. */
  readonly whenUnavailable: 'reject' | 'dangerouslyAccept'
  /** Called at most once a second. Must not throw. */
  readonly onFailure: (error: unknown) => void
  readonly monotonicNow: () => number
}

/**
 * Returns for how many seconds any instance may accept a proof. An instance accepts an `iat` from
 * `maxProofAge` plus the tolerance before its clock to the tolerance after it, and each clock may differ
 * from true time by the tolerance. Independent of any clock: an expiry computed from the clock of
 * the instance that adds the entry would be too early if that clock was ahead.
 */
export function replayWindow(maxProofAge: number, clockTolerance: number): number {
  return maxProofAge + 4 * clockTolerance
}

const STORE_DESCRIPTION = 'the DPoP replay store'

/** In seconds: long enough for a store to recover, short enough for a client to wait. */
const RETRY_AFTER_SECONDS = 1

/** Throttled, because every request fails during an outage. */
const REPORT_INTERVAL_MS = 1_000

export class ReplayCache {
  readonly #options: ReplayCacheOptions
  readonly #report: Report<unknown>

  constructor(options: ReplayCacheOptions) {
    this.#options = options
    this.#report = throttledReport(options.onFailure, REPORT_INTERVAL_MS, options.monotonicNow)
  }

  /**
   * Adds a proof, unless the cache has it already.
   *
   * @returns whether this is the first use of the proof.
   * @throws {StoreUnavailableError} if the store fails, or the key has used up its quota.
   */
  async add({ jkt, jti }: ProofIdentity): Promise<boolean> {
    const { store, ttlMs, quota, whenUnavailable } = this.#options
    this.#assertQuota(jkt)
    // Counted before the store responds, so that concurrent requests cannot exceed the quota.
    quota.count(jkt)
    try {
      // A custom store may return any value: only `true` means that the proof is new.
      const isFirst = (await store.add(`dpop:${sha256(`${jkt} ${jti}`)}`, '', ttlMs)) === true
      // Otherwise an attacker with one proof could use up the client's quota with replays.
      if (!isFirst) quota.release(jkt)
      return isFirst
    } catch (error) {
      // An indeterminate result stays counted, because the store may have added the entry.
      if (!isIndeterminate(error)) quota.release(jkt)
      this.#report(error)
      if (whenUnavailable === 'dangerouslyAccept') return true
      throw new StoreUnavailableError(STORE_DESCRIPTION, RETRY_AFTER_SECONDS, error)
    }
  }

  /** In seconds since the epoch: the use of a proof made earlier may not be recorded. */
  rememberedSince(): number {
    return this.#options.rememberedSince()
  }

  #assertQuota(jkt: string): void {
    try {
      this.#options.quota.assertAvailable(jkt)
    } catch (error) {
      // The store is available, so `whenUnavailable` does not apply.
      throw new StoreUnavailableError(STORE_DESCRIPTION, RETRY_AFTER_SECONDS, error)
    }
  }
}

/** Whether {@link Store.add} may have added the entry, or may have lost an earlier one. */
function isIndeterminate(error: unknown): boolean {
  return isError(error) && (error as { code?: unknown }).code === 'store_indeterminate'
}
