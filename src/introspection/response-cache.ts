/**
 * Caches introspection responses for a short time.
 *
 * Keyed by the SHA-256 of the token (RFC 9700 §4.9.3), bounded in entries and bytes. Negative entries
 * have a cache of their own: an attacker can create any number of them, and evicts only negative
 * entries. No response is used at or after its `exp` (RFC 7662 §4).
 */
import { createHash } from 'node:crypto'
import { BoundedCache } from '../base/bounded-cache.js'
import { ownMember } from '../base/plain-object.js'
import { LONGEST_ASKED_FOR } from '../http/back-off.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionResponse } from './introspection-response.js'

/** All times in milliseconds. */
export interface ResponseCacheOptions {
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly staleIfError: number
  readonly maxEntries: number
  readonly maxBytes: number
  /** For `exp`. */
  readonly now: () => number
  /** Monotonic: for lifetimes. */
  readonly steadyNow: () => number
}

interface Kept {
  readonly answer: IntrospectionResponse
  readonly freshUntil: number
  readonly usableUntil: number
}

/** The token is inactive (no `failure`), or the issuer failed for this token. */
export interface NegativeEntry {
  readonly failure: IntrospectionFailure | undefined
  readonly until: number
  /** When the issuer last called the token inactive; `-Infinity` if it never did. */
  readonly refusedAt: number
  /** Number of consecutive failures. */
  readonly failures: number
}

/** Lifetime of a failure: short, because the issuer may recover. */
const FAILED_FOR = 1_000

/** After this number of consecutive failures a token loses its priority. */
const MAX_FAILURES = 3

/** A parsed response takes a few times the size of its text (measured as for verified tokens). */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024

export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #good: BoundedCache<string, Kept>
  readonly #refused: BoundedCache<string, NegativeEntry>

  constructor(options: ResponseCacheOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#good = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#refused = new BoundedCache({ max: maxEntries })
  }

  fresh(key: string): IntrospectionResponse | undefined {
    const kept = this.#good.get(key)
    if (kept === undefined || !(this.#options.steadyNow() < kept.freshUntil)) return undefined
    return this.#unexpired(kept)
  }

  /** Returns an "active" response that is fresh, or stale within `staleIfError`. */
  stale(key: string): IntrospectionResponse | undefined {
    const kept = this.#good.get(key)
    if (kept === undefined || !(this.#options.steadyNow() < kept.usableUntil)) return undefined
    return this.#unexpired(kept)
  }

  negative(key: string): NegativeEntry | undefined {
    const refusal = this.#refused.get(key)
    return refusal !== undefined && this.#options.steadyNow() < refusal.until ? refusal : undefined
  }

  /** Milliseconds until the negative entry expires; 0 if there is none. */
  negativeFor(key: string): number {
    const { until = Number.NEGATIVE_INFINITY } = this.#refused.get(key) ?? {}
    return Math.max(0, until - this.#options.steadyNow())
  }

  /** Whether there is an "active" response, fresh or not. */
  hasEntry(key: string): boolean {
    return this.#good.has(key)
  }

  /** Whether the token has priority over untrusted ones. */
  deservesPriority(key: string): boolean {
    return this.hasEntry(key) && !((this.#refused.get(key)?.failures ?? 0) >= MAX_FAILURES)
  }

  /** Whether the issuer has called the token inactive since a response of that age (milliseconds). */
  inactiveSince(key: string, age: number): boolean {
    return this.#refusedAt(key) >= this.#options.steadyNow() - age
  }

  /** @param age of the response in milliseconds, if another instance received it. */
  store(key: string, answer: IntrospectionResponse, length: number, age = 0): void {
    const { cacheMaxAge: maxAge, staleIfError, steadyNow } = this.#options
    const freshUntil = steadyNow() + maxAge - age
    const size = BYTES_PER_ENTRY + length * BYTES_PER_CHARACTER
    this.#good.set(key, { answer, freshUntil, usableUntil: freshUntil + staleIfError }, { size })
    this.#refused.delete(key)
  }

  /** Stores that the token is inactive, and removes its "active" response. */
  storeNegative(key: string): void {
    this.#good.delete(key)
    const { steadyNow, negativeCacheMaxAge } = this.#options
    const refusedAt = steadyNow()
    const until = refusedAt + negativeCacheMaxAge
    this.#refused.set(key, { failure: undefined, until, refusedAt, failures: 0 })
  }

  /**
   * Stores that introspection of the token failed, so that it is not repeated immediately.
   *
   * @param askedFor the `Retry-After` for this token, in milliseconds.
   */
  storeFailure(key: string, failure: IntrospectionFailure, askedFor = 0): void {
    const pause = Math.max(FAILED_FOR, Math.min(askedFor, LONGEST_ASKED_FOR))
    const until = this.#options.steadyNow() + pause
    const failures = (this.#refused.get(key)?.failures ?? 0) + 1
    this.#refused.set(key, { failure, until, refusedAt: this.#refusedAt(key), failures })
  }

  #refusedAt(key: string): number {
    return this.#refused.get(key)?.refusedAt ?? Number.NEGATIVE_INFINITY
  }

  /** An `exp` that is not a number counts as unexpired: later checks reject the token. */
  #unexpired({ answer }: Kept): IntrospectionResponse | undefined {
    const exp = ownMember(answer, 'exp')
    return typeof exp !== 'number' || this.#options.now() < exp * 1_000 ? answer : undefined
  }
}

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
