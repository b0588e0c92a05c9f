/**
 * Reads INFO at most once a second while Redis is used: its version, and whether it may evict
 * entries. An attacker who can cause evictions could replay DPoP proofs.
 */
import type { RedisCommands } from './redis-commands.js'

export interface RedisState {
  /** The major version; `NaN` if INFO lacks it. */
  readonly version: number
  /** Number of entries evicted so far, in decimal digits. */
  readonly evicted: string
}

const STATE_TTL_MS = 1_000

export class RedisInspection {
  readonly #commands: RedisCommands
  #state: Promise<RedisState> | undefined
  #validUntil = Number.NEGATIVE_INFINITY

  constructor(commands: RedisCommands) {
    this.#commands = commands
  }

  /** @throws if Redis may evict entries, or its INFO lacks the number of evicted ones. */
  state(): Promise<RedisState> {
    if (this.#state !== undefined && performance.now() < this.#validUntil) return this.#state
    // Single flight.
    this.#validUntil = Number.POSITIVE_INFINITY
    this.#state = this.#inspect()
    this.#state.then(
      () => this.#keepFor(STATE_TTL_MS),
      () => this.#keepFor(0),
    )
    return this.#state
  }

  /**
   * Drops the cached state, because a new connection may be to another server. An INFO in flight is
   * kept: either the new server replies to it, or it fails.
   */
  invalidate(): void {
    if (this.#validUntil !== Number.POSITIVE_INFINITY) this.#keepFor(0)
  }

  #keepFor(milliseconds: number): void {
    this.#validUntil = performance.now() + milliseconds
  }

  async #inspect(): Promise<RedisState> {
    const info = String(await this.#commands.send(['INFO']))
    const mayEvict = /^maxmemory:(?!0\b)/m.test(info) && !/^maxmemory_policy:noeviction/m.test(info)
    if (mayEvict) {
      throw new Error('Redis may evict entries: set "maxmemory-policy noeviction"')
    }
    const version = Number(/^redis_version:(\d+)/m.exec(info)?.[1])
    const evicted = /^evicted_keys:(\d+)/m.exec(info)?.[1]
    if (evicted === undefined) {
      throw new Error('INFO lacks evicted_keys: use Redis 7 or later, or Valkey')
    }
    return { version, evicted }
  }
}
