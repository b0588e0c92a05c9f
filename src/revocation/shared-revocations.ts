/**
 * Synchronizes revocations across instances through a store.
 *
 * The instance on which `revoke()` is called writes the revocation to the store, and publishes a
 * message. The message is only a hint: instances that receive it read the changes from the store.
 * Messages may be lost, so every instance also polls the store twice a second.
 */
import { StoreUnavailableError } from '../errors/errors.js'
import { OutageReports } from '../observability/reports.js'
import type { Store } from '../stores/store.js'
import { PersistentSubscription } from './persistent-subscription.js'
import { RevocationReader } from './revocation-reader.js'
import { RevocationWriter } from './revocation-writer.js'
import type { NamedRevocation, Revocations } from './revocations.js'

export interface SharedRevocationsOptions {
  readonly store: Store
  readonly revocations: Revocations
  /** How tokens are handled until all revocations are loaded for the first time. */
  readonly untilLoaded: 'reject' | 'dangerouslyAccept'
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
  /** Reads more from the same store with each read of the revocations. */
  readonly readMore: () => Promise<void>
  /** Called when a call to the store fails, at most once every 30 s. Must not throw. */
  readonly onFailure: (error: unknown) => void
  /**
   * Called when this instance, after a reported failure, shares revocations in both directions
   * again. Must not throw.
   */
  readonly onRecovery: (failedForMs: number) => void
  /** Called on close with the number of revocations that could not be written. Must not throw. */
  readonly onLost: (count: number) => void
}

const CHANNEL = 'revocations'

const POLL_INTERVAL_MS = 500
/** Minimum interval between two reads; hints within it share one read. */
const MIN_READ_INTERVAL_MS = 20
const REPORT_INTERVAL_MS = 30_000
/** Maximum time for which {@link SharedRevocations.start} waits for the first load. */
const START_TIMEOUT_MS = 2_000
/** Maximum time for which {@link SharedRevocations.flush} writes pending revocations. */
const WRITE_TIMEOUT_MS = 10_000
/** Maximum time for which flush() and close() wait while the store makes no progress. */
const NO_PROGRESS_TIMEOUT_MS = 2_000
const RETRY_DELAY_MS = 100

const RETRY_AFTER_SECONDS = 1

const NOT_SHARED =
  'The revocation is in force on this instance only, because "stores.revocations" is unavailable: other instances enforce it once the store is available. Until then, call revoke() on each instance'

