/** Observes the stores of the options: their state, and whether requests are rejected because of it. */
import { randomUUID } from 'node:crypto'
import { OutageReports } from '../observability/reports.js'
import type { SharedRevocations } from '../revocation/shared-revocations.js'
import { observedStore, StoreHealth, type StoreStatus } from '../stores/observed-store.js'
import type { ResolvedStores } from '../stores/options.js'
import type { Store } from '../stores/store.js'
import type { ResolvedOptions } from './options.js'

/** The stores of the options, wrapped to record whether their calls succeed. */
export interface ObservedStores {
  readonly stores: ResolvedStores
  /** Whether every request needs `stores.replay`, unless its route sets another mode of DPoP. */
  readonly needsReplay: boolean
  /**
   * Returns the state of each store.
   *
   * @param sharedRevocations `undefined` without `stores.revocations`.
   */
  status(sharedRevocations: SharedRevocations | undefined): readonly StoreStatus[]
  /**
   * Adds an entry to the replay store, if every request needs that store and its last call did not
   * succeed: otherwise, an instance that receives no requests would not learn that the store is
   * available. At most one call is in flight, and one starts per second.
   */
  checkReplay(): void
}

const CHECK_INTERVAL_MS = 1_000
/** Lifetime of the entry of a check, in milliseconds. */
const CHECK_TTL_MS = 1_000

export function observeStores(options: ResolvedOptions): ObservedStores {
  const { stores, dpop, monotonicNow } = options
  const observed = new Map<StoreStatus['use'], StoreHealth>()
  const observe = (use: StoreStatus['use'], store: Store): Store => {
    // The other uses report their recovery themselves.
    const health = new StoreHealth(use === 'replay' ? replayReports(options) : undefined)
    observed.set(use, health)
    return observedStore(store, health, use !== 'introspection')
  }
  const { revocations, introspection } = stores
  const replay = stores.replay && observe('replay', stores.replay)
  const rejectsProofs = dpop?.replay.whenUnavailable === 'reject'
  const needsReplay = replay !== undefined && rejectsProofs && dpop.mode === 'required'
  let isChecking = false
  let checkedAt = Number.NEGATIVE_INFINITY
  return {
    stores: {
      replay,
      revocations: revocations && observe('revocations', revocations),
      introspection: introspection && {
        ...introspection,
        store: observe('introspection', introspection.store),
      },
    },
    needsReplay,
    status: (sharedRevocations) =>
      [...observed].map(([use, { state, lastError }]) => {
        const revocations = use === 'revocations' ? sharedRevocations : undefined
        const rejected = use === 'replay' && rejectsProofs && state === 'unavailable'
        return {
          use,
          state,
          rejects:
            revocations?.rejectsAll || (rejected && needsReplay)
              ? 'all'
              : rejected
                ? 'proofs'
                : 'none',
          pending: revocations?.pending ?? 0,
          lastError,
        }
      }),
    checkReplay() {
      if (!needsReplay || observed.get('replay')?.state === 'available' || isChecking) return
      const now = monotonicNow()
      if (now < checkedAt + CHECK_INTERVAL_MS) return
      isChecking = true
      checkedAt = now
      const end = () => {
        isChecking = false
      }
      replay.add(`ready:${randomUUID()}`, '', CHECK_TTL_MS).then(end, end)
    },
  }
}

/**
 * Reports that the replay store works again. Its failures are reported where they occur, at most
 * once a second, because their effect depends on the kind of token.
 */
function replayReports({ logger, monotonicNow }: ResolvedOptions): OutageReports<unknown> {
  return new OutageReports({
    onFailure: () => {},
    onRecovery: (failedForMs) =>
      logger.info(
        { failedForMilliseconds: Math.round(failedForMs) },
        'replay store recovered; replays are detected again',
      ),
    intervalMs: 1_000,
    monotonicNow,
  })
}
