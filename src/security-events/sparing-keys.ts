/**
 * Finds the keys for tokens that callers send without an access token. Forged ones must not use up
 * the refetch budget that access tokens need after a key rotation. Tokens that no cached key
 * verifies therefore cause fetches of their own: at most one successful fetch per cooldown and
 * issuer. The back-off of the key set limits failed fetches, and a limit that all key sets share the
 * number of tokens that wait for one.
 */
import type { Algorithm } from '../base/algorithms.js'
import type { Candidates, KeySource } from '../keys/key-source.js'
import type { WaitLimit } from './wait-limit.js'

const COOLDOWN_MS = 30_000

export class SparingKeys implements Pick<KeySource, 'find' | 'findNewer' | 'whyNot'> {
  readonly #source: KeySource
  readonly #monotonicNow: () => number
  readonly #waits: WaitLimit
  #refreshing: Promise<void> | undefined
  #refreshableAt = Number.NEGATIVE_INFINITY

  /** @param monotonicNow returns the time of a monotonic clock, in milliseconds. */
  constructor(source: KeySource, monotonicNow: () => number, waits: WaitLimit) {
    this.#source = source
    this.#monotonicNow = monotonicNow
    this.#waits = waits
  }

  /**
   * Returns the keys that may have signed a token.
   *
   * @throws {KeysUnavailableError} if the issuer is unavailable, and no cached key has the `kid`.
   */
  async find(algorithm: Algorithm, kid: string | undefined): Promise<Candidates> {
    const found = this.#source.find(algorithm, kid, false)
    const cached = found instanceof Promise ? await this.#wait(found) : found
    if (cached.length > 0) return cached
    await this.#refresh()
    return this.#source.find(algorithm, kid, false)
  }

  /** Returns newly published keys; an empty array if there are none or the fetch fails. */
  async findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: Candidates,
  ): Promise<Candidates> {
    // An outage does not make a forged signature under a published `kid` a reason for a 503.
    await this.#refresh().catch(() => {})
    const keys = await this.#source.find(algorithm, kid, false)
    return keys.filter((key) => !tried.includes(key))
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    return this.#source.whyNot(algorithm, kid)
  }

  /** Fetches the keys, unless a fetch succeeded within the cooldown. Calls share one fetch. */
  async #refresh(): Promise<void> {
    const now = this.#monotonicNow()
    if (this.#refreshing === undefined && now < this.#refreshableAt) return
    await this.#wait(this.#refreshNow(now))
  }

  async #refreshNow(now: number): Promise<void> {
    this.#refreshing ??= this.#source
      .refresh()
      .then(() => {
        this.#refreshableAt = now + COOLDOWN_MS
      })
      .finally(() => {
        this.#refreshing = undefined
      })
    // One error per waiter, because error handlers may mutate it. During the back-off that follows
    // a failed fetch, refresh() fails without another fetch.
    await this.#refreshing.catch(() => this.#source.refresh())
  }

  #wait<T>(pending: Promise<T>): Promise<T> {
    return this.#waits.wait(pending, this.#source.status().issuer)
  }
}
