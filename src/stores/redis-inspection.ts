/**
 * Reads INFO once a second while Redis is used: its version, and whether it forgets
 * entries to make room. An attacker who can cause evictions could use every proof twice.
 */
import type { RedisCommands } from './redis-commands.js'

export interface RedisState {
  /** The major version; `NaN` if it doesn't say. */
  readonly version: number
  /** How many entries it has forgotten so far, to make room. */
  readonly evicted: string
}

/** In milliseconds. */
const VALID_FOR = 1_000

export class RedisInspection {
  readonly #commands: RedisCommands
  #state: Promise<RedisState> | undefined
  #validUntil = Number.NEGATIVE_INFINITY

  constructor(commands: RedisCommands) {
    this.#commands = commands
  }

  /** @throws if it may forget entries to make room. */
  state(): Promise<RedisState> {
    if (this.#state !== undefined && performance.now() < this.#validUntil) return this.#state
    // While it is under way.
    this.#validUntil = Number.POSITIVE_INFINITY
    this.#state = this.#inspect()
    this.#state.then(
      () => this.#validFor(VALID_FOR),
      () => this.#validFor(0),
    )
    return this.#state
  }

  /** There may be another server now. What is under way is about that one. */
  forget(): void {
    if (this.#validUntil !== Number.POSITIVE_INFINITY) this.#validFor(0)
  }

  #validFor(milliseconds: number): void {
    this.#validUntil = performance.now() + milliseconds
  }

  async #inspect(): Promise<RedisState> {
    const info = String(await this.#commands.send(['INFO']))
    const mayEvict = /^maxmemory:(?!0\b)/m.test(info) && !/^maxmemory_policy:noeviction/m.test(info)
    if (mayEvict) {
      throw new Error('Redis may forget entries to make room: set "maxmemory-policy noeviction"')
    }
    const version = Number(/^redis_version:(\d+)/m.exec(info)?.[1])
    const evicted = /^evicted_keys:(\d+)/m.exec(info)?.[1]
    if (evicted === undefined) throw new Error('Redis does not say what it has evicted')
    return { version, evicted }
  }
}
