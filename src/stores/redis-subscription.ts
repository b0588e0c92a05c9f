/** A subscription on a connection of its own, as Redis wants it, that outlives the connection. */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisConnection, RedisSubscriber } from './redis-client.js'
import type { Unsubscribe } from './store.js'

export interface RedisSubscriptionOptions {
  readonly channel: string
  readonly onMessage: (message: string) => void
  readonly onReconnect: () => void
  /** Until the first message can arrive, in milliseconds. */
  readonly timeout: number
}

/** Resolves once messages arrive; after it rejected, nothing is left of it. */
export function subscribeTo(
  connection: RedisConnection & RedisSubscriber,
  { channel, onMessage, onReconnect, timeout }: RedisSubscriptionOptions,
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
    const expire = () => fail(new Error('Redis takes no subscription'))
    const stopDeadline = startDeadline(timeout, expire, { keepsAlive: true })
    const hear = (message: string) => {
      // What was under way when it ended still arrives.
      if (state === 'subscribed') onMessage(message)
    }
    connection.onReady(() => {
      // The client subscribes again by itself.
      if (state === 'subscribed') onReconnect()
      if (state !== 'waiting') return
      state = 'subscribed'
      connection.subscribe(channel, hear).then(() => {
        stopDeadline()
        resolve(async () => end())
      }, fail)
    })
    connection.connect()
  })
}
