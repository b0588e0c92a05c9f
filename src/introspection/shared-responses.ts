/**
 * Shares introspection responses between all instances of the API, so that an instance need not
 * introspect a token that another instance has introspected shortly before. The shared cache is
 * only an optimization: if the store fails or returns a forged entry, the token is introspected.
 *
 * Only "active" responses are shared. Others stay local, because an untrusted caller could fill the
 * store with any number of invalid tokens.
 */
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { OutageReports } from '../observability/reports.js'
import type { Store } from '../stores/store.js'
import { ConcurrencyLimit } from './concurrency-limit.js'
import type { IntrospectionResponse } from './introspection-response.js'
import { Seal } from './sealed-response.js'

/** All times in milliseconds. */
export interface SharedResponsesOptions {
  readonly store: Store
  /** The secret, common to all instances, from which the keys that seal entries are derived. */
  readonly secret: Uint8Array
  readonly issuer: string
  readonly clientId: string
  /** Instances that require signed responses do not share with instances that do not. */
  readonly requireSignedResponse: boolean
  readonly cacheMaxAge: number
  readonly staleIfError: number
  /** Timeout of an introspection request. If below 500, also the timeout of a look-up. */
  readonly timeout: number
  /** Wall clock, since the epoch: instances have no other clock in common. */
  readonly now: () => number
  readonly monotonicNow: () => number
  readonly closing: AbortSignal
  /** Called if the store fails or an entry is invalid, at most once every 30 s. Must not throw. */
  readonly onFailure: (error: unknown) => void
  /** Called when the store works again after a reported failure. Must not throw. */
  readonly onRecovery: (failedForMs: number) => void
}

/** A response from the store, which this or another instance received earlier. */
export interface SharedResponse {
  readonly response: IntrospectionResponse
  /** Time since the response was received, in milliseconds. */
  readonly age: number
  /** Length of the stored text in characters, from which the cache estimates the size. */
  readonly length: number
}

/** Timeout of a store call: short, because the request may then have to wait for the issuer. */
const TIMEOUT_MS = 500
/**
 * Maximum time by which an entry may be from the future, to allow for clock skew between instances.
 * Clock skew may also prolong the use of a response.
 */
const MAX_CLOCK_SKEW_MS = 5_000
const REPORT_INTERVAL_MS = 30_000

export class SharedResponses {
  readonly #options: SharedResponsesOptions
  readonly #seal: Seal
  readonly #reads = new ConcurrencyLimit()
  readonly #writes = new ConcurrencyLimit()
  readonly #removals = new ConcurrencyLimit()
  readonly #reports: OutageReports<unknown>

  constructor(options: SharedResponsesOptions) {
    const { secret, issuer, clientId, requireSignedResponse } = options
    this.#options = options
    this.#reports = new OutageReports({ ...options, intervalMs: REPORT_INTERVAL_MS })
    this.#seal = new Seal(secret, [issuer, clientId, ...(requireSignedResponse ? ['signed'] : [])])
  }

  /**
   * Returns the shared response for a token; `undefined` if there is none, if the entry is invalid,
   * or if the store fails or is busy. Never rejects.
   */
  async find(digest: string): Promise<SharedResponse | undefined> {
    const { store, timeout, closing } = this.#options
    if (closing.aborted) return undefined
    const getting = this.#reads.tryRun(() => store.get(this.#nameOf(digest)))
    if (getting === undefined) return undefined
    try {
      const deadline = { timeout: Math.min(TIMEOUT_MS, timeout), closing }
      // Some Redis clients return `null` for a missing key.
      const sealed = (await withinDeadline(() => getting, deadline)) ?? undefined
      const found = sealed === undefined ? undefined : this.#opened(digest, sealed)
      this.#reports.succeeded()
      return found
    } catch (error) {
      this.#reportFailure(error)
      return undefined
    }
  }

  /**
   * Stores a response in the background. Does nothing if the response has expired, must not be
   * cached or is too long, or if the store is busy.
   */
  share(digest: string, response: IntrospectionResponse): void {
    const { store, now } = this.#options
    const storedAt = now()
    const lifetime = this.#lifetimeOf(response, storedAt)
    if (!(lifetime > 0)) return
    const sealed = this.#seal.seal(digest, `${storedAt} ${JSON.stringify(response)}`)
    if (sealed === undefined) return
    const name = this.#nameOf(digest)
    this.#write(this.#writes, () => store.set(name, sealed, Math.ceil(lifetime)))
  }

  /**
   * Removes, in the background, the response for a token that is no longer active. Does nothing if
   * the store is busy.
   */
  forget(digest: string): void {
    const { store } = this.#options
    this.#write(this.#removals, () => store.delete(this.#nameOf(digest)))
  }

  #opened(digest: string, sealed: string): SharedResponse {
    const { now, cacheMaxAge } = this.#options
    const text = this.#seal.open(digest, sealed) ?? ''
    const end = text.indexOf(' ')
    const members = parseJsonObject(text.slice(end + 1))
    if (members === undefined || ownMember(members, 'active') !== true) {
      throw new Error(
        'a shared introspection entry failed authentication: use the same "stores.sealingSecret" on all instances, and let no other program write to the store',
      )
    }
    const age = now() - Number(text.slice(0, end))
    if (!(age >= -MAX_CLOCK_SKEW_MS)) {
      throw new Error(
        'a shared introspection entry is from the future: synchronize the clocks of the instances, which differ by more than 5 seconds',
      )
    }
    const response = members as IntrospectionResponse
    // A negative age shows clock skew: the true age is unknown, so the response counts as stale.
    return { response, age: age >= 0 ? age : cacheMaxAge, length: text.length }
  }

  /** Returns the milliseconds until the response is unusable, at most until `exp` (RFC 7662 §4). */
  #lifetimeOf(response: IntrospectionResponse, now: number): number {
    const exp = ownMember(response, 'exp')
    const { cacheMaxAge, staleIfError } = this.#options
    const usableUntil = now + cacheMaxAge + staleIfError
    // NaN if the clock returns NaN; the caller then stores nothing.
    return (typeof exp === 'number' ? Math.min(usableUntil, exp * 1_000) : usableUntil) - now
  }

  #nameOf(digest: string): string {
    return `introspection:${this.#seal.nameOf(digest)}`
  }

  #write(limit: ConcurrencyLimit, write: () => Promise<void>): void {
    const writing = limit.tryRun(write)
    if (writing === undefined) return
    const { closing } = this.#options
    withinDeadline(() => writing, { timeout: TIMEOUT_MS, closing }).then(
      () => this.#reports.succeeded(),
      (error) => this.#reportFailure(error),
    )
  }

  #reportFailure(error: unknown): void {
    if (!this.#options.closing.aborted) this.#reports.failed(error)
  }
}
