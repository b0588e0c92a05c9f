/** Revocations of the memory store: one entry per name, and a log of the latest changes. */
import { randomUUID } from 'node:crypto'
import type { RevocationChanges, RevocationToStore, StoredRevocation } from './store.js'

export interface MemoryRevocationsOptions {
  readonly maxEntries: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface NumberedRevocation extends StoredRevocation {
  /** Milliseconds since the epoch. */
  readonly endsAt: number
}

const MAX_CHANGES = 10_000
const PAGE = 1_000

export class MemoryRevocations {
  readonly #onFull: () => never
  readonly #options: MemoryRevocationsOptions
  readonly #entries = new Map<string, NumberedRevocation>()
  /** Names of the latest changes, oldest first; the last one is change number `#count`. */
  readonly #changes: string[] = []
  #count = 0
  /** Part of each revision, so that revisions of another store are not recognized. */
  readonly #id = randomUUID()
  /** Lower bound of the expiry of all entries. */
  #firstEnd = Number.POSITIVE_INFINITY

  constructor(onFull: () => never, options: MemoryRevocationsOptions) {
    this.#onFull = onFull
    this.#options = options
  }

  /** Merges all revocations, or throws without merging any. */
  merge(revocations: readonly RevocationToStore[]): void {
    const now = this.#options.now()
    for (const { ttl } of revocations) {
      if (!Number.isFinite(now + ttl)) throw new TypeError('the end of an entry must be a time')
    }
    const names = new Set(revocations.map(({ name }) => name))
    this.#requireRoom([...names].filter((name) => !this.#entries.has(name)).length, now)
    for (const revocation of revocations) this.#mergeOne(revocation, now)
    const { length } = this.#changes
    if (length > MAX_CHANGES) this.#changes.splice(0, length - MAX_CHANGES)
  }

  since(revision: string | undefined): RevocationChanges | undefined {
    if (revision === undefined) return this.#changesUpTo(this.#count, [])
    const [id, number] = revision.split(' ')
    const missing = this.#count - Number(number)
    if (id !== this.#id || !(missing >= 0 && missing <= this.#changes.length)) return undefined
    const first = this.#changes.length - missing
    const names = this.#changes.slice(first, first + PAGE)
    const entries = names.map((name) => this.#entries.get(name)).filter((one) => one !== undefined)
    return this.#changesUpTo(Number(number) + names.length, entries)
  }

  async *list(): AsyncGenerator<readonly StoredRevocation[]> {
    let slice: StoredRevocation[] = []
    for (const entry of this.#entries.values()) {
      if (!this.#isOver(entry, this.#options.now())) slice.push(stored(entry))
      if (slice.length < PAGE) continue
      yield slice
      slice = []
      await new Promise((resolve) => setImmediate(resolve))
    }
    yield slice
  }

  #changesUpTo(number: number, entries: readonly NumberedRevocation[]): RevocationChanges {
    return {
      revision: `${this.#id} ${number}`,
      revocations: entries.map(stored),
      more: number < this.#count,
    }
  }

  #mergeOne({ name, before, lastIssued, ttl }: RevocationToStore, now: number): void {
    const known = this.#entries.get(name)
    const entry = {
      name,
      before: Math.max(before, known?.before ?? before),
      lastIssued: Math.max(lastIssued, known?.lastIssued ?? lastIssued),
      endsAt: Math.max(now + ttl, known?.endsAt ?? 0),
    }
    this.#entries.set(name, entry)
    this.#firstEnd = Math.min(this.#firstEnd, entry.endsAt)
    if (entry.before === known?.before && entry.lastIssued === known.lastIssued) return
    this.#changes.push(name)
    this.#count++
  }

  #requireRoom(wanted: number, now: number): void {
    const { maxEntries } = this.#options
    if (this.#entries.size + wanted > maxEntries && now >= this.#firstEnd) this.#sweep(now)
    if (this.#entries.size + wanted > maxEntries) this.#onFull()
  }

  #sweep(now: number): void {
    this.#firstEnd = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) {
      if (this.#isOver(entry, now)) this.#entries.delete(entry.name)
      else this.#firstEnd = Math.min(this.#firstEnd, entry.endsAt)
    }
  }

  #isOver({ endsAt }: NumberedRevocation, now: number): boolean {
    return now >= endsAt
  }
}

function stored({ name, before, lastIssued }: NumberedRevocation): StoredRevocation {
  return { name, before, lastIssued }
}
