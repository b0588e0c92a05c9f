/**
 * Holds a few tokens (in plain text) that the issuer called active, for health probes: some issuers
 * answer 401, 403, 404 or 429 to every token that they do not know, including a random one.
 *
 * Eviction is random, so that one client cannot fill all entries with its own latest tokens.
 */
import { randomInt } from 'node:crypto'

const MAX_TOKENS = 4

export class ConfirmedTokens {
  readonly #now: () => number
  /** Token to expiry, in milliseconds since the epoch. */
  readonly #tokens = new Map<string, number>()

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @param exp in seconds since the epoch, if the response has one. */
  add(token: string, exp: unknown): void {
    if (!this.#tokens.has(token) && this.#tokens.size >= MAX_TOKENS) {
      this.#tokens.delete([...this.#tokens.keys()][randomInt(MAX_TOKENS)] as string)
    }
    this.#tokens.set(token, typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY)
  }

  delete(token: string): void {
    this.#tokens.delete(token)
  }

  /** Returns up to `count` unexpired tokens other than `except`, chosen at random. */
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
