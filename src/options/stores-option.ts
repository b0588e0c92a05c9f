/** Where what instances share is kept, and its check. */
import { STORE_METHODS, type Store } from '../stores/store.js'
import { reject, requireKnownKeys } from './check.js'

/**
 * What instances share: one store for all of them, such as {@link redisStore}, or one each. Default:
 * each instance has its own.
 */
export interface StoresOption {
  /** DPoP proofs that were used. Without it, a proof can be used once on each instance. */
  replay?: Store

  /** Revocations (`revoke()`). Without it, they hold in one process, and until it ends. */
  revocations?: Store
}

export type ResolvedStores = Readonly<Record<keyof StoresOption, Store | undefined>>

const USES = ['replay', 'revocations'] as const satisfies (keyof StoresOption)[]

/** @throws {TypeError} that names the option and the mend. */
export function resolveStores(stores: StoresOption = {}): ResolvedStores {
  requireKnownKeys('"stores"', stores, USES)
  const [replay, revocations] = USES.map((use) => storeOf(use, stores[use]))
  return Object.freeze({ replay, revocations })
}

function storeOf(use: string, store: Store | undefined): Store | undefined {
  if (store === undefined || isStore(store)) return store
  return reject(
    `stores.${use}`,
    `must be a store, such as redisStore({ client }): an object with ${STORE_METHODS.join(', ')}`,
  )
}

function isStore(store: unknown): store is Store {
  if (typeof store !== 'object' || store === null) return false
  const found = store as Record<string, unknown>
  return STORE_METHODS.every((method) => typeof found[method] === 'function')
}
