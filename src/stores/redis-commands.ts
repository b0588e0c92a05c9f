/**
 * Sends commands to a Redis that may be unreachable or slow. Each command has a deadline. Without a
 * connection, commands fail instead of being queued in the client, where they would take memory and
 * run after their callers have given up. Only for the first connection do they wait, until the
 * deadline.
 *
 * With a Cluster, the commands of one object must be for one slot, because a master that hangs must
 * not affect commands for the other masters.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisCommand, RedisConnection } from './redis-connection.js'
import { withLastError } from './redis-error.js'

/** How long commands fail after a deadline has passed, unless an overdue reply arrives. */
const RETRY_DELAY_MS = 1_000

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
  /** Monotonic time at which one command may be sent although others are overdue. */
  #retryAt = Number.POSITIVE_INFINITY

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
  send(command: RedisCommand): Promise<unknown> {
    if (this.#connection.isReady()) return this.#sendNow(command)
    return this.#waitForConnection().then(() => {
      // The connection may already be lost again. The Redis client would then queue the command.
      if (!this.#connection.isReady()) throw this.#notConnected()
      return this.#sendNow(command)
    })
  }

  #sendNow(command: RedisCommand): Promise<unknown> {
    const overdue = this.#overdue
    const isRetry = overdue.size > 0
    if (isRetry && !this.#mayRetry()) {
      return Promise.reject(new Error('Redis has not replied to an earlier command'))
    }
    const reply = this.#connection.send(command)
    const settled = this.#withDeadline(reply, () => {
      this.#retryAt = performance.now() + RETRY_DELAY_MS
      overdue.add(reply)
      const forget = () => overdue.delete(reply)
      reply.then(forget, forget)
    })
    // The overdue commands wait on another connection, which may never reply.
    if (isRetry) reply.finally(() => overdue.clear()).catch(() => {})
    return settled
  }

  /**
   * Whether a command may be sent although others are overdue. On one connection, it would wait for
   * the overdue replies. A client with several connections may have replaced the one that hangs, so
   * one command per second finds out.
   */
  #mayRetry(): boolean {
    const now = performance.now()
    if (this.#connection.isOneConnection || !(now >= this.#retryAt)) return false
    this.#retryAt = now + RETRY_DELAY_MS
    return true
  }

  #waitForConnection(): Promise<unknown> {
    if (this.#hasWaited) return Promise.reject(this.#notConnected())
    this.#connecting ??= this.#withDeadline(this.#ready)
      .catch((error) => {
        throw this.#connection.lastError === undefined ? error : this.#notConnected()
      })
      .finally(() => {
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
      reply.then(
        (value) => {
          stopDeadline()
          resolve(value)
        },
        (error) => {
          stopDeadline()
          reject(error)
        },
      )
    })
  }

  #notConnected(): Error {
    return new Error(withLastError('Redis is not connected', this.#connection.lastError))
  }
}
