/** The stores that instances share, each observed for its use. */

import type { SharedRevocations } from '../revocation/shared-revocations.js'
import { observedStore, StoreHealth, type StoreStatus } from '../stores/observed-store.js'
import type { ResolvedStores } from '../stores/options.js'
import type { Store } from '../stores/store.js'
import type { ResolvedOptions } from './options.js'

export interface ObservedStores {
  readonly stores: ResolvedStores
  /** @param sharedRevocations if there is a store of revocations. */
  status(sharedRevocations: SharedRevocations | undefined): readonly StoreStatus[]
}

export function observeStores({ stores, dpop }: ResolvedOptions): ObservedStores {
  const observed = new Map<StoreStatus['use'], StoreHealth>()
  const observe = (use: StoreStatus['use'], store: Store): Store => {
    const health = new StoreHealth()
    observed.set(use, health)
    return observedStore(store, health)
  }
  const { replay, revocations, introspection } = stores
  const needsReplay = dpop?.replay.whenUnavailable === 'refuse'
  return {
    stores: {
      replay: replay && observe('replay', replay),
      revocations: revocations && observe('revocations', revocations),
      introspection: introspection && {
        ...introspection,
        store: observe('introspection', introspection.store),
      },
    },
    status: (sharedRevocations) =>
      [...observed].map(([use, { state, lastError }]) => {
        const revocations = use === 'revocations' ? sharedRevocations : undefined
        const rejectsProofs = use === 'replay' && needsReplay && state === 'unavailable'
        return {
          use,
          state,
          rejects: revocations?.rejectsAll ? 'all' : rejectsProofs ? 'proofs' : 'none',
          pending: revocations?.pending ?? 0,
          lastError,
        }
      }),
  }
}
