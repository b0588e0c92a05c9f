/**
 * Writes pending revocations to the store in batches. If a write fails, its revocations stay
 * pending until a later write succeeds, or a read shows that the store has them. Each name has at
 * most one pending revocation.
 */
import type { RevocationToStore, Store, StoredRevocation } from '../stores/store.js'
import type { NamedRevocation, Revocations } from './revocations.js'

export interface RevocationWriterOptions {
  readonly store: Store
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called after each batch that was written. Must not throw. */
  readonly onWritten: () => void
}

/** Maximum number of revocations per command: 500 block Redis for a few milliseconds. */
const BATCH_SIZE = 500
/** Maximum TTL, in milliseconds, also of a permanent revocation: ten years. */
const MAX_TTL_MS = 10 * 365 * 86_400_000

/**
 * Informs the callers that wait for a group of revocations: `written` resolves when the store has
 * all of them, and rejects when a write fails.
 */
class Receipt {
  readonly written: Promise<void>
  #missing = 0
  #isSettled = false
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor() {
    this.written = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Prevents an unhandled rejection if no caller waits for the promise.
    this.written.catch(() => {})
  }

  /** Whether another revocation may be added to this group. */
  get isOpen(): boolean {
    return !this.#isSettled && this.#missing < BATCH_SIZE
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  add(): void {
    this.#missing++
  }

  remove(): void {
    this.#missing--
    if (this.#missing > 0) return
    this.#isSettled = true
    this.#resolve()
  }

  fail(error: unknown): void {
    this.#isSettled = true
    this.#reject(error)
  }
}

interface Pending {
  readonly revocation: NamedRevocation
  /** If `undefined` or settled, no caller waits for this revocation. */
  readonly receipt: Receipt | undefined
}

export class RevocationWriter {
  readonly #options: RevocationWriterOptions
  /** Revocations that are not known to be in the store, by name, oldest first. */
  readonly #pending = new Map<string, Pending>()
  /** Unsettled receipts, newest last. */
  readonly #receipts: Receipt[] = []
  #writing: Promise<void> | undefined
  #written = 0
  /** How long after `lastIssued` the store keeps revocations, in seconds. */
  #retentionSeconds: number
  /**
   * Whether this instance has seen tokens with a longer lifetime than its first retention covered.
   * Other instances may not have seen such tokens, and may choose too short a TTL.
   */
  #extendsTtls = false

  constructor(options: RevocationWriterOptions) {
    this.#options = options
    // The retention is twice as long as needed, so that it rarely has to be extended.
    this.#retentionSeconds = 2 * options.revocations.maxLifetimeSeconds
  }

  /** Number of revocations that are not known to be in the store. */
  get pending(): number {
    return this.#pending.size
  }

  /** Whether revocations of other instances must be written again, with a longer TTL. */
  get extendsTtls(): boolean {
    return this.#extendsTtls
  }

  /** Number of revocations written so far. */
  get written(): number {
    return this.#written
  }

  /**
   * Writes a revocation. Resolves when the store has the revocation.
   *
   * @throws any error of the store; the revocation then stays pending.
   */
  write(revocation: NamedRevocation): Promise<void> {
    const known = this.#pending.get(revocation.name)?.receipt
    const receipt = known === undefined || known.isSettled ? this.#newestReceipt() : known
    if (receipt !== known) receipt.add()
    this.#pending.set(revocation.name, { revocation, receipt })
    // The caller receives the error of a failed write through receipt.written.
    this.writeAll().catch(() => {})
    return receipt.written
  }

  /** Adds a revocation for which no caller waits; the next write includes it. */
  add(revocation: NamedRevocation): void {
    const receipt = this.#pending.get(revocation.name)?.receipt
    this.#pending.set(revocation.name, { revocation, receipt })
  }

  /** Records that the store has this revocation, whichever instance wrote it. */
  confirm({ name, before, lastIssued }: StoredRevocation): void {
    const pending = this.#pending.get(name)
    // The TTL in the store may be shorter than this instance requires.
    if (pending === undefined || this.#extendsTtls) return
    const { revocation } = pending
    if (revocation.before <= before && revocation.lastIssued <= lastIssued) this.#settle(pending)
  }

  /** Writes all pending revocations. @throws any error of the store. */
  writeAll(): Promise<void> {
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  /**
   * Makes all unexpired revocations pending again, with a longer TTL, if this instance has seen
   * tokens with a longer lifetime than the retention covers.
   */
  async extendTtls(): Promise<void> {
    const { revocations } = this.#options
    if (revocations.maxLifetimeSeconds <= this.#retentionSeconds) return
    this.#retentionSeconds = 2 * revocations.maxLifetimeSeconds
    this.#extendsTtls = true
    await visitInSlices(revocations.active(), (known) => this.add(known))
  }

  #newestReceipt(): Receipt {
    let newest = this.#receipts.at(-1)
    if (newest === undefined || !newest.isOpen) {
      newest = new Receipt()
      this.#receipts.push(newest)
    }
    return newest
  }

  async #writeAll(): Promise<void> {
    // Waits until the current synchronous code has added its revocations, to write them together.
    await undefined
    try {
      while (this.#pending.size > 0) await this.#writeBatch()
    } catch (error) {
      this.#failAll(error)
      throw error
    } finally {
      // Reset synchronously after the last check of `#pending`, so that no revocation is missed.
      this.#writing = undefined
    }
  }

  async #writeBatch(): Promise<void> {
    const { store, onWritten } = this.#options
    const batch: Pending[] = []
    for (const pending of this.#pending.values()) {
      batch.push(pending)
      if (batch.length === BATCH_SIZE) break
    }
    await store.mergeRevocations(batch.map(({ revocation }) => this.#toStore(revocation)))
    for (const pending of batch) this.#settle(pending)
    this.#written += batch.length
    onWritten()
  }

  #settle(pending: Pending): void {
    const { name } = pending.revocation
    // A newer revocation with the same name has replaced this one, and is still to be written.
    if (this.#pending.get(name) !== pending) return
    this.#pending.delete(name)
    pending.receipt?.remove()
    while (this.#receipts[0]?.isSettled) this.#receipts.shift()
  }

  /** Rejects the promises of all callers, so that none waits for further failing writes. */
  #failAll(error: unknown): void {
    for (const receipt of this.#receipts.splice(0)) receipt.fail(error)
  }

  #toStore({ name, before, lastIssued }: NamedRevocation): RevocationToStore {
    const { revocations, now } = this.#options
    const retentionSeconds = Math.max(this.#retentionSeconds, 2 * revocations.maxLifetimeSeconds)
    const ttl = (lastIssued + retentionSeconds) * 1_000 - now()
    // If the clock returns NaN, the TTL is the maximum, so that the revocation is not lost.
    return { name, before, lastIssued, ttl: ttl < MAX_TTL_MS ? Math.max(1, ttl) : MAX_TTL_MS }
  }
}

const SLICE_SIZE = 1_000

/**
 * Visits each item, and yields to the event loop after each slice, so that requests are not
 * delayed.
 */
export async function visitInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<void> {
  let visited = 0
  for (const item of items) {
    visit(item)
    visited++
    if (visited % SLICE_SIZE === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}
