/**
 * Limits how many token requests are in flight, how many are queued, and how long each is queued. One
 * user has at most half of the slots, so that a server that stalls for the tokens of one user does
 * not stop the exchanges of others.
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
  readonly user: string
  readonly start: () => void
  readonly fail: (failure: FailedExchange) => void
}

export class RequestSlots {
  readonly #options: RequestSlotsOptions
  readonly #queue = new Set<QueuedExchange>()
  #inFlight = 0
  readonly #inFlightOf = new Map<string, number>()

  constructor(options: RequestSlotsOptions) {
    this.#options = options
  }

  /**
   * Resolves with a function that frees the slot, once one is free.
   *
   * @param user identifies the user of the subject token.
   * @throws {FailedExchange} if the queue is full, the request is queued for longer than `timeout`,
   *   or {@link rejectQueued} rejects it.
   */
  take(user: string): Promise<() => void> {
    if (this.#isFreeFor(user)) return Promise.resolve(this.#start(user))
    if (this.#queue.size >= MAX_QUEUED) return Promise.reject(queueFull())
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        this.#queue.delete(queued)
      }
      const queued: QueuedExchange = {
        user,
        start: () => {
          leave()
          resolve(this.#start(user))
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
    for (const { user, start } of this.#queue) {
      if (this.#inFlight >= this.#options.concurrency()) break
      if (this.#isFreeFor(user)) start()
    }
  }

  #isFreeFor(user: string): boolean {
    const limit = this.#options.concurrency()
    return this.#inFlight < limit && (this.#inFlightOf.get(user) ?? 0) < Math.ceil(limit / 2)
  }

  #start(user: string): () => void {
    this.#inFlight++
    this.#inFlightOf.set(user, (this.#inFlightOf.get(user) ?? 0) + 1)
    return () => {
      this.#inFlight--
      const rest = (this.#inFlightOf.get(user) as number) - 1
      if (rest === 0) this.#inFlightOf.delete(user)
      else this.#inFlightOf.set(user, rest)
      this.drain()
    }
  }
}

function queueFull(): FailedExchange {
  return new FailedExchange('too many token exchanges are queued', { attributedTo: 'ours' })
}
