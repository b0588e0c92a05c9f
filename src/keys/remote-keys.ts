/**
 * The life of a key set that is fetched from its issuer: no valid request lost, no flood let
 * through.
 *
 * ```
 *          first use              freshness nearly over         staleIfError over
 *  EMPTY ────────────▶ FRESH ───────────────────────▶ STALE ───────────────────────▶ EMPTY
 *          requests       ▲   refresh in background,    │    requests wait again,
 *          wait           └── requests don't wait ◀─────┘    503 if it fails
 * ```
 *
 * Fetches are asked for by three events: a first use, freshness running out, and a `kid` that isn't
 * in the set. However many requests meet in one event, one fetch is made; after a failed one, the
 * next waits for a back-off that is counted from that attempt.
 */

import type { Algorithm } from '../algorithms.js'
import { KeysUnavailableError } from '../errors.js'
import type { JsonDocument } from './fetch-json.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeySource } from './key-source.js'
import type { VerificationKey } from './verification-key.js'

/** All times in milliseconds. */
export interface RemoteKeysOptions {
  readonly issuer: string
  /** Fetches the key set document, discovery included. Heeds the signal. */
  readonly fetchKeySet: (signal: AbortSignal) => Promise<JsonDocument>
  readonly timeout: number
  readonly cooldown: number
  readonly minimumAge: number
  readonly maximumAge: number
  readonly staleIfError: number
  readonly maxKeys: number
  readonly now: () => number
  /** Told of each attempt that failed: once an attempt, not once a request. */
  readonly onFailure: (error: unknown, retryIn: number) => void
}

interface Loaded {
  readonly keys: KeySet
  readonly refreshAt: number
  readonly usableUntil: number
}

/** The part of its freshness after which a set is refreshed, so that it doesn't lapse. */
const REFRESH_AT = 0.8
const FIRST_BACK_OFF = 1_000
const LONGEST_BACK_OFF = 30_000

export class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions
  readonly #closing = new AbortController()
  #loaded: Loaded | undefined
  #attempt: Promise<KeySet> | undefined
  #failures = 0
  #lastFailure: unknown
  #retryAt = Number.NEGATIVE_INFINITY
  #unknownKidAllowedAt = Number.NEGATIVE_INFINITY

  constructor(options: RemoteKeysOptions) {
    this.#options = options
  }

  find(algorithm: Algorithm, kid: string | undefined) {
    const keys = this.#current()
    if (keys === undefined) return this.#load().then((loaded) => loaded.find(algorithm, kid))
    const found = keys.find(algorithm, kid)
    // A known key that doesn't fit the algorithm is a wrong token, not a rotation.
    if (found.length > 0 || (kid !== undefined && keys.knows(kid))) return found
    return this.#findUnknown(algorithm, kid)
  }

  trusts(key: VerificationKey): boolean {
    return this.#current()?.has(key) ?? false
  }

  close(): void {
    this.#closing.abort(new Error('the resource server was closed'))
  }

  /** The keys at hand, if they may still be used; asks for newer ones in good time. */
  #current(): KeySet | undefined {
    if (this.#loaded === undefined) return undefined
    const now = this.#options.now()
    if (now >= this.#loaded.usableUntil) return undefined
    if (now >= this.#loaded.refreshAt && now >= this.#retryAt) {
      // The failure was told to the operator, and no request depends on it.
      this.#load().catch(() => {})
    }
    return this.#loaded.keys
  }

  /**
   * No key at hand fits: the issuer may have rotated. One fetch answers everybody who wonders at
   * the same time; what it doesn't know is refused without another until the cooldown is over.
   */
  async #findUnknown(algorithm: Algorithm, kid: string | undefined) {
    // What is under way may have been asked for before the issuer published the key.
    const underWay = await this.#attempt?.then((keys) => keys.find(algorithm, kid))
    if (underWay !== undefined && underWay.length > 0) return underWay
    if (this.#attempt === undefined) {
      const now = this.#options.now()
      if (now < this.#unknownKidAllowedAt) return []
      this.#unknownKidAllowedAt = now + this.#options.cooldown
    }
    const keys = await this.#load()
    return keys.find(algorithm, kid)
  }

  /** One attempt at a time, shared by all who wait. */
  #load(): Promise<KeySet> {
    if (this.#attempt !== undefined) return this.#attempt
    if (this.#closing.signal.aborted || this.#options.now() < this.#retryAt) {
      return Promise.reject(this.#unavailable())
    }
    this.#attempt = this.#fetch().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #fetch(): Promise<KeySet> {
    const { maxKeys, now } = this.#options
    try {
      const document = await this.#withinDeadline(this.#options.fetchKeySet)
      const imported = await importKeySet(document.body, maxKeys)
      const keys = imported.keepIdentityOf(this.#loaded?.keys)
      this.#loaded = { keys, ...this.#lifetime(document.maxAge, now()) }
      this.#failures = 0
      this.#retryAt = Number.NEGATIVE_INFINITY
      return keys
    } catch (error) {
      const retryIn = this.#backOff()
      this.#retryAt = now() + retryIn
      this.#lastFailure = error
      // Nobody knows yet whether the key exists: the back-off alone spaces the next attempt.
      this.#unknownKidAllowedAt = Number.NEGATIVE_INFINITY
      if (!this.#closing.signal.aborted) this.#options.onFailure(error, retryIn)
      throw this.#unavailable()
    }
  }

  /** One deadline from the first connection to the last byte, whatever `fetch` makes of a signal. */
  async #withinDeadline<T>(exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeout } = this.#options
    const controller = new AbortController()
    const aborted = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason))
    })
    const end = () => controller.abort(this.#closing.signal.reason)
    const timer = setTimeout(
      () => controller.abort(new Error(`no complete answer within ${timeout} ms`)),
      timeout,
    )
    timer.unref()
    this.#closing.signal.addEventListener('abort', end)
    try {
      return await Promise.race([exchange(controller.signal), aborted])
    } finally {
      clearTimeout(timer)
      this.#closing.signal.removeEventListener('abort', end)
    }
  }

  #lifetime(maxAge: number | undefined, now: number): Omit<Loaded, 'keys'> {
    const { minimumAge, maximumAge, staleIfError } = this.#options
    const wanted = maxAge === undefined ? maximumAge : maxAge * 1000
    const freshFor = Math.min(Math.max(wanted, minimumAge), maximumAge)
    return {
      refreshAt: now + freshFor * REFRESH_AT,
      usableUntil: now + freshFor + staleIfError,
    }
  }

  /** Doubles with each failure; the jitter keeps a fleet from coming back in step. */
  #backOff(): number {
    this.#failures++
    const longest = Math.min(FIRST_BACK_OFF * 2 ** (this.#failures - 1), LONGEST_BACK_OFF)
    return longest * (0.5 + Math.random() / 2)
  }

  #unavailable(): KeysUnavailableError {
    const seconds = Math.ceil((this.#retryAt - this.#options.now()) / 1000)
    return new KeysUnavailableError(
      this.#options.issuer,
      Math.max(1, Math.min(seconds, LONGEST_BACK_OFF / 1000)),
      this.#lastFailure,
    )
  }
}
