/**
 * Commands to a Redis that may be away, hanging or slow: each has a deadline, and none is put on a
 * client's waiting list, where it would take memory and be executed after its caller has given up.
 */
import { startDeadline } from '../base/deadline-timer.js'
import type { RedisConnection } from './redis-client.js'

export class RedisCommands {
  readonly #connection: RedisConnection
  readonly #timeout: number
  readonly #ready: Promise<void>
  /** At the start of a process the connection is being made, and is worth waiting for: once. */
  #start: Promise<unknown> | undefined
  #started = false
  /** Commands whose deadline passed, and that the connection still waits for. */
  #overdue = new Set<Promise<unknown>>()

  /** @param timeout for each command, in milliseconds. */
  constructor(connection: RedisConnection, timeout: number) {
    this.#connection = connection
    this.#timeout = timeout
    this.#ready = new Promise((resolve) => connection.onReady(resolve))
    // What a lost connection was asked may never be settled: the next one has a set of its own.
    connection.onReady(() => {
      this.#overdue = new Set()
    })
  }

  /** @throws whatever Redis answers, or that it doesn't. */
  async send(command: readonly [string, ...string[]]): Promise<unknown> {
    if (!this.#connection.isReady()) await this.#waitAtStart()
    // Answers come in order: this one would wait behind that of the other.
    const overdue = this.#overdue
    if (overdue.size > 0) throw new Error('Redis does not answer')
    const reply = this.#connection.send(command)
    return this.#within(reply, () => {
      overdue.add(reply)
      const settled = () => overdue.delete(reply)
      reply.then(settled, settled)
    })
  }

  #waitAtStart(): Promise<unknown> {
    if (this.#started) return Promise.reject(new Error('Redis is not connected'))
    this.#start ??= this.#within(this.#ready).finally(() => {
      this.#started = true
    })
    return this.#start
  }

  #within(reply: Promise<unknown>, onDeadline = () => {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const expire = () => {
        onDeadline()
        reject(new Error(`Redis gave no answer within ${this.#timeout} ms`))
      }
      const stopDeadline = startDeadline(this.#timeout, expire, { keepsAlive: true })
      reply.then(resolve, reject)
      reply.then(stopDeadline, stopDeadline)
    })
  }
}
