/** A store as an operator may ask about it: whether its last call succeeded. */

import type { Store, StoredRevocation } from './store.js'
import { DEFAULT_CALL_TIMEOUT_MS, subscribeWithinTimeout, withinTimeout } from './store-deadline.js'
import { loggable, StoreError } from './store-error.js'

/** How one of the stores of `stores` is doing, on this instance. */
export interface StoreStatus {
  /** Which of the stores of the option `stores` it is. */
  readonly use: 'replay' | 'revocations' | 'introspection'
  /** `unused`: it wasn't asked yet. `unavailable`: the last call failed. */
  readonly state: 'unused' | 'available' | 'unavailable'
  /**
   * Which requests are answered with 503 because of it now: `all` until the revocations are known,
   * `proofs` while it can't be asked about DPoP proofs. A readiness probe looks at `all`: an outage of
   * `proofs` concerns every instance alike, and bearer tokens are served.
   */
  readonly rejects: 'none' | 'proofs' | 'all'
  /** Revocations that it wasn't told of yet. */
  readonly pending: number
  /** Why the last call failed; `undefined` if it succeeded. */
  readonly lastError: string | undefined
}

export class StoreHealth {
  #state: StoreStatus['state'] = 'unused'
  #lastError: string | undefined

  get state(): StoreStatus['state'] {
    return this.#state
  }

  get lastError(): string | undefined {
    return this.#lastError
  }

  /**
   * Returns what the call returns, and notes how it ends.
   *
   * @throws {StoreError} in place of what the call throws.
   */
  async observe<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      this.#state = 'available'
      this.#lastError = undefined
      return result
    } catch (thrown) {
      const error = new StoreError(thrown)
      this.#state = 'unavailable'
      this.#lastError = error.message
      throw error
    }
  }
}

/**
 * The same store, whose errors may be logged and whose calls end in time. Messages tell nothing of its
 * health: they may be lost at any time. `get`, `set` and `delete` have no deadline here: their caller
 * has one of its own, and counts the calls that the store hasn't settled.
 */
export function observedStore(store: Store, health: StoreHealth): Store {
  const timeoutMs = store.callTimeout ?? DEFAULT_CALL_TIMEOUT_MS
  const timed = <T>(call: () => Promise<T>) => health.observe(() => withinTimeout(timeoutMs, call))
  return {
    add: (...args) => timed(async () => store.add(...args)),
    get: (...args) => health.observe(() => store.get(...args)),
    set: (...args) => health.observe(() => store.set(...args)),
    delete: (...args) => health.observe(() => store.delete(...args)),
    mergeRevocations: (...args) => timed(async () => store.mergeRevocations(...args)),
    revocationsSince: (...args) => timed(async () => store.revocationsSince(...args)),
    listRevocations: () => timedSlices(store, timed),
    publish: (...args) =>
      loggable(() => withinTimeout(timeoutMs, async () => store.publish(...args))),
    subscribe: (...args) =>
      loggable(() => subscribeWithinTimeout(timeoutMs, async () => store.subscribe(...args))),
    declareMaxTtl: (longest) => store.declareMaxTtl?.(longest),
    isProcessLocal: store.isProcessLocal === true,
  }
}

async function* timedSlices(
  store: Store,
  timed: <T>(call: () => Promise<T>) => Promise<T>,
): AsyncGenerator<readonly StoredRevocation[]> {
  const slices = slicesOf(store)
  try {
    for (;;) {
      const { done, value } = await timed(() => slices.next())
      if (done === true) return
      yield value
    }
  } finally {
    // Not awaited: a generator that hangs in a slice never returns.
    slices.return(undefined).catch(() => {})
  }
}

/** A generator of ours, because the store may throw at once. */
async function* slicesOf(store: Store): AsyncGenerator<readonly StoredRevocation[], undefined> {
  yield* store.listRevocations()
}
