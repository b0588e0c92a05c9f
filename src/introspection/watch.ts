/**
 * The background recheck: a token that was verified here is asked about now and then, so that one
 * that the issuer revoked dies within the interval, and no request waits for it.
 */
import { LRUCache } from 'lru-cache'
import { digestOf } from './known-answers.js'
import type { Questions } from './questions.js'

/** `unknown`: the issuer hasn't answered yet. */
export type TokenState = 'active' | 'revoked' | 'unknown'

/** Times in milliseconds. */
export interface WatchesOptions {
  readonly questions: Pick<Questions, 'ask' | 'pause'>
  /** From one question about a token to the next. */
  readonly interval: number
  readonly maxEntries: number
  readonly maxBytes: number
  readonly steadyNow: () => number
}

/** After a question that failed, if no back-off says otherwise. */
const RETRY_IN = 1_000
/** The object and its place in the map, without the token. */
const BYTES_PER_WATCH = 512

/** One token under watch. Whoever holds a verdict about the token holds this beside it. */
export class Watch {
  readonly #options: WatchesOptions
  readonly #onRevoked: (watch: Watch) => void
  #token: string
  #state: TokenState = 'unknown'
  #dueAt = Number.NEGATIVE_INFINITY

  constructor(token: string, options: WatchesOptions, onRevoked: (watch: Watch) => void) {
    this.#token = token
    this.#options = options
    this.#onRevoked = onRevoked
  }

  /**
   * The last that is known, at once; if it is time for it, the issuer is asked meanwhile. A token
   * that was found revoked stays so. A question that fails changes nothing.
   */
  check(): TokenState {
    if (this.#options.steadyNow() >= this.#dueAt) this.#ask()
    return this.#state
  }

  async #ask(): Promise<void> {
    const { questions, interval, steadyNow } = this.#options
    const began = steadyNow()
    this.#dueAt = Number.POSITIVE_INFINITY
    try {
      const { kind } = await questions.ask(this.#token, 'background')
      if (kind === 'inactive') return this.#revoke()
      // What vouches for nothing doesn't refute a signature either.
      if (kind === 'active') this.#state = kind
      this.#dueAt = began + interval
    } catch {
      // It was told to the operator.
      const retryAt = steadyNow() + Math.max(RETRY_IN, questions.pause)
      this.#dueAt = Math.min(began + interval, retryAt)
    }
  }

  #revoke(): void {
    this.#state = 'revoked'
    // It is never asked about again.
    this.#token = ''
    this.#onRevoked(this)
  }
}

/**
 * The watches by the SHA-256 of what was signed of their tokens, so that a token which is verified
 * anew is neither asked about anew nor forgiven, nor is one whose ECDSA signature was spelt in its
 * other way (r, n−s). Whoever has a token can have the issuer asked about a spelling that it doesn't
 * know before it is asked about the token, and so have the token refused, but not let in. Bounded; those of revoked tokens are kept apart, where the others can't
 * push them out.
 */
export class Watches {
  readonly #options: WatchesOptions
  readonly #watched: LRUCache<string, Watch>
  readonly #revoked: LRUCache<string, Watch>

  constructor(options: WatchesOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#watched = new LRUCache({ max: maxEntries, maxSize: maxBytes })
    this.#revoked = new LRUCache({ max: maxEntries })
  }

  /** @param token a JWT whose signature was verified: of any other, no part may stand for it. */
  of(token: string): Watch {
    const key = digestOf(token.slice(0, token.lastIndexOf('.')))
    return this.#revoked.get(key) ?? this.#watched.get(key) ?? this.#begin(key, token)
  }

  #begin(key: string, token: string): Watch {
    const watch = new Watch(token, this.#options, (revoked) => {
      this.#watched.delete(key)
      this.#revoked.set(key, revoked)
    })
    this.#watched.set(key, watch, { size: BYTES_PER_WATCH + token.length })
    return watch
  }
}
