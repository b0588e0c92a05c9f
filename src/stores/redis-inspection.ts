/**
 * Reads the version of Redis and its eviction policy with INFO, and caches them for a second.
 * Rejects a Redis that may evict entries: an attacker who can cause evictions could replay DPoP
 * proofs.
 */
import type { RedisCommands } from './redis-commands.js'

export interface RedisState {
  /** Major version of Redis; `NaN` if INFO lacks it. */
  readonly version: number
  /** Number of keys that this server has evicted since its start, in decimal digits. */
  readonly evicted: string
}

/** Inspects the server on which entries are stored. */
export interface Inspection {
  /**
   * Returns the cached state, or reads it.
   *
   * @throws if INFO fails or lacks the number of evicted keys, or if Redis may evict entries.
   */
  state(): Promise<RedisState>
  /** Records the `run_id` of the server that sent the latest reply. */
  sawServer(runId: string): void
  /** Drops the cached state, because a new connection may lead to another server. */
  invalidate(): void
}

/** How long a state is cached, in milliseconds. */
export const STATE_TTL_MS = 1_000

/** Inspects the server of a client for one server. */
export class RedisInspection implements Inspection {
  readonly #commands: RedisCommands
  #state: Promise<RedisState> | undefined
  #validUntil = Number.NEGATIVE_INFINITY

  constructor(commands: RedisCommands) {
    this.#commands = commands
  }

  state(): Promise<RedisState> {
    if (this.#state !== undefined && performance.now() < this.#validUntil) return this.#state
    // Single flight: the promise stays cached until INFO has settled.
    this.#validUntil = Number.POSITIVE_INFINITY
    this.#state = this.#inspect()
    this.#state.then(
      () => this.#keepFor(STATE_TTL_MS),
      () => this.#keepFor(0),
    )
    return this.#state
  }

  sawServer(): void {}

  /** Keeps an INFO in flight: either the new server replies to it, or the INFO fails. */
  invalidate(): void {
    if (this.#validUntil !== Number.POSITIVE_INFINITY) this.#keepFor(0)
  }

  #keepFor(milliseconds: number): void {
    this.#validUntil = performance.now() + milliseconds
  }

  async #inspect(): Promise<RedisState> {
    return stateIn(String(await this.#commands.send(['INFO'])))
  }
}

/**
 * Returns the state in a reply to INFO.
 *
 * @throws if the reply lacks the number of evicted keys, or if Redis may evict entries.
 */
export function stateIn(info: string): RedisState {
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
