/** Ends calls to a store that never answers: requests, and news of revocations, wait for them. */
import { startDeadline } from '../base/deadline-timer.js'
import type { Unsubscribe } from './store.js'

/** For a store that sets no `callTimeout`. */
export const DEFAULT_CALL_TIMEOUT_MS = 5_000

/** Returns what the call returns. @throws whatever it throws, or an error when the time is over. */
export function withinTimeout<T>(timeoutMs: number, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new Error(`the store gave no answer within ${timeoutMs} ms`))
    const stopDeadline = startDeadline(timeoutMs, expire, { keepsAlive: true })
    call().then(resolve, reject).finally(stopDeadline)
  })
}

/** The same for a subscription. One that comes after the deadline is ended. */
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
