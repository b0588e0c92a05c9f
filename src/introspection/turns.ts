/**
 * How many introspection requests are in flight, and which is next. A caller without a valid token
 * can make us ask the issuer, so the flood that they may send is bounded here: in number in flight,
 * in number a second, in number waiting, and in the time that is waited.
 *
 * Tokens that are trusted go first, and slots are kept for them that no untrusted one gets. Untrusted
 * tokens can crowd out untrusted ones only. Among these, one that takes far longer than valid tokens
 * do leaves its slot to one that waits: otherwise a few tokens a second at which the issuer stalls
 * would keep all slots until `timeout`.
 */
import { IntrospectionFailure } from './introspection-failure.js'
import type { Pace } from './pace.js'

/**
 * `high`: a token that the issuer confirmed before, or whose signature was verified here, and a
 * request waits. `background`: the recheck of a token whose signature was verified here. `low`:
 * anything else, which anybody may have sent.
 */
export type Priority = (typeof ORDER)[number]

const ORDER = ['high', 'background', 'low'] as const

export interface TurnsOptions {
  /** How many may be in flight now. */
  readonly width: () => number
  /** How many of those that are trusted. */
  readonly trustedWidth: () => number
  /** Milliseconds to wait for a turn. */
  readonly timeout: number
  /** How often it is an untrusted token's turn. */
  readonly pace: Pick<Pace, 'wait' | 'take'>
  /** How long an untrusted token keeps its slot while others wait for one, in milliseconds. */
  readonly slowAfter: () => number
  readonly steadyNow: () => number
}

export const MAX_IN_FLIGHT = 60
/** The rest is kept for high priority. */
const MAX_OTHERS = 50
/** The rest of these is kept for the background. */
const MAX_LOW = 40
/** Of each priority. */
const MAX_WAITING = 1_000
/** No more often is it looked whether time alone has made room. */
const SHORTEST_LOOK = 5

/** One for all: a flood shouldn't cost a stack trace a token. */
const CROWDED = new IntrospectionFailure('too many tokens are waiting to be introspected', {
  of: 'ours',
})

export interface Turn {
  /** Aborts if the slot is needed for another. */
  readonly signal: AbortSignal
  readonly end: () => void
}

interface Running extends Turn {
  readonly startedAt: number
  readonly abort: (reason: Error) => void
}

interface Waiter {
  readonly begin: () => void
  readonly refuse: (failure: IntrospectionFailure) => void
}

export class Turns {
  readonly #options: TurnsOptions
  /** In the order in which they began. */
  readonly #inFlight = ofEach<Running>()
  readonly #waiting = ofEach<Waiter>()
  #look: NodeJS.Timeout | undefined

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /**
   * Resolves when it is one's turn.
   *
   * @throws {IntrospectionFailure} if too many wait, or it takes too long.
   */
  take(priority: Priority): Promise<Turn> {
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

  /** What stopped the one that asked would stop those that wait, too. */
  refuseWaiting(failure: IntrospectionFailure, priorities: readonly Priority[] = ORDER): void {
    for (const priority of priorities) {
      for (const { refuse } of [...this.#waiting[priority]]) refuse(failure)
    }
  }

  /** Ends what waits and what is in flight. */
  close(failure: IntrospectionFailure): void {
    clearTimeout(this.#look)
    this.refuseWaiting(failure)
    for (const priority of ORDER) {
      for (const { abort } of [...this.#inFlight[priority]]) abort(failure)
    }
  }

  /** Begins those that have room now. By itself that happens when one ends. */
  admit(): void {
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

  #begin(priority: Priority): Turn {
    if (priority === 'low') this.#options.pace.take()
    const controller = new AbortController()
    const running: Running = {
      startedAt: this.#options.steadyNow(),
      signal: controller.signal,
      end: () => {
        if (this.#inFlight[priority].delete(running)) this.admit()
      },
      abort: (reason) => controller.abort(reason),
    }
    this.#inFlight[priority].add(running)
    return running
  }

  /** Time alone makes room: at the given pace, or when one has become slow. */
  #lookLater(): void {
    clearTimeout(this.#look)
    const wait = this.#waiting.low.size === 0 ? Number.POSITIVE_INFINITY : this.#untilRoom()
    if (wait === Number.POSITIVE_INFINITY) return
    const look = () => {
      this.#endSlowest()
      this.admit()
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
    oldest.abort(new Error(`no complete answer within ${Math.round(age)} ms`))
    oldest.end()
  }
}

type Sizes = [high: number, background: number, low: number]

function ofEach<T>(): Readonly<Record<Priority, Set<T>>> {
  return { high: new Set(), background: new Set(), low: new Set() }
}
