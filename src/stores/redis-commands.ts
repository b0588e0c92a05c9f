/**
 * Sends commands to a Redis that may be unreachable or slow. Each command has a deadline, and none
 * is queued in the client, where it would take memory and run after its caller has given up.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisConnection } from './redis-client.js'

export class RedisCommands {
  readonly #connection: RedisConnection
  readonly #timeoutMs: number
  readonly #ready: Promise<void>
  /** The wait for the first connection, which the application may still be making. */
  #connecting: Promise<unknown> | undefined
  #hasWaited = false
  /** Commands whose deadline has passed, and to which Redis has not replied. */
  #overdue = new Set<Promise<unknown>>()

  /** @param timeoutMs deadline of each command, in milliseconds. */
  constructor(connection: RedisConnection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    this.#ready = new Promise((resolve) => connection.onReady(resolve))
    // A new set per connection: the client may never settle commands of a lost one.
    connection.onReady(() => {
      this.#overdue = new Set()
    })
  }

  /** @throws if Redis replies with an error, does not reply in time or is not connected. */
  async send(command: readonly [string, ...string[]]): Promise<unknown> {
    if (!this.#connection.isReady()) await this.#waitForConnection()
    // Replies arrive in order, so this one would wait for the overdue ones.
    const overdue = this.#overdue
    if (overdue.size > 0) throw new Error('Redis has not replied to an earlier command')
    const reply = this.#connection.send(command)
    return this.#withDeadline(reply, () => {
      overdue.add(reply)
      const settled = () => overdue.delete(reply)
      reply.then(settled, settled)
    })
  }

  #waitForConnection(): Promise<unknown> {
    if (this.#hasWaited) return Promise.reject(new Error('Redis is not connected'))
    this.#connecting ??= this.#withDeadline(this.#ready).finally(() => {
      this.#hasWaited = true
    })
    return this.#connecting
  }

  #withDeadline(reply: Promise<unknown>, onDeadline = () => {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const expire = () => {
        onDeadline()
        reject(new Error(`Redis did not reply within ${this.#timeoutMs} ms`))
      }
      const stopDeadline = startDeadline(this.#timeoutMs, expire, { keepsAlive: true })
      reply.then(resolve, reject)
      reply.then(stopDeadline, stopDeadline)
    })
  }
}
