/**
 * Limits the fetches that callers' tokens cause. An attacker can send tokens with a random `kid`,
 * or with an invalid signature under a published `kid`. Valid tokens look like these after the
 * issuer has rotated its keys, so some of them must cause a fetch.
 *
 * Invariants: tokens cause at most `burst` fetches in a burst and one more per `cooldown`; failed
 * fetches do not count, because the back-off limits them. An unknown `kid` causes at most one fetch
 * per `cooldown`, as long as {@link NegativeKidCache} keeps that `kid`, except after an outage. The
 * last available fetch is reserved for tokens with an unknown `kid`, unless `burst` is 1, so that
 * forged signatures cannot delay the acceptance of a new `kid`.
 */
import { NegativeKidCache } from './negative-kid-cache.js'
import type { VerificationKey } from './verification-key.js'

export interface RefetchBudgetOptions {
  /** Maximum number of fetches that tokens may cause in a burst. */
  readonly burst: number
  /** Interval after which one more fetch is allowed, in milliseconds. */
  readonly cooldown: number
}

/** A key that a token requires and that the cached key set lacks. */
export interface MissingKey {
  readonly kid: string | undefined
  /**
   * Published keys that do not verify the token: those with its `kid`; for a token without `kid`,
   * those for its algorithm.
   */
  readonly doubted: readonly VerificationKey[]
}

export class RefetchBudget {
  readonly #burst: number
  readonly #cooldown: number
  readonly #unknown = new NegativeKidCache()
  /**
   * Time until which a key counts as still published, because a fetch has confirmed the key. A
   * replaced key is another object, and therefore not confirmed.
   */
  readonly #confirmed = new WeakMap<VerificationKey, number>()
  #left: number
  #countedAt = Number.NEGATIVE_INFINITY

  constructor({ burst, cooldown }: RefetchBudgetOptions) {
    this.#burst = burst
    this.#cooldown = cooldown
    this.#left = burst
  }

  /**
   * Whether a fetch that began within the last `cooldown` has found that the issuer does not
   * publish the key: it published no candidate, or only candidates that do not verify the token
   * (`doubted`).
   */
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

  /**
   * Records the result of a fetch that began at `askedAt`: the keys that the issuer publishes for
   * the token (`doubted`), or that it publishes none.
   */
  recordMissing({ kid, doubted }: MissingKey, askedAt: number): void {
    const until = askedAt + this.#cooldown
    for (const key of doubted) this.#confirmed.set(key, until)
    if (doubted.length === 0) this.#unknown.add(kid, until)
  }

  /**
   * Allows one more fetch after a failed one, which revealed nothing about keys. The back-off
   * delays the next fetch anyway.
   */
  refund(now: number): void {
    this.#left = Math.min(this.#count(now) + 1, this.#burst)
  }

  /** Clears the negative cache after an outage, in which the issuer may have rotated its keys. */
  forgetUnknown(): void {
    this.#unknown.clear()
  }

  #count(now: number): number {
    const passed = now - this.#countedAt
    // Adds nothing if the clock was set back or returns NaN.
    if (passed > 0) this.#left = Math.min(this.#left + passed / this.#cooldown, this.#burst)
    if (!Number.isNaN(now)) this.#countedAt = now
    return this.#left
  }
}
