/**
 * Caches introspection responses for a short time.
 *
 * Entries are keyed by the SHA-256 of the token (RFC 9700 §4.9.3). Negative entries have their own
 * cache: an attacker can create any number of negative entries, but these evict only other negative
 * entries. No response is used at or after its `exp` (RFC 7662 §4).
 */
import { BoundedCache } from '../base/bounded-cache.js'
import { ownMember } from '../base/plain-object.js'
import { MAX_RETRY_AFTER_MS } from '../http/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionResponse } from './introspection-response.js'

/** All times in milliseconds. */
export interface ResponseCacheOptions {
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly staleIfError: number
  readonly maxEntries: number
  readonly maxBytes: number
  /** Wall clock, since the epoch; compared with `exp`. */
  readonly now: () => number
  /** Monotonic clock, used for the lifetimes of entries. */
  readonly monotonicNow: () => number
}

interface CachedResponse {
  readonly response: IntrospectionResponse
  readonly freshUntil: number
  readonly usableUntil: number
}

/** Records that a token is inactive, or that introspecting it failed. Times are monotonic. */
export interface NegativeEntry {
  /** `undefined` if the token is inactive. */
  readonly failure: IntrospectionFailure | undefined
  readonly until: number
  /** When the issuer last reported the token inactive; `-Infinity` if it never did. */
  readonly inactiveAt: number
  /** Number of consecutive failures. */
  readonly failures: number
}

/**
 * Lifetime of a cached failure without a longer `Retry-After`, in milliseconds: short, because the
 * issuer may recover.
 */
const FAILURE_TTL_MS = 1_000

/** Number of consecutive failures after which a token loses its priority. */
const MAX_FAILURES = 3

/** Estimated memory of a parsed response per character of its text; see `verified-tokens.ts`. */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024

export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #active: BoundedCache<string, CachedResponse>
  readonly #negative: BoundedCache<string, NegativeEntry>

  constructor(options: ResponseCacheOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#active = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#negative = new BoundedCache({ max: maxEntries })
  }

  /** Returns an "active" response that is fresh and unexpired; otherwise `undefined`. */
  fresh(key: string): IntrospectionResponse | undefined {
    const cached = this.#active.get(key)
    if (cached === undefined || !(this.#options.monotonicNow() < cached.freshUntil))
      return undefined
    return this.#unexpired(cached)
  }

  /**
   * Returns an unexpired "active" response that is fresh, or stale within `staleIfError`; otherwise
   * `undefined`.
   */
  stale(key: string): IntrospectionResponse | undefined {
    const cached = this.#active.get(key)
    if (cached === undefined || !(this.#options.monotonicNow() < cached.usableUntil))
      return undefined
    return this.#unexpired(cached)
  }

  negative(key: string): NegativeEntry | undefined {
    const entry = this.#negative.get(key)
    return entry !== undefined && this.#options.monotonicNow() < entry.until ? entry : undefined
  }

  /** Returns the milliseconds until the negative entry expires; 0 if there is none. */
  negativeFor(key: string): number {
    const { until = Number.NEGATIVE_INFINITY } = this.#negative.get(key) ?? {}
    return Math.max(0, until - this.#options.monotonicNow())
  }

  /** Whether the cache has an "active" response for the token, fresh or not. */
  hasEntry(key: string): boolean {
    return this.#active.has(key)
  }

  /**
   * Whether the cache has an "active" response for the token, and the token has failed fewer than
   * three times in a row since.
   */
  deservesPriority(key: string): boolean {
    return this.hasEntry(key) && !((this.#negative.get(key)?.failures ?? 0) >= MAX_FAILURES)
  }

  /** Whether the issuer reported the token inactive within the last `age` milliseconds. */
  inactiveSince(key: string, age: number): boolean {
    return this.#inactiveAt(key) >= this.#options.monotonicNow() - age
  }

  /**
   * Stores an "active" response.
   *
   * @param length the length of the response text in characters.
   * @param age milliseconds since the response was received, possibly by another instance.
   */
  store(key: string, response: IntrospectionResponse, length: number, age = 0): void {
    const { cacheMaxAge, staleIfError, monotonicNow } = this.#options
    const freshUntil = monotonicNow() + cacheMaxAge - age
    const size = BYTES_PER_ENTRY + length * BYTES_PER_CHARACTER
    this.#active.set(
      key,
      { response, freshUntil, usableUntil: freshUntil + staleIfError },
      { size },
    )
    this.#negative.delete(key)
  }

  /** Stores that the token is inactive, and removes its "active" response. */
  storeNegative(key: string): void {
    this.#active.delete(key)
    const { monotonicNow, negativeCacheMaxAge } = this.#options
    const inactiveAt = monotonicNow()
    const until = inactiveAt + negativeCacheMaxAge
    this.#negative.set(key, { failure: undefined, until, inactiveAt, failures: 0 })
  }

  /**
   * Stores a failed introspection, so that the token is not introspected again immediately.
   *
   * @param retryAfterMs the `Retry-After` for this token, in milliseconds; more than 60,000 counts
   *   as 60,000.
   */
  storeFailure(key: string, failure: IntrospectionFailure, retryAfterMs = 0): void {
    const pause = Math.max(FAILURE_TTL_MS, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
    const until = this.#options.monotonicNow() + pause
    const failures = (this.#negative.get(key)?.failures ?? 0) + 1
    this.#negative.set(key, { failure, until, inactiveAt: this.#inactiveAt(key), failures })
  }

  #inactiveAt(key: string): number {
    return this.#negative.get(key)?.inactiveAt ?? Number.NEGATIVE_INFINITY
  }

  /**
   * Returns the response; `undefined` if it has expired. A response without a numeric `exp` counts
   * as unexpired here, because later checks reject its token.
   */
  #unexpired({ response }: CachedResponse): IntrospectionResponse | undefined {
    const exp = ownMember(response, 'exp')
    return typeof exp !== 'number' || this.#options.now() < exp * 1_000 ? response : undefined
  }
}
