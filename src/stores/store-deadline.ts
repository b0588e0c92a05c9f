/**
 * Sets deadlines for store calls. Requests and the exchange of revocations wait for these calls,
 * and a store that never settles a call must not block them.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { Unsubscribe } from './store.js'

/** Default of a store's `callTimeout`, in milliseconds. */
export const DEFAULT_CALL_TIMEOUT_MS = 5_000

/**
 * Returns the result of the call.
 *
 * @throws the error of the call, or another error if the call has not settled after `timeoutMs`.
 */
export function withinTimeout<T>(timeoutMs: number, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new Error(`store call did not settle within ${timeoutMs} ms`))
    const stopDeadline = startDeadline(timeoutMs, expire, { keepsAlive: true })
    call().then(resolve, reject).finally(stopDeadline)
  })
}

/**
 * Subscribes with a deadline. Ends a subscription that is made after the deadline.
 *
 * @throws the error of `subscribe`, or another error if it has not settled after `timeoutMs`.
 */
export async function subscribeWithinTimeout(
  timeoutMs: number,
  subscribe: () => Promise<Unsubscribe>,
): Promise<Unsubscribe> {
  const subscribing = subscribe()
  try {
    return await withinTimeout(timeoutMs, () => subscribing)
  } catch (error) {
    subscribing.then((unsubscribe) => unsubscribe()).catch(() => {})
    throw error
  }
}
