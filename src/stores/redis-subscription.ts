/**
 * Subscribes to a channel on a dedicated connection, which Redis requires. The subscription
 * survives reconnections, and reports each of them, because messages may have been lost.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisSubscriber } from './redis-connection.js'
import { withLastError } from './redis-error.js'
import type { Unsubscribe } from './store.js'

export interface RedisSubscriptionOptions {
  readonly channel: string
  readonly onMessage: (message: string) => void
  readonly onReconnect: () => void
  /** Deadline for connecting and subscribing, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * Subscribes to the channel. Resolves, once Redis has confirmed the subscription, to a function
 * that ends it. Closes the connection if subscribing fails.
 *
 * @throws if the connection is not subscribed within `timeoutMs`, or if Redis replies with an
 *   error.
 */
export function subscribeTo(
  connection: RedisSubscriber,
  { channel, onMessage, onReconnect, timeoutMs }: RedisSubscriptionOptions,
): Promise<Unsubscribe> {
  return new Promise((resolve, reject) => {
    let state: 'waiting' | 'subscribed' | 'ended' = 'waiting'
    const end = () => {
      state = 'ended'
      stopDeadline()
      connection.end()
    }
    const fail = (error: unknown) => {
      end()
      reject(error)
    }
    const expire = () => {
      const timedOut = `SUBSCRIBE timed out after ${timeoutMs} ms`
      fail(new Error(withLastError(timedOut, connection.lastError)))
    }
    const stopDeadline = startDeadline(timeoutMs, expire, { keepsAlive: true })
    const deliver = (message: string) => {
      // A message in flight may arrive after the subscription has ended.
      if (state === 'subscribed') onMessage(message)
    }
    connection.onReady(() => {
      // The client has reconnected, and resubscribes by itself.
      if (state === 'subscribed') onReconnect()
      if (state !== 'waiting') return
      state = 'subscribed'
      connection.subscribe(channel, deliver).then(() => {
        stopDeadline()
        resolve(async () => end())
      }, fail)
    })
    connection.connect()
  })
}
