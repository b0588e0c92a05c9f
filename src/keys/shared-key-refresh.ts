/**
 * Makes every instance refresh its keys, through a marker in the store that instances share. The
 * instance on which `refreshKeys({ everywhere: true })` is called replaces the marker; each other
 * instance reads the marker twice a second, and refreshes its keys when it finds another one.
 *
 * Invariants: an instance refreshes after every announcement that it did not make, also if several
 * announcements replace each other; and a writer of the store causes at most one refresh per second
 * and instance.
 */
import { randomUUID } from 'node:crypto'
import type { Store } from '../stores/store.js'

export interface SharedKeyRefreshOptions {
  readonly store: Pick<Store, 'get' | 'set'>
  /**
   * Refreshes the keys of this instance in the background. Must not throw.
   *
   * @param isFirst whether this instance read the store for the first time, and has no news.
   */
  readonly refresh: (isFirst: boolean) => void
  /** Called after the marker was written, to inform other instances. Must not throw. */
  readonly onWritten: () => void
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

interface Marker {
  /** Shows whether the store lost a later marker, for example in a failover. */
  readonly number: number
  readonly id: string
}

const KEY = 'key-refresh'
/** Longer than any instance trusts a removed key without a refresh: a day, and `staleIfError`. */
const TTL_MS = 9 * 86_400_000
/** For how long an instance writes a marker again that the store lost, in milliseconds. */
const REWRITE_MS = 60_000
const MIN_INTERVAL_MS = 1_000
const MAX_NUMBER = 999_999_999_999_999

export class SharedKeyRefresh {
  readonly #options: SharedKeyRefreshOptions
  /** The marker after which this instance has refreshed its keys; `undefined` if there is none. */
  #known: Marker | undefined
  #knownAt = Number.NEGATIVE_INFINITY
  #isWritten = true
  #hasRead = false
  #refreshedAt = Number.NEGATIVE_INFINITY
  #writing: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(options: SharedKeyRefreshOptions) {
    this.#options = options
  }

  /**
   * Announces that every other instance must refresh its keys. Waits for a write in flight and then
   * writes again, because instances may have read that marker, and fetched, before this call. Calls
   * that wait share the write that follows.
   *
   * @throws any error of the store. The write is repeated by {@link sync} until it succeeds.
   */
  announce(): Promise<void> {
    this.#next ??= this.#announceNext()
    return this.#next
  }

  /** Reads the marker, and refreshes if it is new. @throws any error of the store. */
  async sync(): Promise<void> {
    const found = parse(await this.#options.store.get(KEY))
    const known = this.#known
    if (!this.#isWritten) {
      // The marker found may be older than the announcement that was not written.
      this.#adopt(newMarker(found, known))
      if (found !== undefined) this.#refresh()
      return this.#write()
    }
    if (known !== undefined && (found?.number ?? 0) < known.number) {
      const { monotonicNow } = this.#options
      if (monotonicNow() < this.#knownAt + REWRITE_MS) await this.#write()
    } else if (found !== undefined && found.id !== known?.id && this.#refresh()) {
      this.#adopt(found)
    }
    this.#hasRead = true
  }

  async #announceNext(): Promise<void> {
    await this.#writing?.catch(() => {})
    this.#next = undefined
    this.#adopt(newMarker(this.#known))
    this.#isWritten = false
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #write(): Promise<void> {
    const { store, onWritten } = this.#options
    const marker = this.#known as Marker
    await store.set(KEY, `${marker.number} ${marker.id}`, TTL_MS)
    // A later announcement may not be written yet.
    if (marker === this.#known) this.#isWritten = true
    onWritten()
  }

  /** @returns whether the keys are refreshed now; otherwise, a later read finds the marker again. */
  #refresh(): boolean {
    const now = this.#options.monotonicNow()
    if (now < this.#refreshedAt + MIN_INTERVAL_MS) return false
    if (this.#hasRead) this.#refreshedAt = now
    this.#options.refresh(!this.#hasRead)
    return true
  }

  #adopt(marker: Marker): void {
    this.#known = marker
    this.#knownAt = this.#options.monotonicNow()
  }
}

function newMarker(...markers: readonly (Marker | undefined)[]): Marker {
  const latest = Math.max(0, ...markers.map((marker) => marker?.number ?? 0))
  return { number: Math.min(latest + 1, MAX_NUMBER), id: randomUUID() }
}

/** Returns the marker; `undefined` if the value is absent or malformed. */
function parse(value: unknown): Marker | undefined {
  const [, number, id] = /^(\d{1,15}) ([\da-f-]{36})$/.exec(`${value}`) ?? []
  return number === undefined ? undefined : { number: Number(number), id: id as string }
}
