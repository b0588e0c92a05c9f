/**
 * Stores revocations in Redis: each in a key with a TTL, and the latest changes in a stream. The id
 * of a stream entry is the revision. After a server lost its data, the entry of the revision that
 * an instance read last is missing, and new entries have other ids, so the instance detects the
 * loss.
 */

import type { RedisCommands } from './redis-commands.js'
import { requireKeys, requireValues, unexpectedReply } from './redis-reply.js'
import { MERGE_SCRIPT } from './redis-revocations-script.js'
import { RedisScript } from './redis-script.js'
import type { RevocationChanges, RevocationToStore, StoredRevocation } from './store.js'

/** Length of the stream, in entries. Redis trims lazily and may keep about 100 more. */
const MAX_CHANGES = 10_000
/** Requested entries per reply, so that no reply blocks Redis or this process for long. */
const PAGE_SIZE = 1_000
/** Maximum number of SCAN commands per list: enough for a Redis with 50 million keys. */
const MAX_PAGES = 50_000
/** Field and value of an entry without a revocation, which gives an empty stream a revision. */
const MARKER = '-'

export class RedisRevocations {
  readonly #commands: RedisCommands
  readonly #merge: RedisScript
  readonly #log: string
  readonly #prefix: string

  constructor(commands: RedisCommands, prefix: string) {
    this.#commands = commands
    this.#merge = new RedisScript(commands, MERGE_SCRIPT)
    this.#log = `${prefix}revocations`
    this.#prefix = `${prefix}revocation:`
  }

  async merge(revocations: readonly RevocationToStore[]): Promise<void> {
    const keys = [this.#log]
    const args = [`${MAX_CHANGES}`]
    for (const { name, before, lastIssued, ttl } of revocations) {
      if (!Number.isFinite(ttl)) {
        throw new TypeError('"ttl" must be a finite number of milliseconds')
      }
      keys.push(this.#prefix + name)
      args.push(digitsOf(before), digitsOf(lastIssued), `${Math.max(1, Math.ceil(ttl))}`)
    }
    await this.#merge.run(keys, args)
  }

  async since(revision: string | undefined): Promise<RevocationChanges | undefined> {
    if (revision === undefined) {
      return { revision: await this.#latest(), revocations: [], more: false }
    }
    const range = [revision, '+', 'COUNT', `${PAGE_SIZE + 1}`]
    const entries = requireEntries(await this.#commands.send(['XRANGE', this.#log, ...range]))
    if (entries[0]?.id !== revision) return undefined
    const revocations: StoredRevocation[] = []
    for (const { name, value } of entries.slice(1)) {
      const revocation = parse(name, value)
      if (revocation !== undefined) revocations.push(revocation)
    }
    const last = entries.at(-1) as StreamEntry
    return { revision: last.id, revocations, more: entries.length > PAGE_SIZE }
  }

  async *list(): AsyncGenerator<readonly StoredRevocation[]> {
    // Not escaped: redisStore() allows no wildcard characters in a prefix.
    const pattern = `${this.#prefix}*`
    let cursor = '0'
    let pages = 0
    do {
      if (++pages > MAX_PAGES) throw new Error(`SCAN did not finish after ${MAX_PAGES} pages`)
      const page = ['MATCH', pattern, 'COUNT', `${PAGE_SIZE}`]
      const [next, keys] = requireKeys(await this.#commands.send(['SCAN', cursor, ...page]))
      // Yields empty slices too, because each slice has its own deadline.
      yield keys.length > 0 ? await this.#read(keys) : []
      cursor = next
    } while (cursor !== '0')
  }

  async #read(keys: readonly string[]): Promise<readonly StoredRevocation[]> {
    const values = requireValues(await this.#commands.send(['MGET', ...keys]), keys.length)
    const revocations: StoredRevocation[] = []
    keys.forEach((key, i) => {
      // The value is `null` if the key expired between SCAN and MGET.
      const revocation = parse(key.slice(this.#prefix.length), values[i] ?? '')
      if (revocation !== undefined) revocations.push(revocation)
    })
    return revocations
  }

  async #latest(): Promise<string> {
    const newestFirst = ['+', '-', 'COUNT', '1']
    const reply = await this.#commands.send(['XREVRANGE', this.#log, ...newestFirst])
    const [latest] = requireEntries(reply)
    if (latest !== undefined) return latest.id
    const id = await this.#commands.send(['XADD', this.#log, '*', MARKER, MARKER])
    if (typeof id === 'string') return id
    throw unexpectedReply()
  }
}

interface StreamEntry {
  readonly id: string
  readonly name: string
  readonly value: string
}

function requireEntries(reply: unknown): readonly StreamEntry[] {
  if (!Array.isArray(reply)) throw unexpectedReply()
  return reply.map((entry: unknown) => {
    const [id, fields]: unknown[] = Array.isArray(entry) ? entry : []
    const [name, value]: unknown[] = Array.isArray(fields) ? fields : []
    if (typeof id === 'string' && typeof name === 'string' && typeof value === 'string') {
      return { id, name, value }
    }
    throw unexpectedReply()
  })
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
