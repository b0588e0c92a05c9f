/**
 * Limits introspection requests, by priority. Untrusted callers can cause introspection requests,
 * so this module limits how many are in flight, how many start per second, how many are queued, and
 * how long each is queued.
 *
 * Trusted tokens have priority and reserved slots, so that untrusted tokens can displace only other
 * untrusted tokens. If all slots of untrusted tokens are taken, and one of their requests takes far
 * longer than requests for active tokens, that request is aborted and a queued one gets its slot:
 * otherwise a few tokens per second for which the issuer stalls would hold all slots until
 * `timeout`.
 */
import { DeadlineError } from '../http/deadline.js'
import { IntrospectionFailure } from './introspection-failure.js'
import type { Pace } from './pace.js'

/**
 * `high`: introspection of a token that the issuer confirmed before, or whose signature was
 * verified here, for a request that waits. `background`: the recheck of a token whose signature was
 * verified here. `low`: introspection of an untrusted token.
 */
export type Priority = (typeof ORDER)[number]

const ORDER = ['high', 'background', 'low'] as const

export interface PriorityLimiterOptions {
  /** Returns the current maximum number of requests in flight. */
  readonly concurrency: () => number
  /** Returns the current maximum number of requests in flight for trusted tokens. */
  readonly trustedConcurrency: () => number
  /** Maximum time for which a request is queued, in milliseconds. */
  readonly timeout: number
  /** Rate limit of untrusted tokens. */
  readonly pace: Pick<Pace, 'wait' | 'take'>
  /**
   * Returns the milliseconds after which the request for an untrusted token may lose its slot to a
   * queued request.
   */
  readonly slowAfter: () => number
  readonly monotonicNow: () => number
}

/** Maximum number of requests in flight. */
export const MAX_IN_FLIGHT = 60
/**
 * Maximum number of requests in flight at background and low priority together. The other slots are
 * reserved for high priority.
 */
const MAX_BELOW_HIGH = 50
/** Maximum number of requests in flight at low priority. */
const MAX_LOW = 40
/** Maximum number of queued requests for each priority. */
const MAX_QUEUED = 1_000
/** Minimum delay of the timer that drains the queues, in milliseconds. */
const MIN_DRAIN_DELAY_MS = 5

/** One shared error, so that a flood of tokens does not cost a stack trace per token. */
const QUEUE_FULL = new IntrospectionFailure('too many tokens are queued for introspection', {
  attributedTo: 'ours',
})

export interface Slot {
  /** Aborts if the slot is given to another request, or the limiter is closed. */
  readonly signal: AbortSignal
  readonly end: () => void
}

interface Running extends Slot {
  readonly startedAt: number
  readonly abort: (reason: Error) => void
}

interface QueuedRequest {
  readonly start: () => void
  readonly fail: (failure: IntrospectionFailure) => void
}

export class PriorityLimiter {
  readonly #options: PriorityLimiterOptions
  /** Requests in flight, oldest first. */
  readonly #inFlight = byPriority<Running>()
  readonly #queues = byPriority<QueuedRequest>()
  #drainTimer: NodeJS.Timeout | undefined

  constructor(options: PriorityLimiterOptions) {
    this.#options = options
  }

  /**
   * Resolves with a slot once one is free.
   *
   * @throws {IntrospectionFailure} if the queue is full, the request is queued for longer than
   *   `timeout`, or {@link rejectQueued} rejects it.
   */
  take(priority: Priority): Promise<Slot> {
    const queue = this.#queues[priority]
    if (queue.size === 0 && this.#hasSlotFor(priority)) {
      return Promise.resolve(this.#start(priority))
    }
    if (queue.size >= MAX_QUEUED) return Promise.reject(QUEUE_FULL)
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        queue.delete(request)
      }
      const fail = (failure: IntrospectionFailure) => {
        leave()
        reject(failure)
      }
      const start = () => {
        leave()
        resolve(this.#start(priority))
      }
      const request: QueuedRequest = { start, fail }
      const timer = setTimeout(() => fail(QUEUE_FULL), this.#options.timeout)
      timer.unref()
      queue.add(request)
      this.#scheduleDrain()
    })
  }

  /** Rejects the queued requests of these priorities, because the failure affects them as well. */
  rejectQueued(failure: IntrospectionFailure, priorities: readonly Priority[] = ORDER): void {
    for (const priority of priorities) {
      for (const { fail } of [...this.#queues[priority]]) fail(failure)
    }
  }

  /** Rejects queued requests and aborts those in flight. */
  close(failure: IntrospectionFailure): void {
    clearTimeout(this.#drainTimer)
    this.rejectQueued(failure)
    for (const priority of ORDER) {
      for (const { abort } of [...this.#inFlight[priority]]) abort(failure)
    }
  }

  /** Starts the queued requests for which a slot is free. Also called when a request ends. */
  drain(): void {
    for (const priority of ORDER) {
      for (const request of this.#queues[priority]) {
        if (!this.#hasSlotFor(priority)) break
        request.start()
      }
    }
    this.#scheduleDrain()
  }

  #hasSlotFor(priority: Priority): boolean {
    const { concurrency, trustedConcurrency, pace } = this.#options
    const [high, background, low] = ORDER.map((each) => this.#inFlight[each].size) as Sizes
    if (high + background + low >= concurrency()) return false
    if (priority !== 'low' && high + background >= trustedConcurrency()) return false
    if (priority === 'high') return true
    if (background + low >= MAX_BELOW_HIGH) return false
    return priority === 'background' || (low < MAX_LOW && pace.wait === 0)
  }

  #start(priority: Priority): Slot {
    if (priority === 'low') this.#options.pace.take()
    const controller = new AbortController()
    const running: Running = {
      startedAt: this.#options.monotonicNow(),
      signal: controller.signal,
      end: () => {
        if (this.#inFlight[priority].delete(running)) this.drain()
      },
      abort: (reason) => controller.abort(reason),
    }
    this.#inFlight[priority].add(running)
    return running
  }

  /**
   * Sets a timer for the time at which the rate limit allows the next untrusted token, or at which
   * a slow request may lose its slot.
   */
  #scheduleDrain(): void {
    clearTimeout(this.#drainTimer)
    const wait = this.#queues.low.size === 0 ? Number.POSITIVE_INFINITY : this.#msUntilSlot()
    if (wait === Number.POSITIVE_INFINITY) return
    const onTimer = () => {
      this.#preemptSlowest()
      this.drain()
    }
    this.#drainTimer = setTimeout(onTimer, Math.max(MIN_DRAIN_DELAY_MS, wait))
    this.#drainTimer.unref()
  }

  #msUntilSlot(): number {
    const { pace, slowAfter, monotonicNow } = this.#options
    const [oldest] = this.#inFlight.low
    if (oldest === undefined || this.#inFlight.low.size < MAX_LOW) return pace.wait
    return oldest.startedAt + slowAfter() - monotonicNow()
  }

  #preemptSlowest(): void {
    const { slowAfter, monotonicNow } = this.#options
    const [oldest] = this.#inFlight.low
    if (oldest === undefined || this.#inFlight.low.size < MAX_LOW) return
    const age = monotonicNow() - oldest.startedAt
    if (age < slowAfter()) return
    oldest.abort(new DeadlineError(Math.round(age)))
    oldest.end()
  }
}

type Sizes = [high: number, background: number, low: number]

function byPriority<T>(): Readonly<Record<Priority, Set<T>>> {
  return { high: new Set(), background: new Set(), low: new Set() }
}
