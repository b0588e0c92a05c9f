/**
 * Introspects tokens (RFC 7662) and caches the responses for a short time.
 *
 * ```
 * token → cached? → in flight? → shared cache? → back-off? → slot → endpoint → request → cache
 *       → response
 * ```
 *
 * The load that callers without a valid token can cause is bounded: at most 1,000 concurrent
 * look-ups in the shared cache. A token has at most one introspection request in flight, and an
 * inactive token is introspected at most once per `negativeCacheMaxAge`. All untrusted tokens
 * together cause at most `untrustedPerSecond` introspection requests per second, after a burst of
 * as many; at most 40 of these are in flight and 1,000 queued. Requests with further untrusted
 * tokens get a 503. Trusted tokens have priority (`priority-limiter.ts`).
 */
import { setMaxListeners } from 'node:events'
import { sha256 } from '../base/thumbprint.js'
import { IntrospectionUnavailableError } from '../errors/errors.js'
import { LocatedEndpoint } from '../http/located-endpoint.js'
import { discoverIntrospection } from '../http/metadata.js'
import { type Recheck, RecheckCache } from './background-recheck.js'
import type { OnFailure } from './failure-reports.js'
import { InactiveTokens } from './inactive-tokens.js'
import { IntrospectionClient } from './introspection-client.js'
import type { IntrospectionFailure } from './introspection-failure.js'
import type { SendIntrospectionRequest } from './introspection-request.js'
import type { IntrospectionResponse, IntrospectionResult } from './introspection-response.js'
import type { IntrospectionFetch } from './options.js'
import type { Priority } from './priority-limiter.js'
import { ResponseCache } from './response-cache.js'
import { SharedResponses, type SharedResponsesOptions } from './shared-responses.js'

/** All times in milliseconds. */
export interface IntrospectorOptions {
  readonly issuer: string
  /** If set, no metadata is fetched. */
  readonly endpoint: string | undefined
  /** Whether only signed responses are accepted (RFC 9701). */
  readonly requireSignedResponse: boolean
  readonly allowHttp: boolean
  readonly send: SendIntrospectionRequest
  readonly cacheMaxAge: number
  readonly negativeCacheMaxAge: number
  readonly staleIfError: number
  readonly recheckInterval: number
  readonly recheckStaleIfError: number
  readonly untrustedPerSecond: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly timeout: number
  readonly fetch: IntrospectionFetch
  /** Wall clock, since the epoch; compared with `exp`. */
  readonly now: () => number
  /** Monotonic clock, used for lifetimes and pauses. */
  readonly monotonicNow: () => number
  readonly onFailure: OnFailure
  /** Called at the end of an outage, with its duration. Must not throw. */
  readonly onRecovery: (failedForMs: number) => void
  /**
   * Called at most once: when the issuer has reported ten different JWTs inactive that are valid
   * here, and no token active. Must not throw.
   */
  readonly onOnlyInactive: () => void
  /** The cache that all instances share; `undefined` if there is none. */
  readonly shared?:
    | Pick<SharedResponsesOptions, 'store' | 'secret' | 'clientId' | 'onFailure' | 'onRecovery'>
    | undefined
}

/** Maximum `Retry-After` that a caller receives, in seconds. */
const MAX_RETRY_AFTER_SECONDS = 60

export class Introspector {
  readonly #options: IntrospectorOptions
  readonly #closing = new AbortController()
  readonly #cache: ResponseCache
  readonly #client: IntrospectionClient
  readonly #rechecks: RecheckCache
  readonly #shared: SharedResponses | undefined
  readonly #inactiveTokens: InactiveTokens
  /** Single flight: concurrent requests with the same token share one introspection request. */
  readonly #inFlight = new Map<string, Promise<IntrospectionResponse | undefined>>()

