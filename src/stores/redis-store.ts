/** Implements a store in Redis or Valkey, with a client that the application created. */
import { requireKnownKeys } from '../base/plain-object.js'
import { connectionOf, type RedisClient, type RedisConnection } from './redis-client.js'
import { RedisCommands } from './redis-commands.js'
import { RedisInspection } from './redis-inspection.js'
import { requireValue } from './redis-reply.js'
import { RedisRevocations } from './redis-revocations.js'
import { subscribeTo } from './redis-subscription.js'
import { ReplaySafeAdd } from './replay-safe-add.js'
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
   * A client of ioredis, iovalkey or node-redis (`redis`), for one server or for Sentinel. A client
   * for a Cluster, or with the option `keyPrefix`, is an error. The application connects the
   * client, and closes it after the server. The store duplicates the client for subscriptions.
   */
  client: RedisClient

  /**
   * Prefix of every key and channel: 1 to 64 letters, digits and `_ - . : { }`. APIs that must not
   * share state need different prefixes. Default `frs:`.
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
  const timeoutMs = wholeNumber('timeout', timeout, bounds)
  const commands = new RedisCommands(connection, timeoutMs)
  const inspection = new RedisInspection(commands)
  const replaySafeAdd =
    afterRestart === 'dangerouslyAccept'
      ? undefined
      : new ReplaySafeAdd(commands, inspection, `${prefix}server`)
  return new RedisStore({ connection, commands, prefix, timeoutMs, inspection, replaySafeAdd })
}

interface Parts {
  readonly connection: RedisConnection
  readonly commands: RedisCommands
  readonly prefix: string
  readonly timeoutMs: number
  readonly inspection: RedisInspection
  /** `undefined` if the option `afterRestart` is `'dangerouslyAccept'`. */
  readonly replaySafeAdd: ReplaySafeAdd | undefined
}

const PROBE_RETRY_DELAY_MS = 1_000
/** Maximum number of deadlines in one call: for the connection, `INFO`, `EVALSHA` and `EVAL`. */
const MAX_COMMANDS = 4
/**
 * Added to `callTimeout`, so that the deadline of a single command, which has the more specific
 * error, always passes first.
 */
const MARGIN_MS = 1_000

class RedisStore implements Store {
  readonly callTimeout: number
  readonly #parts: Parts
  readonly #revocations: RedisRevocations

  constructor(parts: Parts) {
    this.#parts = parts
    const { connection, commands, prefix, timeoutMs, inspection } = parts
    this.callTimeout = MAX_COMMANDS * timeoutMs + MARGIN_MS
    this.#revocations = new RedisRevocations(commands, prefix)
    connection.onReady(() => {
      inspection.invalidate()
      this.#probe()
    })
  }

  declareMaxTtl(maxTtl: number): void {
    const { connection, replaySafeAdd } = this.#parts
    replaySafeAdd?.declareMaxTtl(maxTtl)
    if (connection.isReady()) this.#probe()
  }

  async add(key: string, value: string, ttl: number): Promise<boolean> {
    const { commands, inspection, replaySafeAdd } = this.#parts
    if (replaySafeAdd !== undefined) return replaySafeAdd.add(this.#key(key), value, wholeTtl(ttl))
    await inspection.state()
    // A client may resend the command on a new connection; add() then returns false for a new
    // entry.
    const reply = await commands.send(['SET', this.#key(key), value, 'NX', 'PX', ttlArgument(ttl)])
    return reply === 'OK'
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#parts.commands.send(['GET', this.#key(key)])
    return requireValue(value) ?? undefined
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    await this.#parts.commands.send(['SET', this.#key(key), value, 'PX', ttlArgument(ttl)])
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
    const { connection, timeoutMs } = this.#parts
    return subscribeTo(connection.duplicate(), {
      channel: this.#key(channel),
      onMessage,
      onReconnect,
      timeoutMs,
    })
  }

  /**
   * Probes once a second until Redis replies without an error: while Redis loads its data, it
   * accepts connections but replies LOADING.
   */
  #probe(): void {
    const { connection, replaySafeAdd } = this.#parts
    replaySafeAdd?.probe().catch(() => {
      if (connection.isReady()) setTimeout(() => this.#probe(), PROBE_RETRY_DELAY_MS).unref()
    })
  }

  #key(key: string): string {
    return `${this.#parts.prefix}${key}`
  }
}

function ttlArgument(ttl: number): string {
  return `${wholeTtl(ttl)}`
}

/** @throws {TypeError} if the TTL is not finite. */
function wholeTtl(ttl: number): number {
  if (!Number.isFinite(ttl)) throw new TypeError('"ttl" must be a finite number of milliseconds')
  return Math.max(1, Math.ceil(ttl))
}
