/** Remembers which event tokens were accepted, so that each is accepted once (RFC 7519 §4.1.7). */
import { isError } from '../base/native-error.js'
import { sha256 } from '../base/thumbprint.js'
import { StoreUnavailableError } from '../errors/errors.js'
import type { Report } from '../observability/reports.js'
import type { Store } from '../stores/store.js'

export interface UsedTokensOptions {
  readonly store: Pick<Store, 'add' | 'get'>
  /** Separates the entries of this kind of token from others in the store. */
  readonly namespace: string
  /** Called for each failed call of the store. Must not throw. */
  readonly onFailure: Report<unknown>
}

/** Identifies a token. A `jti` is unique only among the tokens of one issuer. */
export interface TokenIdentity {
  readonly issuer: string
  readonly id: string
}

/**
 * Returns how long a token must be remembered, in milliseconds: the longest time for which
 * instances may accept it, each with a clock that differs by the tolerance, like `replayWindow()`
 * for DPoP proofs.
 */
export function memoryOf(maxAge: number, clockTolerance: number): number {
  return (maxAge + 4 * clockTolerance) * 1_000
}

const RETRY_AFTER_SECONDS = 1

export class UsedTokens {
  readonly #options: UsedTokensOptions

  constructor(options: UsedTokensOptions) {
    this.#options = options
  }

  /** Whether the token was used before. @throws {StoreUnavailableError} if the store fails. */
  async has(identity: TokenIdentity): Promise<boolean> {
    const { store } = this.#options
    return this.#call(async () => typeof (await store.get(this.#keyOf(identity))) === 'string')
  }

  /**
   * Remembers a token for `ttlMs`.
   *
   * @returns whether this is the first use of the token. Also returns `true` if the store may have
   *   lost an earlier entry: repeating the effect of an event is harmless, and rejecting a token
   *   that was never used would leave a session open.
   * @throws {StoreUnavailableError} if the store fails.
   */
  async add(identity: TokenIdentity, ttlMs: number): Promise<boolean> {
    const { store } = this.#options
    return this.#call(async () => {
      try {
        // A custom store may return any value: only `true` means that the token is new.
        return (await store.add(this.#keyOf(identity), '', ttlMs)) === true
      } catch (error) {
        if (isIndeterminate(error)) return true
        throw error
      }
    })
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      this.#options.onFailure(error)
      throw new StoreUnavailableError('the replay store', RETRY_AFTER_SECONDS, error)
    }
  }

  #keyOf({ issuer, id }: TokenIdentity): string {
    return `${this.#options.namespace}:${sha256(JSON.stringify([issuer, id]))}`
  }
}

function isIndeterminate(error: unknown): boolean {
  return isError(error) && (error as { code?: unknown }).code === 'store_indeterminate'
}
