/** A store in Redis or Valkey, over a client that the application made. */
import { requireKnownKeys } from '../base/plain-object.js'
import { requireValue } from './redis-answer.js'
import { connectionOf, type RedisClient, type RedisConnection } from './redis-client.js'
import { RedisCommands } from './redis-commands.js'
import { RedisInspection } from './redis-inspection.js'
import { RedisOnce } from './redis-once.js'
import { RedisRevocations } from './redis-revocations.js'
import { subscribeTo } from './redis-subscription.js'
import type {
  RevocationChanges,
  RevocationToStore,
  Store,
  StoredRevocation,
  Unsubscribe,
} from './store.js'
import { wholeNumber } from './store.js'

/** The client, and how it is used. */
export interface RedisStoreOptions {
  /**
   * A client of ioredis, iovalkey or node-redis (`redis`), for one server or through Sentinel; a
   * Cluster is not supported. It stays yours: connect it, and close it after the server. A second
   * connection like it is made for messages.
   */
  client: RedisClient

  /**
   * What every key and channel begins with. APIs that are to know nothing of each other have
   * different ones. Letters, digits and `_ - . : { }`, 64 at most. Default `frs:`.
   */
  prefix?: string

  /** How long each command may take, in milliseconds. Default 500; from 10 to 30,000. */
  timeout?: number

  /**
   * What becomes of `add()`, which DPoP's memory of used proofs rests on, after Redis was restarted,
   * emptied, replaced by its replica or by another server, or was never used. `'reject'`: it rejects
   * what Redis doesn't know until everything that it may have forgotten is over, three minutes or so.
   * `'dangerouslyAccept'`: it goes on at once, which lets a proof be used twice unless every write was on the disk
   * before it was answered (`appendonly yes` and `appendfsync always`, and no replica that takes over).
   * Default `'reject'`.
   */
  afterRestart?: 'reject' | 'dangerouslyAccept'
}

/**
 * Redis 7 or later, or Valkey. Every command has a deadline; while Redis is away or hangs, it fails
 * at once. Heals by itself as soon as the client is connected again.
 *
 * @throws {TypeError} if an option is wrong.
 */
export function redisStore(options: RedisStoreOptions): Store {
  const keys = ['client', 'prefix', 'timeout', 'afterRestart']
  const known = requireKnownKeys('a Redis store', options, keys)
  const { client, prefix = 'frs:', timeout = 500, afterRestart = 'reject' } = known
  const connection = connectionOf(client)
  if (typeof prefix !== 'string' || !/^[\w.:{}-]{1,64}$/.test(prefix)) {
    throw new TypeError('"prefix" of a store must be 1 to 64 letters, digits and _ - . : { }')
  }
  if (afterRestart !== 'reject' && afterRestart !== 'dangerouslyAccept') {
    throw new TypeError(`"afterRestart" of a store must be 'reject' or 'dangerouslyAccept'`)
  }
  const bounds = { minimum: 10, maximum: 30_000, unit: 'milliseconds' }
  const deadline = wholeNumber('timeout', timeout, bounds)
  const commands = new RedisCommands(connection, deadline)
  const inspection = new RedisInspection(commands)
  const once =
    afterRestart === 'dangerouslyAccept'
      ? undefined
      : new RedisOnce(commands, inspection, `${prefix}server`)
  return new RedisStore({ connection, commands, prefix, deadline, inspection, once })
}

interface Parts {
  readonly connection: RedisConnection
  readonly commands: RedisCommands
  readonly prefix: string
  readonly deadline: number
  readonly inspection: RedisInspection
  /** Without it, what Redis says is believed. */
  readonly once: RedisOnce | undefined
}

/** In milliseconds. */
const LOOK_AGAIN_AFTER = 1_000
/** Of one call: a connection, `INFO`, `EVALSHA` and `EVAL`. */
const MAX_COMMANDS = 4
/** So that a command's own deadline, whose error says more, always passes first. */
const MARGIN_MS = 1_000

class RedisStore implements Store {
  readonly callTimeout: number
  readonly #parts: Parts
  readonly #revocations: RedisRevocations

  constructor(parts: Parts) {
    this.#parts = parts
    const { connection, commands, prefix, deadline, inspection } = parts
    this.callTimeout = MAX_COMMANDS * deadline + MARGIN_MS
    this.#revocations = new RedisRevocations(commands, prefix)
    connection.onReady(() => {
      inspection.forget()
      this.#look()
    })
  }

  declareMaxTtl(longest: number): void {
    const { connection, once } = this.#parts
    once?.declareMaxTtl(longest)
    if (connection.isReady()) this.#look()
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    const { commands, inspection, once } = this.#parts
    if (once !== undefined) return once.add(this.#key(key), value, wholeTtl(ttl))
    await inspection.state()
    // A client may send it again after a connection was lost, and is told then that it was there.
    const reply = await commands.send(['SET', this.#key(key), value, 'NX', 'PX', lasting(ttl)])
    return reply === 'OK'
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#parts.commands.send(['GET', this.#key(key)])
    return requireValue(value) ?? undefined
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    await this.#parts.commands.send(['SET', this.#key(key), value, 'PX', lasting(ttl)])
  }

  async delete(key: string): Promise<void> {
    await this.#parts.commands.send(['DEL', this.#key(key)])
  }

  mergeRevocations(revocations: readonly RevocationToStore[]): Promise<void> {
    return this.#revocations.merge(revocations)
  }

  revocationsSince(revision: string | undefined): Promise<RevocationChanges | undefined> {
    return this.#revocations.since(revision)
  }

  listRevocations(): AsyncIterable<readonly StoredRevocation[]> {
    return this.#revocations.list()
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#parts.commands.send(['PUBLISH', this.#key(channel), message])
  }

  subscribe(
    channel: string,
    onMessage: (message: string) => void,
    onReconnect: () => void,
  ): Promise<Unsubscribe> {
    const { connection, deadline } = this.#parts
    return subscribeTo(connection.duplicate(), {
      channel: this.#key(channel),
      onMessage,
      onReconnect,
      timeout: deadline,
    })
  }

  /** Until it is answered: one that is still loading what it kept is connected already. */
  #look(): void {
    const { connection, once } = this.#parts
    once?.look().catch(() => {
      if (connection.isReady()) setTimeout(() => this.#look(), LOOK_AGAIN_AFTER).unref()
    })
  }

  #key(key: string): string {
    return `${this.#parts.prefix}${key}`
  }
}

function lasting(ttl: number): string {
  return `${wholeTtl(ttl)}`
}

/** @throws {TypeError} for what is no time. */
function wholeTtl(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new TypeError('the end of an entry must be a time')
  return Math.max(1, Math.ceil(ttl))
}
