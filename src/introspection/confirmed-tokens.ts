/**
 * Holds a few tokens that the issuer confirmed, in plain text, for health probes. A random token is
 * not enough: some issuers respond with 401, 403, 404 or 429 to every token that they do not know.
 *
 * Eviction is random: if the oldest entry were evicted, any four tokens that one client uses in a
 * row would replace the tokens of all other clients.
 */
import { randomInt } from 'node:crypto'

const MAX_TOKENS = 4

export class ConfirmedTokens {
  readonly #now: () => number
  /** Maps each token to its expiry in milliseconds since the epoch; infinite without `exp`. */
  readonly #tokens = new Map<string, number>()

  /** @param now returns the milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @param exp the `exp` of the response, in seconds since the epoch; ignored if not a number. */
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
