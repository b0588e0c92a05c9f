/**
 * Concurrency limiter with priorities for introspection requests. An untrusted caller can cause such
 * requests, so this module bounds them: in flight, per second, queued, and in time spent in the queue.
 *
 * Trusted tokens go first, and slots are reserved for them: untrusted tokens can only displace other
 * untrusted tokens. An untrusted request that takes far longer than valid tokens do loses its slot to
 * a queued one: otherwise a few tokens per second at which the issuer stalls would hold all slots until
 * `timeout`.
 */
import { IntrospectionFailure } from './introspection-failure.js'
import type { Pace } from './pace.js'

/**
 * `high`: a request waits, and its token was confirmed by the issuer before or its signature was
 * verified here. `background`: the recheck of a token whose signature was verified here. `low`: an
 * untrusted token.
 */
export type Priority = (typeof ORDER)[number]

const ORDER = ['high', 'background', 'low'] as const

export interface PriorityLimiterOptions {
  /** Current maximum number in flight. */
  readonly width: () => number
  /** Current maximum number in flight for trusted tokens. */
  readonly trustedWidth: () => number
  /** Maximum time in the queue, in milliseconds. */
  readonly timeout: number
  /** Rate limit of untrusted tokens. */
  readonly pace: Pick<Pace, 'wait' | 'take'>
  /** How long an untrusted token keeps its slot while others are queued, in milliseconds. */
  readonly slowAfter: () => number
  readonly steadyNow: () => number
}

export const MAX_IN_FLIGHT = 60
/** In flight below high priority; the rest of the slots is reserved for high priority. */
const MAX_OTHERS = 50
/** In flight at low priority; the rest of those is reserved for the background. */
const MAX_LOW = 40
/** Queued, for each priority. */
const MAX_WAITING = 1_000
/** Shortest interval in milliseconds at which the queue is checked on a timer. */
const SHORTEST_LOOK = 5

/** One shared instance: a flood must not cost a stack trace per token. */
const CROWDED = new IntrospectionFailure('too many tokens are queued for introspection', {
  of: 'ours',
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

interface Waiter {
  readonly begin: () => void
  readonly refuse: (failure: IntrospectionFailure) => void
}

export class PriorityLimiter {
  readonly #options: PriorityLimiterOptions
  /** In order of their start. */
  readonly #inFlight = ofEach<Running>()
  readonly #waiting = ofEach<Waiter>()
  #look: NodeJS.Timeout | undefined

  constructor(options: PriorityLimiterOptions) {
    this.#options = options
  }

  /**
   * Resolves when a slot is free.
   *
   * @throws {IntrospectionFailure} if the queue is full, or the wait exceeds `timeout`.
   */
  take(priority: Priority): Promise<Slot> {
    const waiting = this.#waiting[priority]
    if (waiting.size === 0 && this.#hasRoomFor(priority)) {
      return Promise.resolve(this.#begin(priority))
    }
    if (waiting.size >= MAX_WAITING) return Promise.reject(CROWDED)
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        waiting.delete(waiter)
      }
      const refuse = (failure: IntrospectionFailure) => {
        leave()
        reject(failure)
      }
      const begin = () => {
        leave()
        resolve(this.#begin(priority))
      }
      const waiter: Waiter = { begin, refuse }
      const timer = setTimeout(() => refuse(CROWDED), this.#options.timeout)
      timer.unref()
      waiting.add(waiter)
      this.#lookLater()
    })
  }

  /** Rejects all queued requests: the failure would affect them as well. */
  rejectQueued(failure: IntrospectionFailure, priorities: readonly Priority[] = ORDER): void {
    for (const priority of priorities) {
      for (const { refuse } of [...this.#waiting[priority]]) refuse(failure)
    }
  }

  /** Rejects queued requests and aborts those in flight. */
  close(failure: IntrospectionFailure): void {
    clearTimeout(this.#look)
    this.rejectQueued(failure)
    for (const priority of ORDER) {
      for (const { abort } of [...this.#inFlight[priority]]) abort(failure)
    }
  }

  /** Starts queued requests that have a slot now. Also runs whenever a request ends. */
  drain(): void {
    for (const priority of ORDER) {
      for (const waiter of this.#waiting[priority]) {
        if (!this.#hasRoomFor(priority)) break
        waiter.begin()
      }
    }
    this.#lookLater()
  }

  #hasRoomFor(priority: Priority): boolean {
    const { width, trustedWidth, pace } = this.#options
    const [high, background, low] = ORDER.map((one) => this.#inFlight[one].size) as Sizes
    if (high + background + low >= width()) return false
    if (priority !== 'low' && high + background >= trustedWidth()) return false
    if (priority === 'high') return true
    if (background + low >= MAX_OTHERS) return false
    return priority === 'background' || (low < MAX_LOW && pace.wait === 0)
  }

  #begin(priority: Priority): Slot {
    if (priority === 'low') this.#options.pace.take()
    const controller = new AbortController()
    const running: Running = {
      startedAt: this.#options.steadyNow(),
      signal: controller.signal,
      end: () => {
        if (this.#inFlight[priority].delete(running)) this.drain()
      },
      abort: (reason) => controller.abort(reason),
    }
    this.#inFlight[priority].add(running)
    return running
  }

  /** Checks the queue on a timer: the rate limit may allow a request, or one in flight become slow. */
  #lookLater(): void {
    clearTimeout(this.#look)
    const wait = this.#waiting.low.size === 0 ? Number.POSITIVE_INFINITY : this.#untilRoom()
    if (wait === Number.POSITIVE_INFINITY) return
    const look = () => {
      this.#endSlowest()
      this.drain()
    }
    this.#look = setTimeout(look, Math.max(SHORTEST_LOOK, wait))
    this.#look.unref()
  }

  #untilRoom(): number {
    const { pace, slowAfter, steadyNow } = this.#options
    const [oldest] = this.#inFlight.low
    if (oldest === undefined || this.#inFlight.low.size < MAX_LOW) return pace.wait
    return oldest.startedAt + slowAfter() - steadyNow()
  }

  #endSlowest(): void {
    const { slowAfter, steadyNow } = this.#options
    const [oldest] = this.#inFlight.low
    if (oldest === undefined || this.#inFlight.low.size < MAX_LOW) return
    const age = steadyNow() - oldest.startedAt
    if (age < slowAfter()) return
    oldest.abort(new Error(`no complete response within ${Math.round(age)} ms`))
    oldest.end()
  }
}

type Sizes = [high: number, background: number, low: number]

function ofEach<T>(): Readonly<Record<Priority, Set<T>>> {
  return { high: new Set(), background: new Set(), low: new Set() }
}
