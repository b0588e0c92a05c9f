/**
 * A few tokens that the issuer called active, as they are, to probe its health with: some issuers
 * answer 401, 403, 404 or 429 about every token that they don't know, a random one included.
 *
 * Replaced at random, so that one client can't fill all places with its own tokens by being last.
 */
import { randomInt } from 'node:crypto'

const MAX_TOKENS = 4

export class ConfirmedTokens {
  readonly #now: () => number
  /** With the time at which they expire. */
  readonly #tokens = new Map<string, number>()

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @param exp in seconds since the epoch, if the issuer says. */
  add(token: string, exp: unknown): void {
    if (!this.#tokens.has(token) && this.#tokens.size >= MAX_TOKENS) {
      this.#tokens.delete([...this.#tokens.keys()][randomInt(MAX_TOKENS)] as string)
    }
    this.#tokens.set(token, typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY)
  }

  delete(token: string): void {
    this.#tokens.delete(token)
  }

  /** Up to `count` of those that haven't expired, other than `except`. */
  pick(count: number, except: string): readonly string[] {
    const now = this.#now()
    for (const [token, expiresAt] of this.#tokens) {
      if (!(now < expiresAt)) this.#tokens.delete(token)
    }
    const tokens = [...this.#tokens.keys()].filter((token) => token !== except)
    while (tokens.length > count) tokens.splice(randomInt(tokens.length), 1)
    return tokens
  }
}
