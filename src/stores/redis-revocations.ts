/**
 * Stores revocations in Redis: each in a key with a TTL, and the latest changes in a stream. The id
 * of a stream entry is the revision. After a server lost its data, the entry of the revision that
 * an instance read last is missing, and new entries have other ids, so the instance detects the
 * loss.
 */

import type { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import { EpochReads } from './redis-epoch-reads.js'
import {
  type RevocationKeys,
  type RevocationReads,
  ServerReads,
  serverChanged,
} from './redis-revocation-reads.js'
import { MERGE_SCRIPT } from './redis-revocations-script.js'
import { RedisScript } from './redis-script.js'
import type { RevocationChanges, RevocationToStore, StoredRevocation } from './store.js'

/** Length of the stream, in entries. Redis trims lazily and may keep about 100 more. */
const MAX_CHANGES = 10_000
/** Maximum number of SCAN commands per list: enough for a Redis with 50 million keys. */
const MAX_PAGES = 50_000
/** In a Cluster, all revocations are in one slot, so that one script can merge several. */
const HASH_TAG = 'revocations'

/** @param commands in a Cluster, commands for the slot of the revocations only. */
export function redisRevocations(
  connection: RedisConnection,
  commands: RedisCommands,
  prefix: string,
): RedisRevocations {
  if (connection.isCluster) {
    const log = `${prefix}{${HASH_TAG}}`
    const keys = { log, prefix: `${log}:` }
    return new RedisRevocations(commands, keys, new EpochReads(commands, keys, HASH_TAG))
  }
  const keys = { log: `${prefix}revocations`, prefix: `${prefix}revocation:` }
  const reads = connection.isOneConnection
    ? new ServerReads(connection, commands, keys)
    : new EpochReads(commands, keys, undefined)
  return new RedisRevocations(commands, keys, reads)
}

export class RedisRevocations {
  readonly #merge: RedisScript
  readonly #keys: RevocationKeys
  readonly #reads: RevocationReads

  constructor(commands: RedisCommands, keys: RevocationKeys, reads: RevocationReads) {
    this.#merge = new RedisScript(commands, MERGE_SCRIPT)
    this.#keys = keys
    this.#reads = reads
  }

  async merge(revocations: readonly RevocationToStore[]): Promise<void> {
    const keys = [this.#keys.log]
    const args = [`${MAX_CHANGES}`]
    for (const { name, before, lastIssued, ttl } of revocations) {
      if (!Number.isFinite(ttl)) {
        throw new TypeError('"ttl" must be a finite number of milliseconds')
      }
      keys.push(this.#keys.prefix + name)
      args.push(digitsOf(before), digitsOf(lastIssued), `${Math.max(1, Math.ceil(ttl))}`)
    }
    await this.#merge.run(keys, args)
  }

  async since(revision: string | undefined): Promise<RevocationChanges | undefined> {
    if (revision === undefined) {
      return { revision: await this.#reads.latest(), revocations: [], more: false }
    }
    const page = await this.#reads.since(revision)
    return (
      page && {
        revision: page.revision,
        revocations: page.entries.flatMap(({ name, value }) => parse(name, value) ?? []),
        more: page.more,
      }
    )
  }

  async *list(): AsyncGenerator<readonly StoredRevocation[]> {
    let cursor = '0'
    let firstServer: string | undefined
    let pages = 0
    do {
      if (++pages > MAX_PAGES) throw new Error(`SCAN did not finish after ${MAX_PAGES} pages`)
      const { server, next, keys, values } = await this.#reads.page(cursor)
      firstServer ??= server
      if (server !== firstServer) throw serverChanged()
      // Yields empty slices too, because each slice has its own deadline.
      yield keys.flatMap(
        (key, i) => parse(key.slice(this.#keys.prefix.length), values[i] ?? '') ?? [],
      )
      cursor = next
    } while (cursor !== '0')
  }
}

/** Represents `Infinity` in Redis, in seconds: later than any valid time of a revocation. */
const FOREVER = 999_999_999_999

function digitsOf(seconds: number): string {
  return `${Math.min(Math.max(0, Math.floor(seconds)), FOREVER)}`
}

const NAME = /^[\w-]{43}$/
const TIMES = /^(\d{1,12})\.(\d{1,12})$/

/** Returns the revocation; `undefined` if the name or the value is malformed. */
function parse(name: string, value: string): StoredRevocation | undefined {
  const [, before, lastIssued] = TIMES.exec(value) ?? []
  if (!NAME.test(name) || before === undefined) return undefined
  return { name, before: secondsOf(before), lastIssued: secondsOf(lastIssued) }
}

function secondsOf(digits: string | undefined): number {
  const seconds = Number(digits)
  return seconds === FOREVER ? Number.POSITIVE_INFINITY : seconds
}
