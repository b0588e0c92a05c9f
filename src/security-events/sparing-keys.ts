/**
 * Finds the keys for tokens that callers send without an access token. Forged ones must not use up
 * the refetch budget that access tokens need after a key rotation. Tokens that no cached key
 * verifies therefore cause fetches of their own: at most one successful fetch per cooldown and
 * issuer. The back-off of the key set limits failed fetches, and a limit that all key sets share the
 * number of tokens that wait for one.
 *
 * Invariant: a token is rejected for its key or signature only after a fetch that began after the
 * token arrived. Otherwise an attacker could cause a fetch shortly before the issuer publishes a key,
 * and the sender of a token that is signed with that key would not send the token again.
 */
import type { Algorithm } from '../base/algorithms.js'
import { InvalidTokenError, KeysUnavailableError } from '../errors/errors.js'
import type { Candidates, KeySource } from '../keys/key-source.js'
import type { WaitLimit } from './wait-limit.js'

const COOLDOWN_MS = 30_000

export class SparingKeys implements Pick<KeySource, 'find' | 'findNewer' | 'whyNot'> {
  readonly #source: KeySource
  readonly #monotonicNow: () => number
  readonly #waits: WaitLimit
  #refreshing: Promise<void> | undefined
  /** When the last successful fetch began. */
  #refreshedAt = Number.NEGATIVE_INFINITY

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

  /**
   * Returns newly published keys; an empty array if there are none.
   *
   * @throws {KeysUnavailableError} if the issuer is unavailable.
   */
  async findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: Candidates,
  ): Promise<Candidates> {
    await this.#refresh()
    const keys = await this.#source.find(algorithm, kid, false)
    return keys.filter((key) => !tried.includes(key))
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    return this.#source.whyNot(algorithm, kid)
  }

  /**
   * Returns the error for a token that no key verifies: the rejection if the keys were fetched after
   * the token arrived, otherwise an error upon which its sender sends the token again.
   *
   * @param receivedAt when the token arrived, as a time of the monotonic clock.
   */
  finalError(thrown: unknown, receivedAt: number): unknown {
    if (!(thrown instanceof InvalidTokenError) || this.#refreshedAt >= receivedAt) return thrown
    const waitMs = this.#refreshedAt + COOLDOWN_MS - this.#monotonicNow()
    const retryAfter = Math.max(1, Math.min(Math.ceil(waitMs / 1_000), COOLDOWN_MS / 1_000))
    const cause = new Error('no cached key verifies the token; the keys may be fetched again later')
    return new KeysUnavailableError(this.#source.status().issuer, retryAfter, cause, thrown.check)
  }

  /** Fetches the keys, unless a fetch succeeded within the cooldown. Calls share one fetch. */
  async #refresh(): Promise<void> {
    const now = this.#monotonicNow()
    if (this.#refreshing === undefined && now < this.#refreshedAt + COOLDOWN_MS) return
    await this.#wait(this.#refreshNow(now))
  }

  async #refreshNow(now: number): Promise<void> {
    this.#refreshing ??= this.#source
      .refresh()
      .then(() => {
        this.#refreshedAt = now
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
