/**
 * Introspects, in the background, JWTs whose signatures were verified here. Each JWT in use is
 * rechecked every `recheckInterval`: a revoked JWT is rejected about one interval later, and no
 * request waits for the issuer. A failed recheck is retried while the token is in use
 * (`recheck-retries.ts`); meanwhile the token is accepted for at most `recheckStaleIfError`.
 */
import { BoundedCache } from '../base/bounded-cache.js'
import { sha256 } from '../base/thumbprint.js'
import type { IntrospectionClient } from './introspection-client.js'
import { RecheckRetries } from './recheck-retries.js'

/**
 * `unknown`: no recheck has succeeded yet; the token is accepted. `unconfirmed`: no recheck has
 * confirmed or revoked the token within `recheckStaleIfError`; requests with the token get a 503.
 */
export type TokenState = 'active' | 'revoked' | 'unknown' | 'unconfirmed'

/** Times in milliseconds. */
export interface RecheckCacheOptions {
  readonly client: Pick<IntrospectionClient, 'request' | 'pause'>
  /** Interval between two rechecks of a token. */
  readonly recheckInterval: number
  /**
   * How long a token is accepted while rechecks fail, from the start of the first failed recheck.
   */
  readonly recheckStaleIfError: number
  /** Deadline of a recheck. */
  readonly timeout: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly monotonicNow: () => number
}

/**
 * Delay before a failed recheck is retried. A longer pause after an outage prolongs the delay, but
 * not beyond `recheckInterval` after the start of the failed recheck.
 */
const RETRY_DELAY_MS = 1_000
/** Estimated memory of a recheck and its cache entry, in bytes, without the token. */
const BYTES_PER_RECHECK = 512

/** Rechecks one token. The cached verification result of the token refers to this object. */
export class Recheck {
  readonly #options: RecheckCacheOptions
  readonly #retries: RecheckRetries
  readonly #onRevoked: (recheck: Recheck) => void
  #token: string
  #state: TokenState = 'unknown'
  #dueAt = Number.NEGATIVE_INFINITY
  #usedAt = Number.NEGATIVE_INFINITY
  /**
   * Time until which the token is accepted without confirmation. Finite from the start of a recheck
   * until a recheck confirms or revokes the token; otherwise infinite.
   */
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

  /**
   * The error of the latest completed recheck; `undefined` if the issuer responded to it, or if no
   * recheck has completed.
   */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether the latest recheck failed and the token was used within the last `recheckInterval`. */
  get needsRetry(): boolean {
    const { monotonicNow, recheckInterval } = this.#options
    return this.#failure !== undefined && monotonicNow() - this.#usedAt <= recheckInterval
  }

  /**
   * Returns the latest state synchronously, and starts a recheck in the background if one is due. A
   * revoked token stays revoked. If rechecks fail, the state changes only after
   * `recheckStaleIfError`.
   */
  check(): TokenState {
    const now = this.#options.monotonicNow()
    this.#usedAt = now
    this.recheckIfDue()
    return now <= this.#acceptedUntil ? this.#state : 'unconfirmed'
  }

  /** Starts a recheck if one is due. @returns whether one was due. */
  recheckIfDue(): boolean {
    if (this.#options.monotonicNow() < this.#dueAt) return false
    this.#recheck()
    return true
  }

  async #recheck(): Promise<void> {
    const { client, recheckInterval, recheckStaleIfError, timeout, monotonicNow } = this.#options
    const startedAt = monotonicNow()
    this.#dueAt = Number.POSITIVE_INFINITY
    // While a recheck is in flight, it has not failed: a recheckStaleIfError that is shorter than
    // the response time must not reject tokens of a healthy issuer.
    this.#acceptAtMostUntil(startedAt + Math.max(recheckStaleIfError, timeout))
    try {
      const { kind } = await client.request(this.#token, 'background')
      this.#failure = undefined
      if (kind === 'inactive') return this.#revoke()
      // A malformed response neither confirms nor revokes a token whose signature is valid.
      if (kind === 'active') this.#confirm()
      this.#dueAt = startedAt + recheckInterval
    } catch (failure) {
      // The client has already reported the failure to the operator.
      this.#failure = failure
      this.#acceptAtMostUntil(startedAt + recheckStaleIfError)
      const retryAt = monotonicNow() + Math.max(RETRY_DELAY_MS, client.pause('background'))
      this.#dueAt = Math.min(startedAt + recheckInterval, retryAt)
      this.#retries.add(this)
    }
  }

  #acceptAtMostUntil(time: number): void {
    this.#acceptedUntil = Math.min(this.#acceptedUntil, time)
  }

  #confirm(): void {
    this.#state = 'active'
    this.#acceptedUntil = Number.POSITIVE_INFINITY
  }

  #revoke(): void {
    this.#state = 'revoked'
    this.#acceptedUntil = Number.POSITIVE_INFINITY
    // Frees the memory of the token: a revoked token is never introspected again.
    this.#token = ''
    this.#onRevoked(this)
  }
}

/**
 * Holds one recheck per signing input, keyed by the SHA-256 of that input. So a revoked JWT stays
 * revoked if it is verified again, or if a caller changes its ECDSA signature (r, s) to the equally
 * valid (r, n−s). The issuer does not know a token with a changed signature: if a caller sends such
 * a token first, the genuine one is rejected as well. No caller can get a revoked token accepted by
 * changing the signature.
 *
 * The caches are bounded. Revoked tokens have their own cache, so that active tokens cannot evict
 * them.
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
   * Returns the recheck of a token, and creates that recheck if there is none.
   *
   * @param token a JWT whose signature was verified, because a forged JWT can have the same signing
   *   input as a genuine one.
   */
  recheckOf(token: string): Recheck {
    const key = sha256(token.slice(0, token.lastIndexOf('.')))
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
