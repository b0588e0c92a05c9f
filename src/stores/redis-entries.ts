/**
 * Holds the entries of a store: on one server, or in the buckets of a Redis Cluster. Each bucket has
 * one master at a time, an epoch marker of its own, and commands that do not wait for those of other
 * buckets.
 */
import { BucketInspection, MasterStates } from './redis-cluster-inspection.js'
import { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import { type Inspection, RedisInspection } from './redis-inspection.js'
import { bucketOf, bucketTags } from './redis-slots.js'
import { ReplaySafeAdd } from './replay-safe-add.js'

export interface RedisEntriesOptions {
  readonly connection: RedisConnection
  /** Commands for one server; with a Cluster, each bucket has its own. */
  readonly commands: RedisCommands
  readonly prefix: string
  /** Deadline of each command, in milliseconds. */
  readonly timeoutMs: number
  readonly afterRestart: 'reject' | 'dangerouslyAccept'
  /** Called when some groups may have lost entries, which those without traffic cannot notice. */
  readonly onChange: () => void
}

/** The entries of one server, or of one bucket. */
export class EntryGroup {
  readonly commands: RedisCommands
  readonly #prefix: string
  readonly #inspection: Inspection
  /** `undefined` if the option `afterRestart` is `'dangerouslyAccept'`. */
  readonly #replaySafeAdd: ReplaySafeAdd | undefined

  constructor(
    commands: RedisCommands,
    inspection: Inspection,
    { prefix, afterRestart }: Pick<RedisEntriesOptions, 'prefix' | 'afterRestart'>,
  ) {
    this.commands = commands
    this.#prefix = prefix
    this.#inspection = inspection
    this.#replaySafeAdd =
      afterRestart === 'dangerouslyAccept'
        ? undefined
        : new ReplaySafeAdd(commands, inspection, `${prefix}server`)
  }

  declareMaxTtl(maxTtl: number): void {
    this.#replaySafeAdd?.declareMaxTtl(maxTtl)
  }

  /** See {@link ReplaySafeAdd.probe}. */
  async probe(): Promise<void> {
    await this.#replaySafeAdd?.probe()
  }

  invalidate(): void {
    this.#inspection.invalidate()
  }

  keyOf(name: string): string {
    return `${this.#prefix}${name}`
  }

  /** @param ttl a whole number of milliseconds. */
  add(name: string, value: string, ttl: number): Promise<boolean> {
    const key = this.keyOf(name)
    return this.#replaySafeAdd?.add(key, value, ttl) ?? this.#addAfterAnyLoss(key, value, ttl)
  }

  async #addAfterAnyLoss(key: string, value: string, ttl: number): Promise<boolean> {
    await this.#inspection.state()
    // A client may resend the command on a new connection; add() then returns false for a new
    // entry.
    return (await this.commands.send(['SET', key, value, 'NX', 'PX', `${ttl}`])) === 'OK'
  }
}

/** All entries of a store. */
export interface RedisEntries {
  readonly groups: readonly EntryGroup[]
  /** Returns the group of an ASCII key. */
  groupOf(key: string): EntryGroup
}

export function redisEntries(options: RedisEntriesOptions): RedisEntries {
  return options.connection.isCluster ? bucketsOf(options) : entriesOfOneServer(options)
}

function entriesOfOneServer(options: RedisEntriesOptions): RedisEntries {
  const { commands } = options
  const group = new EntryGroup(commands, new RedisInspection(commands), options)
  return { groups: [group], groupOf: () => group }
}

/** How long a bucket is assumed to be on the same master with `'dangerouslyAccept'`. */
const ASSIGNMENT_TTL_MS = 5_000

function bucketsOf(options: RedisEntriesOptions): RedisEntries {
  const { connection, timeoutMs, afterRestart } = options
  const masters = new MasterStates(options.onChange)
  const assignmentTtlMs = afterRestart === 'reject' ? Number.POSITIVE_INFINITY : ASSIGNMENT_TTL_MS
  const groups = bucketTags().map((tag) => {
    const prefix = `${options.prefix}{${tag}}`
    const commands = new RedisCommands(connection, timeoutMs)
    const key = `${prefix}server`
    const inspection = new BucketInspection({ commands, masters, key, assignmentTtlMs })
    return new EntryGroup(commands, inspection, { prefix, afterRestart })
  })
  return { groups, groupOf: (key) => groups[bucketOf(key)] as EntryGroup }
}
