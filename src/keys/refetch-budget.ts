/**
 * Limits the fetches that callers' tokens cause. An attacker can send tokens with a random `kid`,
 * or with an invalid signature under a published one; either may also mean that the issuer has
 * rotated its keys.
 *
 * Invariants: at most `burst` such fetches at once and one more per `cooldown`; at most one per
 * `cooldown` for the same `kid`; and a token that doubts a published key leaves the last one to
 * tokens with an unknown `kid`, so that forged signatures cannot delay a rotation.
 */
import { NegativeKidCache } from './negative-kid-cache.js'
import type { VerificationKey } from './verification-key.js'

export interface RefetchBudgetOptions {
  readonly burst: number
  /** Milliseconds. */
  readonly cooldown: number
}

/** The key that a token requires and the cached key set lacks. */
export interface MissingKey {
  readonly kid: string | undefined
  /** The published keys that the token names and that do not verify it. */
  readonly doubted: readonly VerificationKey[]
}

export class RefetchBudget {
  readonly #burst: number
  readonly #cooldown: number
  readonly #unknown = new NegativeKidCache()
  /**
   * Time until which a key counts as confirmed. Keyed by object: a replaced key is another object.
   */
  readonly #confirmed = new WeakMap<VerificationKey, number>()
  #left: number
  #countedAt = Number.NEGATIVE_INFINITY

  constructor({ burst, cooldown }: RefetchBudgetOptions) {
    this.#burst = burst
    this.#cooldown = cooldown
    this.#left = burst
  }

  /** Whether a fetch within the last `cooldown` already showed that the issuer lacks this key. */
  isKnownMissing({ kid, doubted }: MissingKey, now: number): boolean {
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

  /** Records that a fetch that began at `askedAt` did not find the key. */
  recordMissing({ kid, doubted }: MissingKey, askedAt: number): void {
    const until = askedAt + this.#cooldown
    for (const key of doubted) this.#confirmed.set(key, until)
    if (doubted.length === 0) this.#unknown.add(kid, until)
  }

  /**
   * Refunds a failed fetch: it revealed nothing about keys, and the back-off delays the next one.
   */
  refund(now: number): void {
    this.#left = Math.min(this.#count(now) + 1, this.#burst)
  }

  /** Call it after an outage, during which the issuer may have rotated its keys. */
  forgetUnknown(): void {
    this.#unknown.clear()
  }

  #count(now: number): number {
    const passed = now - this.#countedAt
    // A clock that was set back, or that returns NaN, adds nothing.
    if (passed > 0) this.#left = Math.min(this.#left + passed / this.#cooldown, this.#burst)
    if (!Number.isNaN(now)) this.#countedAt = now
    return this.#left
  }
}
