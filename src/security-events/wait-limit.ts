/**
 * Limits how many tokens wait for keys. Forged tokens with an unknown `kid` can wait for as long as
 * an issuer does not respond; they must not take all places of a route, because tokens whose key is
 * cached need not wait.
 */

/** Half of the number of tokens that a route of the plugin processes at the same time. */
const MAX_WAITING = 100

export class WaitLimit {
  #waiting = 0

  /**
   * Settles like `pending`.
   *
   * @throws the error that `createError` returns if too many tokens wait already.
   */
  async wait<T>(pending: Promise<T>, createError: () => Error): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      pending.catch(() => {})
      throw createError()
    }
    this.#waiting++
    try {
      return await pending
    } finally {
      this.#waiting--
    }
  }
}
