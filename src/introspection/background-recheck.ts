/**
 * Background recheck: periodically introspects a token whose signature was verified here, so that a
 * revoked one is rejected within the interval while no request waits. A failed recheck is retried
 * until it succeeds (`recheck-retries.ts`); meanwhile the token is accepted for at most
 * `recheckStaleIfError`.
 */
import { BoundedCache } from '../base/bounded-cache.js'
import type { IntrospectionClient } from './introspection-client.js'
import { RecheckRetries } from './recheck-retries.js'
import { digestOf } from './response-cache.js'

/** `unknown`: no recheck has succeeded yet. `unconfirmed`: none has within `recheckStaleIfError`. */
export type TokenState = 'active' | 'revoked' | 'unknown' | 'unconfirmed'

/** Times in milliseconds. */
export interface RecheckCacheOptions {
  readonly client: Pick<IntrospectionClient, 'request' | 'pause'>
  /** Between two rechecks of a token. */
  readonly recheckInterval: number
  /** How long the token is accepted while rechecks fail, from the first failed one. */
  readonly recheckStaleIfError: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly monotonicNow: () => number
}

/** Delay after a failed recheck, if no back-off requires a longer one. */
const RETRY_DELAY_MS = 1_000
/** The object and its cache entry, without the token. */
const BYTES_PER_RECHECK = 512

/** The recheck of one token. A cached verification result of the token holds it. */
export class Recheck {
  readonly #options: RecheckCacheOptions
  readonly #retries: RecheckRetries
  readonly #onRevoked: (recheck: Recheck) => void
  #token: string
  #state: TokenState = 'unknown'
  #dueAt = Number.NEGATIVE_INFINITY
  #usedAt = Number.NEGATIVE_INFINITY
  /** Infinite unless the latest recheck failed. */
  #acceptedUntil = Number.POSITIVE_INFINITY
  #failure: unknown

  constructor(
    token: string,
    options: RecheckCacheOptions,
    retries: RecheckRetries,
    onRevoked: (recheck: Recheck) => void,
  ) {
    this.#token = token
    this.#options = options
    this.#retries = retries
    this.#onRevoked = onRevoked
  }

  /** Why the latest recheck failed. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether the latest recheck failed and the token was used within the last interval. */
  get needsRetry(): boolean {
    const { monotonicNow, recheckInterval } = this.#options
    return this.#failure !== undefined && monotonicNow() - this.#usedAt <= recheckInterval
  }

  /**
   * Returns the latest state synchronously, and starts a recheck in the background if one is due. A
   * revoked token stays revoked. A failed recheck changes nothing within `recheckStaleIfError`.
   */
  check(): TokenState {
    const now = this.#options.monotonicNow()
    this.#usedAt = now
    this.recheckIfDue()
    return now <= this.#acceptedUntil ? this.#state : 'unconfirmed'
  }

  /** Starts a recheck if one is due. @returns whether it was. */
  recheckIfDue(): boolean {
    if (this.#options.monotonicNow() < this.#dueAt) return false
    this.#recheck()
    return true
  }

  async #recheck(): Promise<void> {
    const { client, recheckInterval, recheckStaleIfError, monotonicNow } = this.#options
    const startedAt = monotonicNow()
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#acceptedUntil = Math.min(this.#acceptedUntil, startedAt + recheckStaleIfError)
    try {
      const { kind } = await client.request(this.#token, 'background')
      this.#failure = undefined
      if (kind === 'inactive') return this.#revoke()
      // A malformed response neither confirms nor revokes a token whose signature is valid.
      if (kind === 'active') this.#confirm()
      this.#dueAt = startedAt + recheckInterval
    } catch (failure) {
      // Already reported to the operator.
      this.#failure = failure
      const retryAt = monotonicNow() + Math.max(RETRY_DELAY_MS, client.pause('background'))
      this.#dueAt = Math.min(startedAt + recheckInterval, retryAt)
      this.#retries.add(this)
    }
  }

  #confirm(): void {
    this.#state = 'active'
    this.#acceptedUntil = Number.POSITIVE_INFINITY
  }

  #revoke(): void {
    this.#state = 'revoked'
    this.#acceptedUntil = Number.POSITIVE_INFINITY
    // Frees the token: it is never introspected again.
    this.#token = ''
    this.#onRevoked(this)
  }
}

/**
 * Rechecks keyed by the SHA-256 of the token's signing input: neither re-verification nor a malleated
 * ECDSA signature (r, n−s) starts a new recheck or clears a revocation. A caller who sends such a
 * malleated token first may have the genuine one rejected, because the issuer does not know the
 * former, but cannot have a revoked one accepted.
 *
 * Bounded. Revoked entries have their own cache, so that others cannot evict them.
 */
export class RecheckCache {
  readonly #options: RecheckCacheOptions
  readonly #active: BoundedCache<string, Recheck>
  readonly #revoked: BoundedCache<string, Recheck>
  readonly #retries = new RecheckRetries()

  constructor(options: RecheckCacheOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#active = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#revoked = new BoundedCache({ max: maxEntries })
  }

  /**
   * Returns the recheck of a token.
   *
   * @param token a JWT whose signature was verified; otherwise its signing input does not identify it.
   */
  recheckOf(token: string): Recheck {
    const key = digestOf(token.slice(0, token.lastIndexOf('.')))
    return this.#revoked.get(key) ?? this.#active.get(key) ?? this.#start(key, token)
  }

  close(): void {
    this.#retries.close()
  }

  #start(key: string, token: string): Recheck {
    const recheck = new Recheck(token, this.#options, this.#retries, (revoked) => {
      this.#active.delete(key)
      this.#revoked.set(key, revoked)
    })
    this.#active.set(key, recheck, { size: BYTES_PER_RECHECK + token.length })
    return recheck
  }
}
