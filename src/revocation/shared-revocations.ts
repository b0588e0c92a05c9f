/**
 * Keeps the revocations of all instances the same, by way of a store.
 *
 * Each revocation is an entry of its own there, and a revision changes with each. Who revokes tells
 * the others by a message, which says what changed and from which revision to which. Messages may be
 * lost, so everybody looks at the revision twice a second, and at all entries if it is one that they
 * weren't told of. Two who write at once may follow the same revision, so that one of their messages, if
 * it is lost, isn't missed: therefore everybody looks at all entries once more, some seconds after it
 * took a revision from a message. An instance that knows of an entry which the store has lost puts it
 * there again.
 */
import { randomUUID } from 'node:crypto'
import { StoreUnavailableError } from '../errors.js'
import type { Store, Unsubscribe } from '../stores/store.js'
import { Throttle } from '../throttle.js'
import type { NamedRevocation, Revocations } from './revocations.js'
import { entryOf, parseEntry } from './shared-entry.js'

export interface SharedRevocationsOptions {
  readonly store: Store
  readonly revocations: Revocations
  /** What is done with tokens until all revocations are known for the first time. */
  readonly untilLoaded: 'refuse' | 'accept'
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of an outage when it begins, and now and then while it lasts. Must not throw. */
  readonly onFailure: (error: unknown) => void
}

const ENTRIES = 'revocation:'
const REVISION = 'revocations-revision'
const CHANNEL = 'revocations'

/** In milliseconds. */
const POLL_EVERY = 500
const SUBSCRIBE_EVERY = 5_000
const LOOK_AGAIN_AFTER = 5_000
const REPORT_INTERVAL_MS = 30_000
/** How long a start may wait for the revocations, and an end for what is still to be told. */
const SOON = 2_000
/** An entry that is for good is put there again by whoever knows it. */
const LONGEST_TTL = 10 * 365 * 86_400_000

/** In seconds. */
const RETRY_AFTER = 1

/** Entries that are written at once, and told of in one message. */
const BATCH = 100

export class SharedRevocations {
  readonly #options: SharedRevocationsOptions
  /** Not in the store yet, as far as is known. */
  readonly #pending = new Map<string, NamedRevocation>()
  #loaded = false
  #mustLoad = true
  /** The one that all known entries belong to. */
  #revision: string | undefined
  #lookAgainAt = Number.POSITIVE_INFINITY
  /** For how long entries were asked to be kept, in seconds since the last token was issued. */
  #promisedLife = 0
  #writing: Promise<void> | undefined
  #polling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: Unsubscribe | undefined
  #subscribing = false
  #subscribeAt = Number.NEGATIVE_INFINITY
  readonly #throttle = new Throttle(REPORT_INTERVAL_MS, () => performance.now())
  #closed = false

  constructor(options: SharedRevocationsOptions) {
    this.#options = options
  }

