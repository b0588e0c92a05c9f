/**
 * Writes revocations to the store, in batches that grow with what waits. What can't be written stays
 * until it can, once for each name.
 */
import type { RevocationToStore, Store, StoredRevocation } from '../stores/store.js'
import type { NamedRevocation, Revocations } from './revocations.js'

export interface RevocationWriterOptions {
  readonly store: Store
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called after each batch. Must not throw. */
  readonly onWritten: () => void
}

/** Of one command. It keeps a Redis busy for some milliseconds. */
const BATCH = 500
/** Ten years, in milliseconds. Instances that know a revocation that is for good write it again. */
const MAX_TTL = 10 * 365 * 86_400_000

/** Tells those who wait for some revocations that the store has them all, or can't be told. */
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
    // Each caller handles a promise of its own.
    this.written.catch(() => {})
  }

  /** Whether another revocation may be added. */
  get isOpen(): boolean {
    return !this.#isSettled && this.#missing < BATCH
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
  /** Without one, or with one that is settled, no caller waits. */
  readonly receipt: Receipt | undefined
}

export class RevocationWriter {
  readonly #options: RevocationWriterOptions
  /** By name, the oldest first. */
  readonly #pending = new Map<string, Pending>()
  /** Those that are not settled, the newest last. */
  readonly #receipts: Receipt[] = []
  #writing: Promise<void> | undefined
  #written = 0
  /** How long after the last token was issued revocations are kept, in seconds. */
  #keptFor: number
  /** Whether tokens were seen that live longer: other instances may keep revocations for too short. */
  #keepsForLonger = false

  constructor(options: RevocationWriterOptions) {
    this.#options = options
    // Twice as long as needed, so that a longer life is seldom news.
    this.#keptFor = 2 * options.revocations.longestLife
  }

  /** How many revocations the store doesn't have yet, as far as is known. */
  get pending(): number {
    return this.#pending.size
  }

  /** Whether revocations by other instances have to be written again, to be kept for longer. */
  get keepsForLonger(): boolean {
    return this.#keepsForLonger
  }

  /** How many were written so far. */
  get written(): number {
    return this.#written
  }

  /** Resolves when the store has it. @throws whatever the store throws; it is written later then. */
  write(revocation: NamedRevocation): Promise<void> {
    const known = this.#pending.get(revocation.name)?.receipt
    const receipt = known === undefined || known.isSettled ? this.#newestReceipt() : known
    if (receipt !== known) receipt.add()
    this.#pending.set(revocation.name, { revocation, receipt })
    // Its failure is that of the receipt.
    this.writeAll().catch(() => {})
    return receipt.written
  }

  /** No caller waits for it. It is written with what comes next. */
  add(revocation: NamedRevocation): void {
    const receipt = this.#pending.get(revocation.name)?.receipt
    this.#pending.set(revocation.name, { revocation, receipt })
  }

  /** The store has this entry, written by any instance. */
  found({ name, before, lastIssued }: StoredRevocation): void {
    const pending = this.#pending.get(name)
    // The store may have it for a shorter time than this instance needs.
    if (pending === undefined || this.#keepsForLonger) return
    const { revocation } = pending
    if (revocation.before <= before && revocation.lastIssued <= lastIssued) this.#settle(pending)
  }

  /** @throws whatever the store throws. */
  writeAll(): Promise<void> {
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  /** Has revocations kept for longer where tokens were seen that live longer than any before. */
  async keepForLonger(): Promise<void> {
    const { revocations } = this.#options
    if (revocations.longestLife <= this.#keptFor) return
    this.#keptFor = 2 * revocations.longestLife
    this.#keepsForLonger = true
    await visitInSlices(revocations.inForce(), (known) => this.add(known))
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
    // What is revoked in the same turn goes along.
    await undefined
    try {
      while (this.#pending.size > 0) await this.#writeBatch()
    } catch (error) {
      this.#failAll(error)
      throw error
    } finally {
      // In the same turn as the last look at what is pending, so that nothing is left behind.
      this.#writing = undefined
    }
  }

  async #writeBatch(): Promise<void> {
    const { store, onWritten } = this.#options
    const batch: Pending[] = []
    for (const pending of this.#pending.values()) {
      batch.push(pending)
      if (batch.length === BATCH) break
    }
    await store.mergeRevocations(batch.map(({ revocation }) => this.#toStore(revocation)))
    for (const pending of batch) this.#settle(pending)
    this.#written += batch.length
    onWritten()
  }

  #settle(pending: Pending): void {
    const { name } = pending.revocation
    // Unless it was revoked once more meanwhile: that is still to be written.
    if (this.#pending.get(name) !== pending) return
    this.#pending.delete(name)
    pending.receipt?.remove()
    while (this.#receipts[0]?.isSettled) this.#receipts.shift()
  }

  /** All who wait, so that none waits for another failure. */
  #failAll(error: unknown): void {
    for (const receipt of this.#receipts.splice(0)) receipt.fail(error)
  }

  #toStore({ name, before, lastIssued }: NamedRevocation): RevocationToStore {
    const { revocations, now } = this.#options
    const life = Math.max(this.#keptFor, 2 * revocations.longestLife)
    const ttl = (lastIssued + life) * 1_000 - now()
    // A clock that tells no time is no reason to forget.
    return { name, before, lastIssued, ttl: ttl < MAX_TTL ? Math.max(1, ttl) : MAX_TTL }
  }
}

const SLICE = 1_000

/** Visits each item, and lets the event loop turn now and then, so that no request waits for long. */
export async function visitInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<void> {
  let visited = 0
  for (const item of items) {
    visit(item)
    visited++
    if (visited % SLICE === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}
