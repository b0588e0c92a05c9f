/** Defines and validates the option `stores`: the stores for the state that instances share. */
import { types } from 'node:util'
import { type Bounds, describeBounds, isWholeNumber, members, reject } from '../base/check.js'
import { STORE_METHODS, type Store } from './store.js'

/**
 * Stores for the state that instances share. One store, such as a {@link redisStore}, may serve
 * several uses. Without a store for a use, each instance keeps its own state in memory.
 *
 * @example
 * ```ts
 * const store = redisStore({ client })
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: 'required',
 *   stores: { replay: store, revocations: store },
 * })
 * ```
 */
export interface StoresOptions {
  /**
   * Replay cache of DPoP proofs (RFC 9449 §11.1). Default: a cache in memory, with which a proof is
   * accepted once by each instance.
   */
  replay?: Store

  /**
   * Store of the revocations (`revoke()`). Default: memory, where a revocation applies to one
   * process and is lost when that process ends.
   */
  revocations?: Store

  /**
   * Store of introspection responses for active tokens (`introspection`). Requires
   * {@link StoresOptions.sealingSecret}, which encrypts and authenticates the entries. If a call
   * fails or takes longer than 500 ms, the instance introspects the token itself. Default: none;
   * instances share no responses.
   */
  introspection?: Store

  /**
   * Secret that encrypts and authenticates introspection responses in the store: at least 32 random
   * bytes, the same on every instance. Instances with different secrets do not share responses, so
   * the secret can be rotated at any time. Required with {@link StoresOptions.introspection};
   * without that option, a secret is an error.
   */
  sealingSecret?: string | Uint8Array
}

/** Validated {@link StoresOptions}. */
export interface ResolvedStores {
  readonly replay: Store | undefined
  readonly revocations: Store | undefined
  readonly introspection: { readonly store: Store; readonly secret: Uint8Array } | undefined
}

const USES = ['replay', 'revocations', 'introspection'] as const satisfies (keyof StoresOptions)[]
const MIN_SECRET_BYTES = 32

/**
 * Validates the option `stores`.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveStores(given: StoresOptions = {}): ResolvedStores {
  const stores = members(
    'stores',
    given,
    [...USES, 'sealingSecret'],
    `must be an object with a store for one or more of ${USES.join(', ')}, ` +
      'such as { replay: store }',
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
  // Copied, so that the application cannot change the secret later.
  const bytes = isText ? Buffer.from(secret as string) : undefined
  if (bytes !== undefined && bytes.length >= MIN_SECRET_BYTES) return bytes
  return reject(
    'stores.sealingSecret',
    `must be ${MIN_SECRET_BYTES} random bytes or more, the same on every instance: it encrypts the entries of "stores.introspection"`,
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
    `must be a store, such as redisStore({ client }): an object with the methods ${STORE_METHODS.join(', ')}`,
  )
}

function isStore(store: unknown): store is Store {
  if (typeof store !== 'object' || store === null) return false
  const found = store as Record<string, unknown>
  return STORE_METHODS.every((method) => typeof found[method] === 'function')
}
