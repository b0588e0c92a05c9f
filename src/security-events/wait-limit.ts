/**
 * Limits how many unverified tokens wait for an issuer: for its keys, or for the function that
 * resolves it. Forged tokens can wait for as long as either does not respond; they must not take all
 * places of a route, because tokens of issuers whose keys are cached need not wait.
 */
import { KeysUnavailableError } from '../errors/errors.js'

/** Half of the number of tokens that a route of the plugin processes at the same time. */
const MAX_WAITING = 100
const RETRY_AFTER_SECONDS = 1

export class WaitLimit {
  #waiting = 0

  /**
   * Settles like `pending`.
   *
   * @param issuer appears in the error.
   * @throws {KeysUnavailableError} if too many tokens wait already.
   */
  async wait<T>(pending: Promise<T>, issuer: string): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      pending.catch(() => {})
      throw new KeysUnavailableError(issuer, RETRY_AFTER_SECONDS, new Error('too many tokens wait'))
    }
    this.#waiting++
    try {
      return await pending
    } finally {
      this.#waiting--
    }
  }
}