  constructor(options: IntrospectorOptions) {
    const closing = this.#closing.signal
    // Each request in flight adds a listener. Node would report more than ten as a leak.
    setMaxListeners(0, closing)
    this.#options = options
    this.#cache = new ResponseCache(options)
    const { issuer, endpoint } = options
    this.#client = new IntrospectionClient({
      ...options,
      closing,
      endpoint: new LocatedEndpoint({
        ...options,
        server: issuer,
        closing,
        configured: endpoint === undefined ? undefined : { endpoint, signingAlgorithms: undefined },
        discover: (discovery) => discoverIntrospection(issuer, discovery),
      }),
    })
    this.#inactiveTokens = new InactiveTokens(options.onOnlyInactive)
    this.#rechecks = new RecheckCache({
      ...options,
      client: {
        request: (token, priority) => this.#send(token, priority, true),
        pause: (priority) => this.#client.pause(priority),
      },
    })
    const { shared } = options
    this.#shared = shared && new SharedResponses({ ...options, ...shared, closing })
  }

  /**
   * Returns the response for an active token; `undefined` for an inactive one. On a cache hit,
   * returns synchronously, without a promise.
   *
   * Checks only `active` in the response: the caller must check `exp`, `nbf`, `aud`, `iss`, `scope`
   * and `cnf`, as for a JWT.
   *
   * @param isVerified whether the token's signature was verified here, which gives the token
   *   priority over untrusted tokens. Default false.
   * @throws {IntrospectionUnavailableError} if the token cannot be introspected. A returned promise
   *   rejects with that error instead.
   */
  introspect(
    token: string,
    isVerified = false,
  ): IntrospectionResponse | undefined | Promise<IntrospectionResponse | undefined> {
    const key = sha256(token)
    const fresh = this.#cache.fresh(key)
    if (fresh !== undefined) return fresh
    const negative = this.#cache.negative(key)
    if (negative !== undefined) {
      return negative.failure && this.#staleOrUnavailable(key, negative.failure, isVerified)
    }
    const stale = this.#client.failing ? this.#cache.stale(key) : undefined
    if (stale === undefined) return this.#requestOrStale(key, token, isVerified)
    // Starts an introspection request to find out whether the issuer has recovered, but does not
    // wait for it.
    if (this.#client.pause(this.#priorityOf(key, isVerified)) === 0) {
      this.#join(key, token, isVerified).catch(() => {})
    }
    return stale
  }

  /**
   * Returns the background recheck of a JWT whose signature was verified here. The caller keeps the
   * recheck with the cached verification result. The recheck holds the token until a response shows
   * that the token is revoked.
   */
  recheckOf(token: string): Recheck {
    return this.#rechecks.recheckOf(token)
  }

  /** Why introspection fails for every token; `undefined` if it does not. */
  get outage(): IntrospectionFailure | undefined {
    return this.#client.outage
  }

  /** Aborts all requests in flight, and sends no further ones. */
  close(): void {
    this.#rechecks.close()
    this.#closing.abort(new Error('the resource server was closed'))
  }

  #priorityOf(key: string, isVerified: boolean): Priority {
    return isVerified || this.#cache.deservesPriority(key) ? 'high' : 'low'
  }

  async #requestOrStale(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionResponse | undefined> {
    try {
      return await this.#join(key, token, isVerified)
    } catch (failure) {
      return this.#staleOrUnavailable(key, failure as IntrospectionFailure, isVerified)
    }
  }

  #join(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionResponse | undefined> {
    const inFlight = this.#inFlight.get(key)
    if (inFlight !== undefined) return inFlight
    const pending = this.#request(key, token, isVerified).finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, pending)
    return pending
  }

  async #request(
    key: string,
    token: string,
    isVerified: boolean,
  ): Promise<IntrospectionResponse | undefined> {
    const shared = this.#shared && (await this.#adopt(key, this.#shared))
    if (shared !== undefined) return shared
    const priority = this.#priorityOf(key, isVerified)
    try {
      const result = await this.#send(token, priority, isVerified)
      return this.#remember(key, result)
    } catch (error) {
      const failure = error as IntrospectionFailure
      // A 429 for an untrusted token may concern this token alone, so Retry-After delays its retry.
      const retryAfterMs =
        priority === 'low' && failure.isThrottling ? failure.retryAfterMs : undefined
      if (failure.attributedTo === 'token') this.#cache.storeFailure(key, failure, retryAfterMs)
      throw failure
    }
  }

  async #send(token: string, priority: Priority, isVerified: boolean) {
    const result = await this.#client.request(token, priority)
    if (result.kind === 'active') this.#inactiveTokens.recordActive()
    else if (result.kind === 'inactive' && isVerified) this.#inactiveTokens.recordInactive(token)
    return result
  }

  /**
   * Caches the response that the shared cache has for the token. Returns the response if it is
   * fresh; otherwise `undefined`. A stale response is cached as well, for use during an outage.
   */
  async #adopt(key: string, shared: SharedResponses): Promise<IntrospectionResponse | undefined> {
    const found = await shared.find(key)
    if (found === undefined) return undefined
    const { response, length, age } = found
    // An entry of this age should have expired in the store, so an attacker may have replayed it.
    // Caching it would give the token priority over untrusted tokens.
    if (age >= this.#options.cacheMaxAge + this.#options.staleIfError) return undefined
    if (this.#cache.inactiveSince(key, age)) {
      // The entry is outdated or replayed: the issuer has since reported the token inactive.
      shared.forget(key)
      return undefined
    }
    // The local stale response is kept, because it may be newer.
    if (age >= this.#options.cacheMaxAge && this.#cache.stale(key) !== undefined) return undefined
    this.#inactiveTokens.recordActive()
    this.#cache.store(key, response, length, age)
    return this.#cache.fresh(key)
  }

  #remember(key: string, result: IntrospectionResult): IntrospectionResponse | undefined {
    if (result.kind !== 'active') {
      // A flood of invalid tokens, which have no cache entry, must not reach the store.
      if (this.#cache.hasEntry(key)) this.#shared?.forget(key)
      this.#cache.storeNegative(key)
      return undefined
    }
    this.#cache.store(key, result.response, result.length)
    this.#shared?.share(key, result.response)
    return result.response
  }

  /**
   * Returns the cached response if `staleIfError` allows its use.
   *
   * @throws {IntrospectionUnavailableError} otherwise.
   */
  #staleOrUnavailable(
    key: string,
    failure: IntrospectionFailure,
    isVerified: boolean,
  ): IntrospectionResponse {
    const stale = this.#cache.stale(key)
    if (stale !== undefined) return stale
    const pause = this.#client.pause(this.#priorityOf(key, isVerified))
    const seconds = Math.ceil(Math.max(pause, this.#cache.negativeFor(key)) / 1_000)
    const retryAfter = Math.max(1, Math.min(seconds, MAX_RETRY_AFTER_SECONDS))
    // One error per waiter, because error handlers may mutate it.
    throw new IntrospectionUnavailableError(this.#options.issuer, retryAfter, failure)
  }
}
