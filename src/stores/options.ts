/** Where what instances share is kept, and its check. */
import { types } from 'node:util'
import { type Bounds, describeBounds, isWholeNumber, members, reject } from '../base/check.js'
import { STORE_METHODS, type Store } from './store.js'

/**
 * What instances share: one store for all of them, such as {@link redisStore}, or one each. Default:
 * each instance has its own.
 */
export interface StoresOptions {
  /** DPoP proofs that were used. Without it, a proof can be used once on each instance. */
  replay?: Store

  /** Revocations (`revoke()`). Without it, they hold in one process, and until it ends. */
  revocations?: Store

  /**
   * What issuers said of tokens that are active (`introspection`). Without it, each instance asks for
   * itself. Needs {@link StoresOptions.sealingSecret}, without which it can be neither read nor forged. It is
   * waited for at most half a second, and then, or if it fails, the issuer is asked.
   */
  introspection?: Store

  /**
   * What introspection answers are sealed with, the same on every instance: 32 bytes or more, of a
   * random generator. Instances with another one share nothing with these: it may be changed at any
   * time. Required with {@link StoresOptions.introspection}, and refused without.
   */
  sealingSecret?: string | Uint8Array
}

/** Checked. */
export interface ResolvedStores {
  readonly replay: Store | undefined
  readonly revocations: Store | undefined
  readonly introspection: { readonly store: Store; readonly secret: Uint8Array } | undefined
}

const USES = ['replay', 'revocations', 'introspection'] as const satisfies (keyof StoresOptions)[]
const MIN_SECRET_BYTES = 32

/** @throws {TypeError} that names the option and the fix. */
export function resolveStores(given: StoresOptions = {}): ResolvedStores {
  const stores = members(
    'stores',
    given,
    [...USES, 'sealingSecret'],
    `must be an object that names a store for some of ${USES.join(', ')}, such as { replay: store }`,
  )
  const [replay, revocations, introspection] = USES.map((use) => storeOf(use, stores[use]))
  const secret = secretFor(introspection, stores.sealingSecret)
  return Object.freeze({
    replay,
    revocations,
    introspection: introspection && secret && Object.freeze({ store: introspection, secret }),
  })
}

function secretFor(introspection: Store | undefined, secret: unknown): Uint8Array | undefined {
  if (introspection === undefined) {
    if (secret === undefined) return undefined
    return reject('stores.sealingSecret', 'has no effect without "stores.introspection"')
  }
  const isText = typeof secret === 'string' || types.isUint8Array(secret)
  // A copy, so that the application cannot change it.
  const bytes = isText ? Buffer.from(secret as string) : undefined
  if (bytes !== undefined && bytes.length >= MIN_SECRET_BYTES) return bytes
  return reject(
    'stores.sealingSecret',
    `must be ${MIN_SECRET_BYTES} random bytes or more, the same on every instance: "stores.introspection" is sealed with it`,
  )
}

const CALL_TIMEOUT: Bounds = { minimum: 10, maximum: 600_000, unit: 'milliseconds' }

function storeOf(use: string, store: Store | undefined): Store | undefined {
  if (store === undefined) return store
  if (isStore(store)) {
    const { callTimeout } = store
    if (callTimeout === undefined || isWholeNumber(callTimeout, CALL_TIMEOUT)) return store
    return reject(`stores.${use}.callTimeout`, describeBounds(CALL_TIMEOUT))
  }
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
