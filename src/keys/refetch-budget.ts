/**
 * Limits the fetches that callers' tokens cause. Anyone can write a token with a random `kid`, or
 * with a bad signature under a published one, and each may mean that the issuer has changed its keys.
 *
 * Invariants: at most `burst` such fetches at once and one more per `cooldown`; at most one per
 * `cooldown` for the same `kid`; and a token that doubts a published key leaves the last one to
 * tokens with an unknown `kid`, so that forged signatures cannot delay a rotation.
 */
import { UnknownKids } from './unknown-kids.js'
import type { VerificationKey } from './verification-key.js'

export interface RefetchBudgetOptions {
  readonly burst: number
  /** Milliseconds. */
  readonly cooldown: number
}

/** What a token asks for that the cached key set doesn't have. */
export interface MissingKey {
  readonly kid: string | undefined
  /** The published keys that the token names and that do not verify it. */
  readonly doubted: readonly VerificationKey[]
}

export class RefetchBudget {
  readonly #burst: number
  readonly #cooldown: number
  readonly #unknown = new UnknownKids()
  /** Until when a key counts as confirmed. By object, which a replaced key doesn't share. */
  readonly #confirmed = new WeakMap<VerificationKey, number>()
  #left: number
  #countedAt = Number.NEGATIVE_INFINITY

  constructor({ burst, cooldown }: RefetchBudgetOptions) {
    this.#burst = burst
    this.#cooldown = cooldown
    this.#left = burst
  }

  /** Whether the issuer answered this very question within the last `cooldown`. */
  isAnswered({ kid, doubted }: MissingKey, now: number): boolean {
    if (doubted.length > 0) return doubted.every((key) => now < (this.#confirmed.get(key) ?? 0))
    return this.#unknown.has(kid, now)
  }

  allows({ doubted }: MissingKey, now: number): boolean {
    const needed = doubted.length > 0 ? Math.min(2, this.#burst) : 1
    return this.#count(now) >= needed
  }

  spend(now: number): void {
    this.#left = this.#count(now) - 1
  }

  /** Stores the issuer's answer of a fetch that began at `askedAt`. */
  answered({ kid, doubted }: MissingKey, askedAt: number): void {
    const until = askedAt + this.#cooldown
    for (const key of doubted) this.#confirmed.set(key, until)
    if (doubted.length === 0) this.#unknown.add(kid, until)
  }

  /** A failed attempt tells nothing about keys, and the back-off spaces the next: it costs nothing. */
  giveBack(now: number): void {
    this.#left = Math.min(this.#count(now) + 1, this.#burst)
  }

  /** After an outage, during which the issuer may have changed its keys. */
  forgetUnknown(): void {
    this.#unknown.clear()
  }

  #count(now: number): number {
    const passed = now - this.#countedAt
    // Neither a clock that was set back nor NaN earns anything.
    if (passed > 0) this.#left = Math.min(this.#left + passed / this.#cooldown, this.#burst)
    if (!Number.isNaN(now)) this.#countedAt = now
    return this.#left
  }
}
