/**
 * A subscription on a dedicated connection, which Redis requires. It survives reconnections, and
 * reports each, because messages may have been lost.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisConnection, RedisSubscriber } from './redis-client.js'
import type { Unsubscribe } from './store.js'

export interface RedisSubscriptionOptions {
  readonly channel: string
  readonly onMessage: (message: string) => void
  readonly onReconnect: () => void
  /** Deadline for connecting and subscribing, in milliseconds. */
  readonly timeoutMs: number
}

/** Resolves once messages arrive. If it rejects, the connection is closed. */
export function subscribeTo(
  connection: RedisConnection & RedisSubscriber,
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
    const expire = () => fail(new Error(`SUBSCRIBE timed out after ${timeoutMs} ms`))
    const stopDeadline = startDeadline(timeoutMs, expire, { keepsAlive: true })
    const deliver = (message: string) => {
      // A message in flight may arrive after the end.
      if (state === 'subscribed') onMessage(message)
    }
    connection.onReady(() => {
      // The client resubscribes by itself.
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
