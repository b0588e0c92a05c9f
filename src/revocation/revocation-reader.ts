/**
 * Reads the revocations of all instances from the store: all revocations at first and after a gap,
 * otherwise the changes since the last read. A gap means that changes may be missing: the store no
 * longer has them, or the subscription was interrupted. After a gap, revocations that the store has
 * lost are written again.
 */
import type { Store, StoredRevocation } from '../stores/store.js'
import { isName } from './revocation-names.js'
import type { RevocationWriter } from './revocation-writer.js'
import { visitInSlices } from './revocation-writer.js'
import type { Revocations } from './revocations.js'

export interface RevocationReaderOptions {
  readonly store: Store
  readonly revocations: Revocations
  readonly writer: RevocationWriter
}

/**
 * Index of the last page in one read. The pages contain more than the 10,000 changes that a store
 * of this package keeps.
 */
const MAX_PAGES = 100

export class RevocationReader {
  readonly #options: RevocationReaderOptions
  /**
   * Revision of the store up to which this instance knows every revocation; `undefined` before the
   * first load and after a gap.
   */
  #revision: string | undefined
  #gaps = 0
  #isLoaded = false

  constructor(options: RevocationReaderOptions) {
    this.#options = options
  }

  /** Whether this instance has loaded all revocations of the store at least once. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Makes the next {@link read} list all revocations. */
  expectGap(): void {
    this.#gaps++
    this.#revision = undefined
  }

  /** Reads the changes, or all revocations. @throws any error of the store. */
  async read(): Promise<void> {
    if (!(await this.#readChanges())) await this.#readAll()
  }

  /** Reads the changes since the last read. @returns false if all revocations must be read. */
  async #readChanges(): Promise<boolean> {
    for (let page = 0; this.#revision !== undefined; page++) {
      const gaps = this.#gaps
      const changes = await this.#options.store.revocationsSince(this.#revision)
      if (changes === undefined || gaps !== this.#gaps) return false
      for (const revocation of changes.revocations) this.#merge(revocation)
      this.#revision = changes.revision
      // After MAX_PAGES, the next read continues.
      if (!changes.more || page === MAX_PAGES) return true
      // Yields to the event loop, because a store that resolves without I/O would block it.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return false
  }

  async #readAll(): Promise<void> {
    const { store, revocations, writer } = this.#options
    const gaps = this.#gaps
    const knewNone = revocations.size === 0
    // Reads the revision first, so that the changes after it include those made while listing.
    const latest = await store.revocationsSince(undefined)
    const listed = new Set<string>()
    for await (const slice of store.listRevocations()) {
      for (const revocation of slice) {
        if (!knewNone) listed.add(revocation.name)
        this.#merge(revocation)
      }
    }
    this.#isLoaded = true
    if (gaps === this.#gaps) this.#revision = latest?.revision
    // The store cannot lack what this instance did not know.
    if (knewNone) return
    await visitInSlices(revocations.active(), (known) => {
      if (!listed.has(known.name)) writer.add(known)
    })
  }

  /**
   * Merges a revocation of the store into those of this instance.
   *
   * @throws {TypeError} if the revocation is malformed, because an instance that ignored it could
   *   accept a revoked token.
   */
  #merge(found: StoredRevocation): void {
    const { revocations, writer } = this.#options
    if (!isRevocation(found)) {
      throw new TypeError(
        'the store returned a malformed revocation: "name" must have 43 base64url characters, and "before" and "lastIssued" must be times in seconds',
      )
    }
    const mayNeedTtl = writer.extendsTtls && !revocations.has(found)
    const merged = revocations.merge(found)
    const isNarrower = merged.before > found.before || merged.lastIssued > found.lastIssued
    if (isNarrower || mayNeedTtl) writer.add(merged)
    else writer.confirm(found)
  }
}

function isRevocation({ name, before, lastIssued }: StoredRevocation): boolean {
  return isName(name) && isTime(before) && isTime(lastIssued)
}

function isTime(seconds: unknown): boolean {
  return typeof seconds === 'number' && seconds >= 0
}
