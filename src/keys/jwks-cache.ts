/**
 * Caches the key set of one issuer. Invariants: cached keys verify tokens as long as the set is
 * usable, even if the issuer is down; and callers cannot cause an unbounded number of fetches.
 *
 * ```
 *          first use             end of freshness             staleIfError over
 *  EMPTY ─────────────▶ FRESH ─────────────────────▶ STALE ──────────────────────▶ EMPTY
 *          requests     ▲ │ ▲   refresh succeeds,      │      requests wait again,
 *          wait for it  └─┘ └── no request waits ◀─────┘      503 if the fetch fails
 *               refresh in the background
 *               at 80 % of the freshness
 * ```
 *
 * Apart from `refresh()`, three events cause a fetch: a request while no usable set is cached, the
 * approaching end of freshness, and a token that no cached key verifies, because its `kid` is
 * unknown or now belongs to another key. Fetches are single flight. After a failed fetch, no fetch
 * starts during a back-off that begins when the failed attempt ends.
 *
 * If `refreshUnused` is false, a set that no token uses is not refreshed, and lapses at the end of
 * freshness: after that, requests wait for a fetch, unless the last refresh failed.
 */
import type { Algorithm } from '../base/algorithms.js'
import { KeysUnavailableError } from '../errors/errors.js'
import { failureText } from '../errors/failure-text.js'
import { BackOff } from '../http/back-off.js'
import { withinDeadline } from '../http/deadline.js'
import { type JsonDocument, retryAfterOf } from '../http/fetch-json.js'
import { FetchReports, type FetchReportsOptions } from './fetch-reports.js'
import { importKeySet, type KeySet } from './key-set.js'
import {
  type KeySetLifetime,
  type LifetimeOptions,
  lifetimeOfFetched,
  lifetimeOfRestored,
} from './key-set-lifetime.js'
import type { Candidates, KeySetStatus, KeySource } from './key-source.js'
import type { PersistedKeys } from './persisted-keys.js'
import { type MissingKey, RefetchBudget } from './refetch-budget.js'
import type { VerificationKey } from './verification-key.js'

/** All times in milliseconds. */
export interface JwksCacheOptions extends LifetimeOptions, FetchReportsOptions {
  /** Fetches the key set document, with discovery if needed. The signal aborts the fetch. */
  readonly fetchKeySet: (signal: AbortSignal, options: FetchKeySetOptions) => Promise<JsonDocument>
  /** Returns the URL of the last request, for messages. */
  readonly waitingFor?: () => string
  readonly timeout: number
  readonly cooldown: number
  readonly refetchBurst: number
  readonly maxKeys: number
  /** The persistent store of the key set, if one is configured. */
  readonly persisted: PersistedKeys | undefined
}

export interface FetchKeySetOptions {
  /** Whether the URL of the key set may have changed, so that metadata must be fetched again. */
  readonly mayHaveMoved: boolean
}

interface KeySearch extends MissingKey {
  readonly algorithm: Algorithm
  readonly tried: Candidates
}

interface Loaded extends KeySetLifetime {
  readonly keys: KeySet
}

const NONE: Candidates = []
/** Added to the delay of the refresh timer: a timer may fire slightly before the refresh is due. */
const TIMER_MARGIN_MS = 50

export class JwksCache implements KeySource {
  readonly #options: JwksCacheOptions
  readonly #closing = new AbortController()
  readonly #backOff = new BackOff()
  readonly #budget: RefetchBudget
  readonly #reports: FetchReports
  #loaded: Loaded | undefined
  #restoring: Promise<void> | undefined
  #attempt: Promise<KeySet> | undefined
  #lastFailure: unknown
  #isUsed = false
  #refreshTimer: NodeJS.Timeout | undefined

  constructor(options: JwksCacheOptions) {
    this.#options = options
    const { refetchBurst: burst, cooldown } = options
    this.#budget = new RefetchBudget({ burst, cooldown })
    this.#reports = new FetchReports(options)
  }

