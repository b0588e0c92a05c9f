/**
 * How many questions are under way at once, and who is next. A caller without a valid token can make
 * us ask the issuer, so the flood that they may send is bounded here: in number on the way, in
 * number waiting, and in the time that is waited.
 *
 * Tokens that were good before go first, and some of the places are kept for them; then those that
 * are rechecked. Strangers can crowd out strangers, but not the users that are there already.
 */
import { IntrospectionFailure } from './introspection-failure.js'

/**
 * `known`: a token that the issuer has vouched for once, and a request waits. `background`: one that
 * the issuer signed, and nobody waits. `stranger`: anything that anybody sent.
 */
export type Standing = (typeof ORDER)[number]

const ORDER = ['known', 'background', 'stranger'] as const

export interface TurnsOptions {
  /** How many may be under way now. */
  readonly width: () => number
  /** Milliseconds to wait for a turn. */
  readonly timeout: number
}

export const MAX_UNDER_WAY = 50
/** The rest is kept for those that are known. */
const MAX_OTHERS_UNDER_WAY = 40
/** Of each standing. */
const MAX_WAITING = 1_000

/** One for all: a flood shouldn't cost a stack trace a token. */
const CROWDED = new IntrospectionFailure('too many tokens are waiting to be introspected', {
  of: 'ours',
})

interface Waiter {
  readonly begin: () => void
  readonly refuse: (failure: IntrospectionFailure) => void
}

export class Turns {
  readonly #options: TurnsOptions
  readonly #underWay = { known: 0, background: 0, stranger: 0 }
  readonly #waiting = {
    known: new Set<Waiter>(),
    background: new Set<Waiter>(),
    stranger: new Set<Waiter>(),
  }

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /**
   * Resolves when it is one's turn, with what ends it.
   *
   * @throws {IntrospectionFailure} if too many wait, or it takes too long.
   */
  take(standing: Standing): Promise<() => void> {
    const waiting = this.#waiting[standing]
    if (waiting.size === 0 && this.#hasRoomFor(standing)) {
      return Promise.resolve(this.#begin(standing))
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
        resolve(this.#begin(standing))
      }
      const waiter: Waiter = { begin, refuse }
      const timer = setTimeout(() => refuse(CROWDED), this.#options.timeout)
      timer.unref()
      waiting.add(waiter)
    })
  }

  /** For those who wait, what stopped the one that asked would stop them, too. */
  refuseWaiting(failure: IntrospectionFailure): void {
    for (const standing of ORDER) {
      for (const { refuse } of [...this.#waiting[standing]]) refuse(failure)
    }
  }

  /** Lets in those who have room now. By itself that happens when one leaves. */
  admit(): void {
    for (const standing of ORDER) {
      for (const waiter of this.#waiting[standing]) {
        if (!this.#hasRoomFor(standing)) break
        waiter.begin()
      }
    }
  }

  #hasRoomFor(standing: Standing): boolean {
    const { known, background, stranger } = this.#underWay
    const others = background + stranger
    if (known + others >= this.#options.width()) return false
    return standing === 'known' || others < MAX_OTHERS_UNDER_WAY
  }

  #begin(standing: Standing): () => void {
    this.#underWay[standing]++
    return () => {
      this.#underWay[standing]--
      this.admit()
    }
  }
}
