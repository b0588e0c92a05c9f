/**
 * Rejects replays of DPoP proofs: records each used proof until it is too old to be accepted
 * (RFC 9449 §11.1).
 */

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
  /**
   * Returns the time since which the store has recorded proofs, in seconds since the epoch;
   * -Infinity if its entries survive a restart of this process.
   */
  readonly rememberedSince: () => number
  /** Limits the number of entries of each client key. */
  readonly quota: PerKeyQuota
  /** How a proof is handled while the store is unavailable. */
  readonly whenUnavailable: 'reject' | 'dangerouslyAccept'
  /** Called for a failed call of the store, at most once a second. Must not throw. */
  readonly onFailure: (error: unknown) => void
  /** Returns the time of a monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

/**
 * Returns how long an entry must be kept, in seconds: the longest time for which instances may
 * accept one proof. An instance accepts an `iat` from `maxProofAge` plus the tolerance before its
 * clock until the tolerance after it, and each clock may differ from true time by the tolerance.
 *
 * The entry gets this duration instead of an expiry time. An expiry time computed from the clock of
 * the instance that adds the entry could be too early.
 */
export function replayWindow(maxProofAge: number, clockTolerance: number): number {
  return maxProofAge + 4 * clockTolerance
}

const STORE_DESCRIPTION = 'the DPoP replay store'

/**
 * `Retry-After` of the 503, in seconds. A store may recover in that time, and a client can wait that
 * long.
 */
const RETRY_AFTER_SECONDS = 1

/** Minimum time between two reports. During an outage, the call for each proof may fail. */
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
   * @returns whether this is the first use of the proof. Also returns `true` if the store fails and
   *   `whenUnavailable` is `'dangerouslyAccept'`.
   * @throws {StoreUnavailableError} if the key has used up its quota, or if the store fails and
   *   `whenUnavailable` is `'reject'`.
   */
  async add({ jkt, jti }: ProofIdentity): Promise<boolean> {
    const { store, ttlMs, quota, whenUnavailable } = this.#options
    this.#assertQuota(jkt)
    // Counts before the store responds, so that concurrent requests cannot exceed the quota.
    quota.count(jkt)
    try {
      // A custom store may return any value: only `true` means that the proof is new.
      const isFirst = (await store.add(`dpop:${sha256(`${jkt} ${jti}`)}`, '', ttlMs)) === true
      // Replays must not count, because an attacker with one proof could use up the client's quota.
      if (!isFirst) quota.release(jkt)
      return isFirst
    } catch (error) {
      // If the result is indeterminate, the store may have added the entry, so it stays counted.
      if (!isIndeterminate(error)) quota.release(jkt)
      this.#report(error)
      if (whenUnavailable === 'dangerouslyAccept') return true
      throw new StoreUnavailableError(STORE_DESCRIPTION, RETRY_AFTER_SECONDS, error)
    }
  }

  /**
   * Returns the time since which the store has recorded proofs, in seconds since the epoch. A proof
   * that was made earlier may have been used without being recorded.
   */
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