export class SharedRevocations {
  readonly #options: SharedRevocationsOptions
  readonly #writer: RevocationWriter
  readonly #reader: RevocationReader
  readonly #subscription: PersistentSubscription
  readonly #reports: OutageReports<unknown>
  #polling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isHinted = false
  #readAt = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(options: SharedRevocationsOptions) {
    const { store, monotonicNow } = options
    this.#options = options
    this.#reports = new OutageReports({ ...options, intervalMs: REPORT_INTERVAL_MS })
    this.#writer = new RevocationWriter({ ...options, onWritten: () => this.notify() })
    this.#reader = new RevocationReader({ ...options, writer: this.#writer })
    this.#subscription = new PersistentSubscription({
      store,
      channel: CHANNEL,
      onMessage: () => this.#hint(),
      onReconnect: () => {
        this.#reader.expectGap()
        this.#hint()
      },
      onFailure: (error) => this.#reports.failed(error),
      monotonicNow,
    })
  }

  /** Starts synchronizing. Resolves once the revocations are loaded, or after 2 s. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS).unref()
    await within(START_TIMEOUT_MS, this.#untilLoaded())
  }

  /**
   * @throws {StoreUnavailableError} until the revocations are loaded, if `untilLoaded` is
   * `'reject'`.
   */
  requireLoaded(): void {
    if (this.rejectsAll) throw unavailable()
  }

  /** Whether {@link requireLoaded} throws. */
  get rejectsAll(): boolean {
    return !this.#reader.isLoaded && this.#options.untilLoaded === 'reject'
  }

  /** Number of revocations that are not known to be in the store. */
  get pending(): number {
    return this.#writer.pending
  }

  /**
   * Shares a revocation that this instance already enforces.
   *
   * @throws {StoreUnavailableError} if the write fails. The write is then retried until it succeeds
   *   or the server closes.
   */
  async share(revocation: NamedRevocation): Promise<void> {
    try {
      await this.#writer.write(revocation)
    } catch (error) {
      this.#reports.failed(error)
      throw unavailable(error, NOT_SHARED)
    }
  }

  /** Makes the other instances read now. Never rejects. */
  async notify(): Promise<void> {
    try {
      await this.#options.store.publish(CHANNEL, '')
    } catch {
      // A lost message only delays other instances until they poll.
    }
  }

  /** Writes pending revocations. Stops after 10 s, or after 2 s without progress. Never rejects. */
  async flush(): Promise<void> {
    const end = { isReached: false }
    await within(WRITE_TIMEOUT_MS, this.#writeUntil(end))
    end.isReached = true
  }

  /**
   * Writes pending revocations as {@link flush} does, and stops synchronizing. Rejects only if the
   * store fails to unsubscribe.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
    if (this.#writer.pending > 0) this.#options.onLost(this.#writer.pending)
    await within(NO_PROGRESS_TIMEOUT_MS, this.#subscription.close())
  }

  async #untilLoaded(): Promise<void> {
    await this.#poll()
    // Retries, because the store may still be connecting.
    while (!this.#reader.isLoaded && this.#closing === undefined) {
      await pause(RETRY_DELAY_MS)
      await this.#poll()
    }
  }

  async #writeUntil(end: { readonly isReached: boolean }): Promise<void> {
    let written = -1
    while (this.#writer.pending > 0 && this.#writer.written > written && !end.isReached) {
      written = this.#writer.written
      await within(NO_PROGRESS_TIMEOUT_MS, this.#writeSome(written, end))
    }
  }

  async #writeSome(written: number, end: { readonly isReached: boolean }): Promise<void> {
    while (this.#writer.written === written && !end.isReached) {
      try {
        return await this.#writer.writeAll()
      } catch (error) {
        this.#reports.failed(error)
        await pause(RETRY_DELAY_MS)
      }
    }
  }

  /** Synchronizes once; concurrent calls share one synchronization. Never rejects. */
  #poll(): Promise<void> {
    if (this.#closing !== undefined) return Promise.resolve()
    this.#subscription.ensureSubscribed()
    this.#polling ??= this.#pollNow()
      .catch((error) => this.#reports.failed(error))
      .finally(() => {
        this.#polling = undefined
      })
    return this.#polling
  }

  async #pollNow(): Promise<void> {
    this.#readAt = this.#options.monotonicNow()
    await this.#reader.read()
    await this.#writer.extendTtls()
    await this.#writer.writeAll()
    await this.#options.readMore()
    if (this.#subscription.isSubscribed) this.#reports.succeeded()
  }

  /** Schedules a read after the one in flight, at least 20 ms after the start of the last read. */
  #hint(): void {
    if (this.#isHinted) return
    this.#isHinted = true
    this.#readSoon()
  }

  async #readSoon(): Promise<void> {
    await this.#polling
    const wait = this.#readAt + MIN_READ_INTERVAL_MS - this.#options.monotonicNow()
    if (wait > 0) await pause(Math.min(wait, MIN_READ_INTERVAL_MS))
    this.#isHinted = false
    await this.#poll()
  }
}

/** Creates one error per caller, because error handlers may mutate it. */
function unavailable(cause?: unknown, message?: string): StoreUnavailableError {
  const what = 'the revocations of all instances'
  return new StoreUnavailableError(what, RETRY_AFTER_SECONDS, cause, message)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}

/** Settles like `work`, but resolves after the timeout if `work` is still pending. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, end])
  clearTimeout(timer)
}
