/**
 * Caches exchanged tokens, and failures for a short time. A key is the fingerprint of the subject
 * token and of the whole request, so that different subject tokens never share an entry. Failures
 * have their own cache: callers can cause any number of them, which evict other failures only.
 */
import { BoundedCache } from '../base/bounded-cache.js'
import type { FailedExchange, RejectedExchange } from './exchange-failure.js'
import type { ExchangedToken } from './exchanged-token.js'

export interface ExchangedTokenCacheOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  /**
   * Wall clock, in milliseconds since the epoch; compared with the expiry of both tokens, because a
   * monotonic clock may stop while the machine sleeps.
   */
  readonly now: () => number
  /** Monotonic clock in milliseconds, used for the lifetimes of entries. */
  readonly monotonicNow: () => number
}

/** When a cached token must no longer be used. */
export interface CacheLifetime {
  /** On the monotonic clock. */
  readonly freshUntil: number
  /** The earlier expiry of the two tokens, in milliseconds since the epoch. */
  readonly notAfter: number
}

interface CachedToken extends CacheLifetime {
  readonly token: ExchangedToken
}

export interface CachedFailure {
  readonly failure: RejectedExchange | FailedExchange
  /** On the monotonic clock. */
  readonly until: number
}

/** Estimated memory of an entry, without the access token and its scope. */
const BYTES_PER_ENTRY = 1_024
/** Estimated memory of a scope token, without its characters. */
const BYTES_PER_SCOPE_TOKEN = 24

export class ExchangedTokenCache {
  readonly #options: ExchangedTokenCacheOptions
  readonly #tokens: BoundedCache<string, CachedToken>
  readonly #failures: BoundedCache<string, CachedFailure>
  /** The keys of the tokens, for {@link discard}. */
  readonly #keys = new WeakMap<ExchangedToken, string>()

  constructor(options: ExchangedTokenCacheOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#tokens = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#failures = new BoundedCache({ max: maxEntries })
  }

  token(key: string): ExchangedToken | undefined {
    const cached = this.#tokens.get(key)
    if (cached === undefined) return undefined
    if (this.#isFresh(cached)) return cached.token
    this.#tokens.delete(key)
    return undefined
  }

  failure(key: string): CachedFailure | undefined {
    const cached = this.#failures.get(key)
    return cached !== undefined && this.#options.monotonicNow() < cached.until ? cached : undefined
  }

  storeToken(key: string, token: ExchangedToken, lifetime: CacheLifetime): void {
    this.#failures.delete(key)
    if (!this.#isFresh(lifetime)) return
    const size = BYTES_PER_ENTRY + token.accessToken.length + sizeOf(token.scope)
    this.#tokens.set(key, { ...lifetime, token }, { size })
    this.#keys.set(token, key)
  }

  /** Removes the token. Keeps a later token that has the same key. */
  discard(token: ExchangedToken): void {
    const key = this.#keys.get(token)
    if (key !== undefined && this.#tokens.peek(key)?.token === token) this.#tokens.delete(key)
  }

  storeFailure(key: string, cached: CachedFailure): void {
    this.#failures.set(key, cached)
  }

  clear(): void {
    this.#tokens.clear()
    this.#failures.clear()
  }

  #isFresh({ freshUntil, notAfter }: CacheLifetime): boolean {
    const { now, monotonicNow } = this.#options
    return monotonicNow() < freshUntil && now() < notAfter
  }
}

/** Returns the estimated memory of scope tokens, in bytes. */
function sizeOf(scope: readonly string[] = []): number {
  return scope.reduce((bytes, token) => bytes + BYTES_PER_SCOPE_TOKEN + token.length, 0)
}
