import { BoundedCache } from '../base/bounded-cache.js'

const MAX_ENTRIES = 1_000
/**
 * Maximum length of a cached `kid`, in characters. A longer `kid` is not cached: callers choose it,
 * so the memory must be bounded.
 */
const MAX_LENGTH = 256

/**
 * Negative cache of the `kid`s for which the issuer's newest key set has no key. `undefined` stands
 * for tokens without a `kid`. The cache is bounded in number and size.
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

/** Returns the cache key of a `kid`. The prefix distinguishes a `kid` of "none" from no `kid`. */
function cacheKeyOf(kid: string | undefined): string {
  return kid === undefined ? 'none' : `=${kid}`
}
