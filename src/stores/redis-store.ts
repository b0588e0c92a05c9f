/** Implements a store in Redis or Valkey, with a client that the application created. */
import { isPlainObject, requireKnownKeys } from '../base/plain-object.js'
import type { RedisClient } from './redis-client.js'
import { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import { connectionOf } from './redis-connections.js'
import { type RedisEntries, redisEntries } from './redis-entries.js'
import { RedisProbes } from './redis-probes.js'
import { requireValue } from './redis-reply.js'
import { type RedisRevocations, redisRevocations } from './redis-revocations.js'
import { subscribeTo } from './redis-subscription.js'
import type {
  RevocationChanges,
  RevocationToStore,
  Store,
  StoredRevocation,
  Unsubscribe,
} from './store.js'
import { wholeNumber } from './store.js'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * A client of ioredis, iovalkey or node-redis (`redis`): for one server, for Sentinel or for a
   * Cluster. A client with the option `keyPrefix`, or with `scaleReads` other than `master`, is an
   * error. The application connects the client, and closes it after the server. The store opens a
   * second connection for subscriptions.
   */
  client: RedisClient

  /**
   * Prefix of every key and channel: 1 to 64 letters, digits and `_ - . : { }`, with a Cluster
   * without `{ }`. APIs that must not share state need different prefixes. Default `frs:`.
   */
  prefix?: string

  /** Deadline of each command, in milliseconds. Default 500; 10 to 30,000. */
  timeout?: number

  /**
   * Behavior of `add()`, on which the replay cache of DPoP proofs relies, after Redis may have lost
   * entries: Redis was restarted, flushed, or replaced by a replica or another server, or is used
   * for the first time. `'reject'`: `add()` of an unknown entry rejects until every entry that may
   * have been lost has expired, by default after three minutes. `'dangerouslyAccept'`: `add()`
   * accepts an unknown entry immediately. A DPoP proof can then be replayed, unless Redis persists
   * every write before it replies (`appendonly yes` and `appendfsync always`) and never fails over
   * to a replica. Default `'reject'`.
   */
  afterRestart?: 'reject' | 'dangerouslyAccept'
}

/**
 * Creates a store in Redis 7 or later, or Valkey. Every command has a deadline (`timeout`). While
 * the client is disconnected, or an earlier command is overdue, calls fail immediately. Calls
 * are sent again as soon as the client has reconnected or the overdue reply has arrived.
 *
 * @throws {TypeError} if an option is invalid or unknown.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   dpop: 'required',
 *   stores: { replay: redisStore({ client, prefix: 'orders:' }) },
 * })
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  const keys = ['client', 'prefix', 'timeout', 'afterRestart']
  if (!isPlainObject(options)) {
    throw new TypeError('redisStore() requires { client }, with a Redis client that you create')
  }
  const known = requireKnownKeys('a Redis store', options, keys, EQUIVALENTS)
  const { client, prefix = 'frs:', timeout = 500, afterRestart = 'reject' } = known
  const connection = connectionOf(client)
  if (typeof prefix !== 'string' || !/^[\w.:{}-]{1,64}$/.test(prefix)) {
    throw new TypeError('"prefix" of a store must be 1 to 64 letters, digits and _ - . : { }')
  }
  if (afterRestart !== 'reject' && afterRestart !== 'dangerouslyAccept') {
    throw new TypeError(`"afterRestart" of a store must be 'reject' or 'dangerouslyAccept'`)
  }
  // Such a prefix would put all keys into one slot, or each key into a slot of its own.
  if (connection.isCluster && /[{}]/.test(prefix)) {
    throw new TypeError(
      '"prefix" of a store in a Cluster must have no { }: the store adds hash tags',
    )
  }
  const bounds = { minimum: 10, maximum: 30_000, unit: 'milliseconds' }
  const timeoutMs = wholeNumber('timeout', timeout, bounds)
  return new RedisStore({ connection, prefix, timeoutMs, afterRestart })
}

const CLIENT = '"client", with a Redis client that you create,'
const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ['url', CLIENT],
  ['host', CLIENT],
  ['port', CLIENT],
])

interface Settings {
  readonly connection: RedisConnection
  readonly prefix: string
  readonly timeoutMs: number
  readonly afterRestart: 'reject' | 'dangerouslyAccept'
}

/**
 * Maximum number of deadlines in one call: for the connection, two for `INFO`, and two for each of
 * two scripts (`EVALSHA` and `EVAL`).
 */
const MAX_COMMANDS = 7
/**
 * Added to `callTimeout`, so that the deadline of a single command, which has the more specific
 * error, always passes first.
 */
const MARGIN_MS = 1_000

class RedisStore implements Store {
  readonly callTimeout: number
  readonly #settings: Settings
  readonly #entries: RedisEntries
  readonly #probes: RedisProbes
  readonly #revocations: RedisRevocations
  /** For messages, which a Cluster accepts at any node. */
  readonly #messages: RedisCommands

  constructor(settings: Settings) {
    this.#settings = settings
    const { connection, timeoutMs } = settings
    this.callTimeout = MAX_COMMANDS * timeoutMs + MARGIN_MS
    // With a Cluster, commands for different slots are independent of each other.
    const commands = new RedisCommands(connection, timeoutMs)
    const others = connection.isCluster ? new RedisCommands(connection, timeoutMs) : commands
    this.#entries = redisEntries({
      ...settings,
      commands,
      onChange: () => this.#probes.start(),
    })
    this.#probes = new RedisProbes(connection, this.#entries.groups)
    this.#revocations = redisRevocations(connection, others, settings.prefix)
    this.#messages = commands
    connection.onReady(() => {
      for (const group of this.#entries.groups) group.invalidate()
      this.#probes.start()
    })
  }

  declareMaxTtl(maxTtl: number): void {
    for (const group of this.#entries.groups) group.declareMaxTtl(maxTtl)
    if (this.#settings.connection.isReady()) this.#probes.start()
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    return this.#entries.groupOf(key).add(key, value, wholeTtl(ttl))
  }

  async get(key: string): Promise<string | undefined> {
    const group = this.#entries.groupOf(key)
    const value = await group.commands.send(['GET', group.keyOf(key)])
    return requireValue(value) ?? undefined
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    const group = this.#entries.groupOf(key)
    await group.commands.send(['SET', group.keyOf(key), value, 'PX', `${wholeTtl(ttl)}`])
  }

  async delete(key: string): Promise<void> {
    const group = this.#entries.groupOf(key)
    await group.commands.send(['DEL', group.keyOf(key)])
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
    await this.#messages.send(['PUBLISH', this.#channel(channel), message])
  }

  subscribe(
    channel: string,
    onMessage: (message: string) => void,
    onReconnect: () => void,
  ): Promise<Unsubscribe> {
    const { connection, timeoutMs } = this.#settings
    return subscribeTo(connection.duplicate(), {
      channel: this.#channel(channel),
      onMessage,
      onReconnect,
      timeoutMs,
    })
  }

  #channel(channel: string): string {
    return `${this.#settings.prefix}${channel}`
  }
}

/** @throws {TypeError} if the TTL is not finite. */
function wholeTtl(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new TypeError('"ttl" must be a finite number of milliseconds')
  return Math.max(1, Math.ceil(ttl))
}
