/**
 * Reads revocations from the server of a client for one server. A new connection may lead to
 * another server, which may lack changes, and where the cursor of a SCAN has no meaning. The client
 * reports each connection, so a revision names the connection as well as the stream entry.
 */
import type { RedisCommands } from './redis-commands.js'
import type { RedisConnection } from './redis-connection.js'
import {
  requireEntries,
  requireKeys,
  requireText,
  requireValues,
  type StreamEntry,
} from './redis-reply.js'

/** Requested entries per reply, so that no reply blocks Redis or this process for long. */
export const PAGE_SIZE = 1_000
/** Field and value of an entry without a revocation, which gives an empty stream a revision. */
export const MARKER = '-'

export interface RevocationKeys {
  /** Key of the stream of changes. */
  readonly log: string
  /** Prefix of the key of each revocation. */
  readonly prefix: string
}

/** The changes after a revision, oldest first. */
export interface StreamPage {
  /** The revision of the last of these changes, or the given one if there are none. */
  readonly revision: string
  readonly entries: readonly StreamEntry[]
  /** Whether there may be further changes. */
  readonly more: boolean
}

/** Some of the keys of revocations: what one SCAN returns. */
export interface KeyPage {
  /** Identifies the server and its data: pages with different ones are no complete list. */
  readonly server: string
  /** `0` if this is the last page. */
  readonly next: string
  readonly keys: readonly string[]
  /** The value of each key; `null` if it expired meanwhile. */
  readonly values: readonly (string | null)[]
}

export interface RevocationReads {
  /** Returns the latest revision. */
  latest(): Promise<string>
  /** Returns `undefined` if changes after the revision may be missing. */
  since(revision: string): Promise<StreamPage | undefined>
  /** @throws if the server has changed while the page was read. */
  page(cursor: string): Promise<KeyPage>
}

export class ServerReads implements RevocationReads {
  readonly #commands: RedisCommands
  readonly #keys: RevocationKeys
  #connectionCount = 0

  constructor(connection: RedisConnection, commands: RedisCommands, keys: RevocationKeys) {
    this.#commands = commands
    this.#keys = keys
    connection.onReady(() => this.#connectionCount++)
  }

  async latest(): Promise<string> {
    const server = this.#server
    const newestFirst = ['+', '-', 'COUNT', '1']
    const reply = await this.#commands.send(['XREVRANGE', this.#keys.log, ...newestFirst])
    const id = requireEntries(reply)[0]?.id ?? (await this.#addMarker())
    return `${server} ${id}`
  }

  async since(revision: string): Promise<StreamPage | undefined> {
    const [server, id = ''] = revision.split(' ')
    const range = [id, '+', 'COUNT', `${PAGE_SIZE + 1}`]
    const page = pageAfter(id, await this.#commands.send(['XRANGE', this.#keys.log, ...range]))
    if (server !== this.#server) return undefined
    return page && { ...page, revision: `${server} ${page.revision}` }
  }

  async page(cursor: string): Promise<KeyPage> {
    const server = this.#server
    // Not escaped: redisStore() allows no wildcard characters in a prefix.
    const page = ['MATCH', `${this.#keys.prefix}*`, 'COUNT', `${PAGE_SIZE}`]
    const [next, keys] = requireKeys(await this.#commands.send(['SCAN', cursor, ...page]))
    const values = keys.length > 0 ? await this.#commands.send(['MGET', ...keys]) : []
    if (server !== this.#server) throw serverChanged()
    return { server, next, keys, values: requireValues(values, keys.length) }
  }

  get #server(): string {
    return `${this.#connectionCount}`
  }

  async #addMarker(): Promise<string> {
    return requireText(await this.#commands.send(['XADD', this.#keys.log, '*', MARKER, MARKER]))
  }
}

/**
 * Parses a reply to `XRANGE` from an id. Returns `undefined` if the stream has no entry with the id.
 */
export function pageAfter(id: string, reply: unknown): StreamPage | undefined {
  const [first, ...entries] = requireEntries(reply)
  if (first?.id !== id) return undefined
  return {
    revision: (entries.at(-1) ?? first).id,
    entries,
    more: entries.length >= PAGE_SIZE,
  }
}

export function serverChanged(): Error {
  return new Error('Redis was replaced, or the revocations moved, while they were listed')
}