  find(
    algorithm: Algorithm,
    kid: string | undefined,
    mayRefetch = true,
  ): Candidates | Promise<Candidates> {
    const keys = this.#current()
    if (keys === undefined) return this.#findFirst(algorithm, kid, mayRefetch)
    const found = keys.find(algorithm, kid)
    return found.length > 0 || !mayRefetch ? found : this.findNewer(algorithm, kid, found)
  }

  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: Candidates,
  ): Candidates | Promise<Candidates> {
    const keys = this.#current()
    const search = { algorithm, kid, tried, doubted: keys?.named(algorithm, kid) ?? NONE }
    const found = newTo(search, keys)
    if (found.length > 0) return found
    // Returns synchronously, because attackers may send many tokens that no key verifies.
    if (this.#attempt === undefined && this.#isTooSoonFor(search)) return NONE
    const newer = this.#findUnknown(search)
    // During an outage, a forged signature under a published `kid` gets 401 and not 503.
    return isOfKnownKid(search) ? newer.catch(() => NONE) : newer
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    if (this.#loaded === undefined) return 'no key set'
    const { keys, fetchedAt } = this.#loaded
    const seconds = Math.round((this.#options.now() - fetchedAt) / 1000)
    return `${keys.whyNot(algorithm, kid)}, in the key set fetched ${seconds} s ago`
  }

  trusts(key: VerificationKey): boolean {
    return this.#current()?.has(key) ?? false
  }

  async refresh(): Promise<void> {
    // The response of a fetch in flight may be older than the change that the caller wants to see.
    await this.#attempt?.catch(() => {})
    await this.#load({ mayHaveMoved: true })
  }

  renew(): void {
    if (this.#loaded === undefined && this.#attempt === undefined) return
    // Requests use restored keys, which no token may have used yet, so they count as used.
    this.#isUsed = true
    this.refresh().catch(() => this.#expire())
  }

  prefetch(): void {
    // The error is ignored: #failed() has reported it, and no request waits for these keys.
    if (this.#current() === undefined) this.#loadFirst().catch(() => {})
  }

  status(): KeySetStatus {
    const now = this.#options.now()
    const loaded = this.#loaded
    const isUsable = loaded !== undefined && now < loaded.usableUntil
    return {
      issuer: this.#options.issuer,
      state: !isUsable ? 'empty' : now < loaded.freshUntil ? 'fresh' : 'stale',
      keys: isUsable ? loaded.keys.size : 0,
      ageMs: isUsable ? now - loaded.fetchedAt : undefined,
      usableForMs: isUsable ? loaded.usableUntil - now : 0,
      lastAttemptAt: this.#reports.lastAttemptAt,
      lastError: this.#backOff.failing ? failureText(this.#lastFailure) : undefined,
    }
  }

  /** Cancels the scheduled refresh. The next fetch, or one in flight, schedules another. */
  stopBackgroundRefresh(): void {
    clearTimeout(this.#refreshTimer)
  }

  async close(): Promise<void> {
    this.stopBackgroundRefresh()
    this.#closing.abort(new Error('the resource server was closed'))
    await this.#options.persisted?.settled()
  }

  /**
   * Returns the cached keys; `undefined` if none may be used. Starts a refresh in the background if
   * one is due.
   */
  #current(): KeySet | undefined {
    if (this.#loaded === undefined) return undefined
    const now = this.#options.now()
    const { usableUntil, lapsesAt, refreshAt } = this.#loaded
    if (now >= usableUntil || (now >= lapsesAt && !this.#backOff.failing)) return undefined
    this.#isUsed = true
    if (now >= refreshAt && this.#mayStart(now)) {
      // The error is ignored: #failed() has reported it, and no request waits for this refresh.
      this.#start({ mayHaveMoved: false }).catch(() => {})
    }
    return this.#loaded.keys
  }

  /**
   * Schedules a refresh that needs no request, so that the first request after a pause finds a
   * fresh set. A set that no token has used is refreshed only if `refreshUnused` is true.
   */
  #scheduleRefresh(): void {
    if (this.#loaded === undefined || this.#closing.signal.aborted) return
    const due = Math.max(this.#loaded.refreshAt, this.#backOff.until) - this.#options.now()
    clearTimeout(this.#refreshTimer)
    this.#refreshTimer = setTimeout(() => {
      if (this.#isUsed || this.#options.refreshUnused) this.#current()
    }, due + TIMER_MARGIN_MS)
    this.#refreshTimer.unref()
  }

  /** Makes a refresh due as soon as the back-off allows it. The keys stay usable. */
  #expire(): void {
    if (this.#loaded === undefined) return
    this.#loaded = { ...this.#loaded, refreshAt: Number.NEGATIVE_INFINITY }
    this.#scheduleRefresh()
  }

  #mayStart(now: number): boolean {
    return (
      this.#attempt === undefined && now >= this.#backOff.until && !this.#closing.signal.aborted
    )
  }

  /**
   * Returns keys while no usable keys are cached: loads the keys persisted before a restart, or
   * fetches the key set. All requests wait.
   */
  async #findFirst(
    algorithm: Algorithm,
    kid: string | undefined,
    mayRefetch: boolean,
  ): Promise<Candidates> {
    const fetched = await this.#loadFirst()
    // The issuer may have published the key after it responded to another request's fetch.
    return fetched?.find(algorithm, kid) ?? this.find(algorithm, kid, mayRefetch)
  }

  /** Returns the keys of the fetch that this call started; otherwise `undefined`. */
  async #loadFirst(): Promise<KeySet | undefined> {
    this.#restoring ??= this.#restore()
    await this.#restoring
    // The restored set serves all waiting requests, even if its refresh fails.
    if (this.#current() !== undefined) return undefined
    const isFirst = this.#attempt === undefined
    try {
      const keys = await this.#load({ mayHaveMoved: true })
      return isFirst ? keys : undefined
    } catch (error) {
      // A set past `lapsesAt` may be used once its refresh has failed (stale-if-error).
      if (this.#current() === undefined) throw error
      return undefined
    }
  }

  /**
   * Returns newer keys for a token that no cached key verifies, because the issuer may have rotated
   * its keys. One fetch serves all requests that miss a key at the same time; the budget limits the
   * fetches.
   */
  async #findUnknown(search: KeySearch): Promise<Candidates> {
    if (this.#attempt !== undefined) {
      const found = newTo(search, await this.#withFreshError(this.#attempt))
      if (found.length > 0) return found
    }
    if (this.#isTooSoonFor(search)) return NONE
    const now = this.#options.now()
    if (this.#mayStart(now)) this.#budget.spend(now)
    const keys = await this.#load({ mayHaveMoved: true })
    const { algorithm, kid } = search
    this.#budget.recordMissing({ kid, doubted: keys.named(algorithm, kid) }, now)
    return newTo(search, keys)
  }

  /** Whether the token is rejected without a fetch. */
  #isTooSoonFor(search: KeySearch): boolean {
    const now = this.#options.now()
    if (this.#budget.isKnownMissing(search, now)) return true
    return this.#mayStart(now) ? !this.#budget.allows(search, now) : isOfKnownKid(search)
  }

  /**
   * Returns the keys of the fetch in flight, or of a new fetch.
   *
   * @throws {KeysUnavailableError} if the fetch fails, and during a back-off.
   */
  #load(options: FetchKeySetOptions): Promise<KeySet> {
    if (this.#attempt !== undefined) return this.#withFreshError(this.#attempt)
    if (this.#mayStart(this.#options.now())) return this.#withFreshError(this.#start(options))
    return Promise.reject(this.#unavailable())
  }

  /** Rejects with one error per waiter, because error handlers may mutate it. */
  #withFreshError(attempt: Promise<KeySet>): Promise<KeySet> {
    return attempt.catch(() => Promise.reject(this.#unavailable()))
  }

  /** Starts a fetch, which all waiting requests share. */
  #start(options: FetchKeySetOptions): Promise<KeySet> {
    this.#attempt = this.#fetch(options).finally(() => {
      this.#attempt = undefined
      this.#scheduleRefresh()
    })
    return this.#attempt
  }

  async #fetch(options: FetchKeySetOptions): Promise<KeySet> {
    const { fetchKeySet, timeout, maxKeys, now } = this.#options
    this.#reports.started()
    try {
      const { body, maxAge, imported } = await withinDeadline(
        async (signal) => {
          const document = await fetchKeySet(signal, options)
          return { ...document, imported: await importKeySet(document.body, maxKeys, signal) }
        },
        { timeout, closing: this.#closing.signal, waitingFor: this.#options.waitingFor },
      )
      const previous = this.#loaded?.keys
      const keys = imported.reuseKeysFrom(previous)
      this.#loaded = { keys, ...lifetimeOfFetched(now(), maxAge, this.#options) }
      this.#isUsed = false
      if (this.#backOff.failing) this.#budget.forgetUnknown()
      this.#backOff.succeeded()
      this.#options.persisted?.save(body, this.#loaded.fetchedAt)
      this.#reports.succeeded(keys, previous)
      return keys
    } catch (error) {
      throw this.#failed(error)
    }
  }

  #failed(error: unknown): KeysUnavailableError {
    const { now } = this.#options
    const retryInMs = this.#backOff.failed(now(), retryAfterOf(error))
    this.#lastFailure = error
    // The next request loads the persisted set again: the store may have failed, or another process
    // may have saved a set since.
    if (this.#loaded === undefined) this.#restoring = undefined
    this.#budget.refund(now())
    if (!this.#closing.signal.aborted) {
      this.#reports.failed(error, retryInMs, this.status().usableForMs)
    }
    return this.#unavailable()
  }

  /**
   * Loads the persisted set. Requests use the set immediately, and the first of them starts a
   * refresh. A set that is older than `cacheMaxAge` + `staleIfError` is not loaded.
   */
  async #restore(): Promise<void> {
    const { persisted, now } = this.#options
    const isUsable = (fetchedAt: number) =>
      fetchedAt <= now() && now() < lifetimeOfRestored(fetchedAt, this.#options).usableUntil
    const restored = await persisted?.restore(this.#closing.signal, isUsable)
    if (restored === undefined) return
    const { keys, fetchedAt } = restored
    this.#loaded ??= { keys, ...lifetimeOfRestored(fetchedAt, this.#options) }
  }

  #unavailable(): KeysUnavailableError {
    const seconds = Math.ceil((this.#backOff.until - this.#options.now()) / 1000)
    return new KeysUnavailableError(
      this.#options.issuer,
      Math.max(1, Math.min(seconds, 60)),
      this.#lastFailure,
    )
  }
}

function newTo({ algorithm, kid, tried }: KeySearch, keys: KeySet | undefined): Candidates {
  return keys?.find(algorithm, kid).filter((key) => !tried.includes(key)) ?? NONE
}

/** Whether the key set has keys with the `kid` of the token, none of which verifies the token. */
function isOfKnownKid({ kid, doubted }: KeySearch): boolean {
  return kid !== undefined && doubted.length > 0
}
