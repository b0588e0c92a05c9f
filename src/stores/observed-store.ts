/**
 * Wraps a store: limits the time of its calls, makes its errors safe to log, and records whether
 * the last call succeeded, for readiness probes.
 */

import type { Store, StoredRevocation } from './store.js'
import { DEFAULT_CALL_TIMEOUT_MS, subscribeWithinTimeout, withinTimeout } from './store-deadline.js'
import { loggable, StoreError } from './store-error.js'

/** State of one of the stores of the option `stores`, as this instance sees it. */
export interface StoreStatus {
  /** The member of the option `stores` that names this store. */
  readonly use: 'replay' | 'revocations' | 'introspection'
  /**
   * `unused`: no call has finished yet. `available`: the last call succeeded. `unavailable`: the
   * last call failed. Messages (`publish` and `subscribe`) do not count.
   */
  readonly state: 'unused' | 'available' | 'unavailable'
  /**
   * Requests that currently get a 503 because of this store. `all`: the revocations are not loaded
   * yet, and `revocations.untilLoaded` is `'reject'`; or the replay store is unavailable,
   * `dpop.replay.whenUnavailable` is `'reject'` and `dpop.mode` is `'required'`. `proofs`: requests
   * with a DPoP proof, as above with the mode `'allowed'`, where bearer tokens are still accepted.
   */
  readonly rejects: 'none' | 'proofs' | 'all'
  /** Number of revocations that are not known to be in this store; 0 for the other uses. */
  readonly pending: number
  /** Error message of the last call; `undefined` if that call succeeded or none has finished. */
  readonly lastError: string | undefined
}

/** Receives the result of each call of a store. Must not throw. */
export interface CallObserver {
  failed(error: StoreError): void
  succeeded(): void
}

export class StoreHealth {
  readonly #observer: CallObserver | undefined
  #state: StoreStatus['state'] = 'unused'
  #lastError: string | undefined

  constructor(observer?: CallObserver) {
    this.#observer = observer
  }

  get state(): StoreStatus['state'] {
    return this.#state
  }

  get lastError(): string | undefined {
    return this.#lastError
  }

  /**
   * Returns the result of the call, and records whether the call succeeded.
   *
   * @throws {StoreError} a loggable copy of any error of the call.
   */
  async observe<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      this.#state = 'available'
      this.#lastError = undefined
      this.#observer?.succeeded()
      return result
    } catch (thrown) {
      const error = new StoreError(thrown)
      this.#state = 'unavailable'
      this.#lastError = error.message
      this.#observer?.failed(error)
      throw error
    }
  }
}

/**
 * Returns a wrapper of the store: its errors are safe to log, and its calls have a deadline.
 * `publish` and `subscribe` do not affect the health, because messages may be lost at any time.
 *
 * @param limitsEntries whether `get`, `set` and `delete` have a deadline as well. The introspection
 *   cache sets a shorter one, and limits the number of unsettled calls.
 */
export function observedStore(store: Store, health: StoreHealth, limitsEntries: boolean): Store {
  const timeoutMs = store.callTimeout ?? DEFAULT_CALL_TIMEOUT_MS
  const timed = <T>(call: () => Promise<T>) => health.observe(() => withinTimeout(timeoutMs, call))
  const timedEntry: typeof timed = (call) => (limitsEntries ? timed(call) : health.observe(call))
  return {
    add: (...args) => timed(async () => store.add(...args)),
    get: (...args) => timedEntry(async () => store.get(...args)),
    set: (...args) => timedEntry(async () => store.set(...args)),
    delete: (...args) => timedEntry(async () => store.delete(...args)),
    mergeRevocations: (...args) => timed(async () => store.mergeRevocations(...args)),
    revocationsSince: (...args) => timed(async () => store.revocationsSince(...args)),
    listRevocations: () => timedSlices(store, timed),
    publish: (...args) =>
      loggable(() => withinTimeout(timeoutMs, async () => store.publish(...args))),
    subscribe: (...args) =>
      loggable(() => subscribeWithinTimeout(timeoutMs, async () => store.subscribe(...args))),
    declareMaxTtl: (maxTtl) => store.declareMaxTtl?.(maxTtl),
    isProcessLocal: store.isProcessLocal === true,
  }
}

async function* timedSlices(
  store: Store,
  timed: <T>(call: () => Promise<T>) => Promise<T>,
): AsyncGenerator<readonly StoredRevocation[]> {
  const slices = listSlices(store)
  try {
    for (;;) {
      const { done, value } = await timed(() => slices.next())
      if (done === true) return
      yield value
    }
  } finally {
    // Not awaited: return() waits for the slice in progress, which may never settle.
    slices.return(undefined).catch(() => {})
  }
}

/** Turns a synchronous exception of `listRevocations` into a rejection. */
async function* listSlices(store: Store): AsyncGenerator<readonly StoredRevocation[], undefined> {
  yield* store.listRevocations()
}
