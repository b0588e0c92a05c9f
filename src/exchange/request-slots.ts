/**
 * Limits how many token requests are in flight, how many are queued, and how long each is queued.
 */
import { FailedExchange } from './exchange-failure.js'

/** Maximum number of queued requests. */
const MAX_QUEUED = 1_000

export interface RequestSlotsOptions {
  /** Returns the current maximum number of requests in flight. */
  readonly concurrency: () => number
  /** Maximum time for which a request is queued, in milliseconds. */
  readonly timeout: number
}

interface QueuedExchange {
  readonly start: () => void
  readonly fail: (failure: FailedExchange) => void
}

export class RequestSlots {
  readonly #options: RequestSlotsOptions
  readonly #queue = new Set<QueuedExchange>()
  #inFlight = 0

  constructor(options: RequestSlotsOptions) {
    this.#options = options
  }

  /**
   * Resolves with a function that frees the slot, once one is free.
   *
   * @throws {FailedExchange} if the queue is full, the request is queued for longer than `timeout`,
   *   or {@link rejectQueued} rejects it.
   */
  take(): Promise<() => void> {
    if (this.#queue.size === 0 && this.#isFree()) return Promise.resolve(this.#start())
    if (this.#queue.size >= MAX_QUEUED) return Promise.reject(queueFull())
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        this.#queue.delete(queued)
      }
      const queued: QueuedExchange = {
        start: () => {
          leave()
          resolve(this.#start())
        },
        fail: (failure) => {
          leave()
          reject(failure)
        },
      }
      const timer = setTimeout(() => queued.fail(queueFull()), this.#options.timeout)
      timer.unref()
      this.#queue.add(queued)
    })
  }

  rejectQueued(failure: FailedExchange): void {
    for (const { fail } of [...this.#queue]) fail(failure)
  }

  /** Starts the queued requests for which a slot is free. Also called when a request ends. */
  drain(): void {
    for (const { start } of this.#queue) {
      if (!this.#isFree()) break
      start()
    }
  }

  #isFree(): boolean {
    return this.#inFlight < this.#options.concurrency()
  }

  #start(): () => void {
    this.#inFlight++
    return () => {
      this.#inFlight--
      this.drain()
    }
  }
}

function queueFull(): FailedExchange {
  return new FailedExchange('too many token exchanges are queued', { attributedTo: 'ours' })
}