  /** Resolves once the revocations are known, or after a short while without them. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#poll(), POLL_EVERY).unref()
    await soon(this.#untilLoaded())
  }

  /** @throws {StoreUnavailableError} until the revocations are known, if that is what was asked for. */
  requireLoaded(): void {
    if (this.#loaded || this.#options.untilLoaded === 'accept') return
    throw new StoreUnavailableError('the revocations of all instances', RETRY_AFTER, undefined)
  }

  /**
   * Tells all instances of a revocation that is in force here.
   *
   * @throws {StoreUnavailableError} if the store can't be told now. It will be, when it can.
   */
  async share(revocation: NamedRevocation): Promise<void> {
    const entry = entryOf(revocation)
    this.#pending.set(entry, revocation)
    try {
      while (this.#pending.has(entry)) await this.#write()
    } catch (error) {
      this.#failed(error)
      throw new StoreUnavailableError('the revocations of all instances', RETRY_AFTER, error)
    }
  }

  /** Tells of what nobody was told of yet, if that is possible, and no more. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    await soon(this.#writeTheRest())
    await this.#unsubscribe?.()
  }

  async #untilLoaded(): Promise<void> {
    await this.#poll()
    // A connection that is still being made is there in a moment.
    while (!this.#loaded && !this.#closed) {
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY / 5).unref())
      await this.#poll()
    }
  }

  async #writeTheRest(): Promise<void> {
    await this.#polling
    if (this.#pending.size > 0) await this.#write().catch((error) => this.#failed(error))
  }

  /** Never rejects. */
  #poll(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#subscribe()
    this.#polling ??= this.#pollNow()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#polling = undefined
      })
    return this.#polling
  }

  async #pollNow(): Promise<void> {
    const revision = await this.#options.store.get(REVISION)
    const isLate = performance.now() >= this.#lookAgainAt
    if (this.#mustLoad || isLate || revision !== this.#revision) await this.#load(revision)
    this.#keepForLonger()
    while (this.#pending.size > 0) await this.#write()
  }

  /** @param revision read before the entries, so that what comes meanwhile is seen the next time. */
  async #load(revision: string | undefined): Promise<void> {
    const { store, revocations } = this.#options
    this.#mustLoad = false
    this.#lookAgainAt = Number.POSITIVE_INFINITY
    try {
      const listed = new Set<string>()
      for (const [key] of await store.list(ENTRIES)) listed.add(key.slice(ENTRIES.length))
      for (const entry of listed) this.#take(entry)
      this.#revision = revision
      this.#loaded = true
      for (const known of revocations.inForce()) {
        const entry = entryOf(known)
        if (!listed.has(entry)) this.#pending.set(entry, known)
      }
    } catch (error) {
      this.#mustLoad = true
      throw error
    }
  }

  #take(entry: string): void {
    const revocation = parseEntry(entry)
    if (revocation !== undefined) this.#options.revocations.merge(revocation)
  }

  /** Tokens that live longer than any before them need revocations that are kept for longer. */
  #keepForLonger(): void {
    const { revocations } = this.#options
    if (revocations.longestLife <= this.#promisedLife) return
    // Twice as long as needed, so that this is seldom.
    const isFirst = this.#promisedLife === 0
    this.#promisedLife = 2 * revocations.longestLife
    if (isFirst) return
    for (const known of revocations.inForce()) this.#pending.set(entryOf(known), known)
  }

  /** One at a time, so that each message can say which revision it follows. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeNow().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeNow(): Promise<void> {
    const { store } = this.#options
    const batch = [...this.#pending].slice(0, BATCH)
    await Promise.all(
      batch.map(([entry, revocation]) => store.set(ENTRIES + entry, '', this.#ttlOf(revocation))),
    )
    // As it is there: another's entries may belong to it that aren't known here, nor to whoever is told.
    const previous = await store.get(REVISION)
    const next = randomUUID()
    await store.set(REVISION, next, LONGEST_TTL)
    this.#follow(previous, next)
    const entries = batch.map(([entry]) => entry)
    for (const entry of entries) this.#pending.delete(entry)
    // It is there: who doesn't hear of it sees that the revision is another one.
    store.publish(CHANNEL, [previous ?? NONE, next, ...entries].join(' ')).catch(() => {})
  }

  #ttlOf({ lastIssued }: NamedRevocation): number {
    const life = Math.max(this.#promisedLife, 2 * this.#options.revocations.longestLife)
    const ttl = (lastIssued + life) * 1_000 - this.#options.now()
    // A clock that tells no time is no reason to forget.
    return ttl < LONGEST_TTL ? Math.max(1, ttl) : LONGEST_TTL
  }

  #subscribe(): void {
    const now = performance.now()
    if (this.#unsubscribe || this.#subscribing || now < this.#subscribeAt) return
    this.#subscribing = true
    this.#subscribeAt = now + SUBSCRIBE_EVERY
    this.#subscribeNow()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#subscribing = false
      })
  }

  async #subscribeNow(): Promise<void> {
    const unsubscribe = await this.#options.store.subscribe(
      CHANNEL,
      (message) => this.#heard(message),
      () => {
        this.#mustLoad = true
        this.#poll()
      },
    )
    if (this.#closed) await unsubscribe()
    else this.#unsubscribe = unsubscribe
  }

  #heard(message: string): void {
    const [previous, next, ...entries] = message.split(' ')
    for (const entry of entries) this.#take(entry)
    this.#follow(previous === NONE ? undefined : previous, next)
  }

  #follow(previous: string | undefined, next: string | undefined): void {
    // Something was missed, which the next look at the revision makes good.
    if (previous !== this.#revision) return
    this.#revision = next
    this.#lookAgainAt = Math.min(this.#lookAgainAt, performance.now() + LOOK_AGAIN_AFTER)
  }

  #failed(error: unknown): void {
    if (this.#throttle.pass()) this.#options.onFailure(error)
  }
}

const NONE = '-'

/** Whatever the store does. */
async function soon(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const later = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SOON)
  })
  await Promise.race([work, later])
  clearTimeout(timer)
}
