/**
 * Subscribes to a channel of a store. The owner calls `ensureSubscribed` repeatedly, which retries
 * after a failed attempt.
 */
import type { Store, Unsubscribe } from '../stores/store.js'

export interface PersistentSubscriptionOptions {
  readonly store: Pick<Store, 'subscribe'>
  readonly channel: string
  /** Called for each message; its text is ignored. */
  readonly onMessage: () => void
  /** Called when messages arrive again after some may have been lost. */
  readonly onReconnect: () => void
  /** Called when an attempt to subscribe fails. Must not throw. */
  readonly onFailure: (error: unknown) => void
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
}

const RETRY_DELAY_MS = 5_000

export class PersistentSubscription {
  readonly #options: PersistentSubscriptionOptions
  #unsubscribe: Unsubscribe | undefined
  #isSubscribing = false
  #retryAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(options: PersistentSubscriptionOptions) {
    this.#options = options
  }

  get isSubscribed(): boolean {
    return this.#unsubscribe !== undefined
  }

  /**
   * Starts an attempt to subscribe, unless a subscription exists, an attempt is in flight, the last
   * attempt began less than 5 s ago, or this object is closed.
   */
  ensureSubscribed(): void {
    const { monotonicNow, onFailure } = this.#options
    const now = monotonicNow()
    const isNeeded = this.#unsubscribe === undefined && !this.#isSubscribing && !this.#isClosed
    if (!isNeeded || now < this.#retryAt) return
    this.#isSubscribing = true
    this.#retryAt = now + RETRY_DELAY_MS
    this.#subscribe()
      .catch(onFailure)
      .finally(() => {
        this.#isSubscribing = false
      })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#unsubscribe?.()
  }

  async #subscribe(): Promise<void> {
    const { store, channel, onMessage, onReconnect } = this.#options
    const unsubscribe = await store.subscribe(channel, () => onMessage(), onReconnect)
    if (this.#isClosed) await unsubscribe()
    else this.#unsubscribe = unsubscribe
  }
}
