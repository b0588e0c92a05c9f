/**
 * Reads from the store what other instances revoked: what changed since it last read. Only after a gap,
 * when the store doesn't know any more what changed, it lists all of them. What is known here and not
 * there, because the store lost it, is written again.
 */
import type { Store, StoredRevocation } from '../stores/store.js'
import type { RevocationWriter } from './revocation-writer.js'
import { visitInSlices } from './revocation-writer.js'
import type { Revocations } from './revocations.js'

export interface RevocationReaderOptions {
  readonly store: Store
  readonly revocations: Revocations
  readonly writer: RevocationWriter
}

/** Of changes that are read at a time: more than a store has that keeps 10,000. */
const MAX_PAGES = 100

export class RevocationReader {
  readonly #options: RevocationReaderOptions
  /** All that the store had at this revision is known here. */
  #revision: string | undefined
  #gaps = 0
  #isLoaded = false

  constructor(options: RevocationReaderOptions) {
    this.#options = options
  }

  /** Whether all revocations were known at some time. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Has the next {@link read} list all of them. */
  expectGap(): void {
    this.#gaps++
    this.#revision = undefined
  }

  /** @throws whatever the store throws. */
  async read(): Promise<void> {
    if (!(await this.#readChanges())) await this.#readAll()
  }

  /** @returns whether there was no gap. */
  async #readChanges(): Promise<boolean> {
    for (let page = 0; this.#revision !== undefined; page++) {
      const gaps = this.#gaps
      const changes = await this.#options.store.revocationsSince(this.#revision)
      if (changes === undefined || gaps !== this.#gaps) return false
      for (const revocation of changes.revocations) this.#take(revocation)
      this.#revision = changes.revision
      // A store that has more without end is read on at the next time.
      if (!changes.more || page === MAX_PAGES) return true
      // A store that answers at once would keep the event loop from turning.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return false
  }

  async #readAll(): Promise<void> {
    const { store, revocations, writer } = this.#options
    const gaps = this.#gaps
    // Read first, so that what comes while they are listed is among the changes after it.
    const latest = await store.revocationsSince(undefined)
    const listed = new Set<string>()
    for await (const slice of store.listRevocations()) {
      for (const revocation of slice) {
        listed.add(revocation.name)
        this.#take(revocation)
      }
    }
    this.#isLoaded = true
    if (gaps === this.#gaps) this.#revision = latest?.revision
    await visitInSlices(revocations.inForce(), (known) => {
      if (!listed.has(known.name)) writer.add(known)
    })
  }

  /** @throws {TypeError} for what is no revocation: one that is overlooked would let a token in. */
  #take(found: StoredRevocation): void {
    const { revocations, writer } = this.#options
    if (!isRevocation(found)) throw new TypeError('the store gave what is no revocation')
    const isNews = !revocations.has(found)
    const known = revocations.merge(found)
    const isNarrower = known.before > found.before || known.lastIssued > found.lastIssued
    if (isNarrower || (isNews && writer.keepsForLonger)) writer.add(known)
    else writer.found(found)
  }
}

function isRevocation({ name, before, lastIssued }: StoredRevocation): boolean {
  return typeof name === 'string' && isTime(before) && isTime(lastIssued)
}

function isTime(seconds: unknown): boolean {
  return typeof seconds === 'number' && seconds >= 0
}
