/**
 * Keeps the revocations of the memory store: one entry per name, and a log of the latest changes.
 */
import { randomUUID } from 'node:crypto'
import type { RevocationChanges, RevocationToStore, StoredRevocation } from './store.js'

export interface MemoryRevocationsOptions {
  readonly maxEntries: number
  /** Returns the time in milliseconds. */
  readonly now: () => number
}

interface StoredEntry extends StoredRevocation {
  /** Time of the clock `now` at which the entry expires, in milliseconds. */
  readonly expiresAt: number
}

const MAX_CHANGES = 10_000
const PAGE_SIZE = 1_000

export class MemoryRevocations {
  readonly #onFull: () => never
  readonly #options: MemoryRevocationsOptions
  readonly #entries = new Map<string, StoredEntry>()
  /**
   * Names of the latest changes, oldest first. The last element is change number `#changeCount`.
   */
  readonly #changes: string[] = []
  #changeCount = 0
  /** Part of each revision, so that a revision of another store is not found here. */
  readonly #id = randomUUID()
  /** No entry expires before this time, in milliseconds. */
  #earliestExpiry = Number.POSITIVE_INFINITY

  constructor(onFull: () => never, options: MemoryRevocationsOptions) {
    this.#onFull = onFull
    this.#options = options
  }

  /** Merges all revocations, or throws without merging any. */
  merge(revocations: readonly RevocationToStore[]): void {
    const now = this.#options.now()
    for (const { ttl } of revocations) {
      if (!Number.isFinite(now + ttl)) {
        throw new TypeError('"ttl" and "now()" must be finite numbers of milliseconds')
      }
    }
    const names = new Set(revocations.map(({ name }) => name))
    this.#requireRoom([...names].filter((name) => !this.#entries.has(name)).length, now)
    for (const revocation of revocations) this.#mergeOne(revocation, now)
    const { length } = this.#changes
    if (length > MAX_CHANGES) this.#changes.splice(0, length - MAX_CHANGES)
  }

  since(revision: string | undefined): RevocationChanges | undefined {
    if (revision === undefined) return this.#changesUpTo(this.#changeCount, [])
    const [id, number] = revision.split(' ')
    const behind = this.#changeCount - Number(number)
    if (id !== this.#id || !(behind >= 0 && behind <= this.#changes.length)) return undefined
    const first = this.#changes.length - behind
    const names = this.#changes.slice(first, first + PAGE_SIZE)
    const entries = names
      .map((name) => this.#entries.get(name))
      .filter((entry) => entry !== undefined)
    return this.#changesUpTo(Number(number) + names.length, entries)
  }

  async *list(): AsyncGenerator<readonly StoredRevocation[]> {
    let slice: StoredRevocation[] = []
    for (const entry of this.#entries.values()) {
      if (!this.#isExpired(entry, this.#options.now())) slice.push(stored(entry))
      if (slice.length < PAGE_SIZE) continue
      yield slice
      slice = []
      await new Promise((resolve) => setImmediate(resolve))
    }
    yield slice
  }

  #changesUpTo(number: number, entries: readonly StoredEntry[]): RevocationChanges {
    return {
      revision: `${this.#id} ${number}`,
      revocations: entries.map(stored),
      more: number < this.#changeCount,
    }
  }

  #mergeOne({ name, before, lastIssued, ttl }: RevocationToStore, now: number): void {
    const existing = this.#entries.get(name)
    const entry = {
      name,
      before: Math.max(before, existing?.before ?? before),
      lastIssued: Math.max(lastIssued, existing?.lastIssued ?? lastIssued),
      expiresAt: Math.max(now + ttl, existing?.expiresAt ?? 0),
    }
    this.#entries.set(name, entry)
    this.#earliestExpiry = Math.min(this.#earliestExpiry, entry.expiresAt)
    if (entry.before === existing?.before && entry.lastIssued === existing.lastIssued) return
    this.#changes.push(name)
    this.#changeCount++
  }

  #requireRoom(added: number, now: number): void {
    const { maxEntries } = this.#options
    if (this.#entries.size + added > maxEntries && now >= this.#earliestExpiry) this.#sweep(now)
    if (this.#entries.size + added > maxEntries) this.#onFull()
  }

  #sweep(now: number): void {
    this.#earliestExpiry = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) {
      if (this.#isExpired(entry, now)) this.#entries.delete(entry.name)
      else this.#earliestExpiry = Math.min(this.#earliestExpiry, entry.expiresAt)
    }
  }

  #isExpired({ expiresAt }: StoredEntry, now: number): boolean {
    return now >= expiresAt
  }
}

function stored({ name, before, lastIssued }: StoredEntry): StoredRevocation {
  return { name, before, lastIssued }
}
