import { BoundedCache } from '../base/bounded-cache.js'

const MAX_ENTRIES = 1_000
/**
 * Callers choose the `kid`: longer ones are not cached, to bound memory, and are looked up again.
 */
const MAX_LENGTH = 256

/**
 * Negative cache of the `kid`s that the issuer's newest key set has no key for; `undefined` stands
 * for tokens without a `kid`. Bounded in number and size.
 */
export class NegativeKidCache {
  readonly #until = new BoundedCache<string, number>({ max: MAX_ENTRIES })

  has(kid: string | undefined, now: number): boolean {
    return now < (this.#until.get(cacheKeyOf(kid)) ?? Number.NEGATIVE_INFINITY)
  }

  add(kid: string | undefined, until: number): void {
    if (kid === undefined || kid.length <= MAX_LENGTH) this.#until.set(cacheKeyOf(kid), until)
  }

  clear(): void {
    this.#until.clear()
  }
}

/** Returns the cache key: for a missing `kid`, one that no `kid` maps to. */
function cacheKeyOf(kid: string | undefined): string {
  return kid === undefined ? 'none' : `=${kid}`
}
