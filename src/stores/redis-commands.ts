/**
 * Sends commands to a Redis that may be unreachable or slow. Each command has a deadline. Without a
 * connection, commands fail instead of being queued in the client, where they would take memory and
 * run after their callers have given up. Only for the first connection do they wait, until the
 * deadline.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisConnection } from './redis-client.js'

export class RedisCommands {
  readonly #connection: RedisConnection
  readonly #timeoutMs: number
  readonly #ready: Promise<void>
  /**
   * Commands share one wait for the first connection, which the application may still be opening.
   * Later commands without a connection fail immediately.
   */
  #connecting: Promise<unknown> | undefined
  #hasWaited = false
  /** Commands whose deadline has passed and to which Redis has not replied yet. */
  #overdue = new Set<Promise<unknown>>()

  /** @param timeoutMs deadline of each command, in milliseconds. */
  constructor(connection: RedisConnection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    this.#ready = new Promise((resolve) => connection.onReady(resolve))
    // Creates a new set for each connection, because the client may never settle the commands of a
    // lost connection.
    connection.onReady(() => {
      this.#overdue = new Set()
    })
  }

  /**
   * Returns the reply.
   *
   * @throws if Redis replies with an error, does not reply in time, is not connected, or has not
   *   yet replied to an earlier command whose deadline has passed.
   */
  async send(command: readonly [string, ...string[]]): Promise<unknown> {
    if (!this.#connection.isReady()) {
      await this.#waitForConnection()
      // The connection may already be lost again. The Redis client would then queue the command.
      if (!this.#connection.isReady()) throw notConnected()
    }
    // Redis replies in order, so the reply to this command would wait for the overdue replies.
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
    if (this.#hasWaited) return Promise.reject(notConnected())
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

function notConnected(): Error {
  return new Error('Redis is not connected')
}
