/**
 * The background recheck: the issuer is asked now and then about a token that was verified here, so
 * that one that it revoked is rejected within the interval, and no request waits for it. A recheck
 * that fails is repeated until it is answered (`recheck-retries.ts`), and the token doesn't pass for
 * longer than `recheckStaleIfError` meanwhile.
 */
import { BoundedCache } from '../base/bounded-cache.js'
import { digestOf } from './known-answers.js'
import type { Questions } from './questions.js'
import { RecheckRetries } from './recheck-retries.js'

/** `unknown`: the issuer hasn't answered yet. `unanswered`: nor within the time that it has for it. */
export type TokenState = 'active' | 'revoked' | 'unknown' | 'unanswered'

/** Times in milliseconds. */
export interface WatchesOptions {
  readonly questions: Pick<Questions, 'ask' | 'pause'>
  /** From one question about a token to the next. */
  readonly recheckInterval: number
  /** How long the token passes without an answer, from the first question that gets none. */
  readonly recheckStaleIfError: number
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
  readonly #retries: RecheckRetries
  readonly #onRevoked: (watch: Watch) => void
  #token: string
  #state: TokenState = 'unknown'
  #dueAt = Number.NEGATIVE_INFINITY
  #usedAt = Number.NEGATIVE_INFINITY
  /** Infinite while no question is unanswered. */
  #passesUntil = Number.POSITIVE_INFINITY
  #failure: unknown

  constructor(
    token: string,
    options: WatchesOptions,
    retries: RecheckRetries,
    onRevoked: (watch: Watch) => void,
  ) {
    this.#token = token
    this.#options = options
    this.#retries = retries
    this.#onRevoked = onRevoked
  }

  /** Why the last question got no answer. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether the last question got no answer, and a request came with the token an interval ago or later. */
  get needsRetry(): boolean {
    const { steadyNow, recheckInterval: interval } = this.#options
    return this.#failure !== undefined && steadyNow() - this.#usedAt <= interval
  }

  /**
   * The last that is known, at once; if it is time for it, the issuer is asked meanwhile. A token
   * that was found revoked stays so. A question that fails changes nothing, for as long as a token
   * passes without an answer.
   */
  check(): TokenState {
    const now = this.#options.steadyNow()
    this.#usedAt = now
    this.askIfDue()
    return now <= this.#passesUntil ? this.#state : 'unanswered'
  }

  /** @returns whether it is. */
  askIfDue(): boolean {
    if (this.#options.steadyNow() < this.#dueAt) return false
    this.#ask()
    return true
  }

  async #ask(): Promise<void> {
    const { questions, recheckInterval: interval, recheckStaleIfError, steadyNow } = this.#options
    const began = steadyNow()
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#passesUntil = Math.min(this.#passesUntil, began + recheckStaleIfError)
    try {
      const { kind } = await questions.ask(this.#token, 'background')
      this.#failure = undefined
      if (kind === 'inactive') return this.#revoke()
      // What vouches for nothing doesn't refute a signature either.
      if (kind === 'active') this.#confirm()
      this.#dueAt = began + interval
    } catch (failure) {
      // It was told to the operator.
      this.#failure = failure
      const retryAt = steadyNow() + Math.max(RETRY_IN, questions.pause('background'))
      this.#dueAt = Math.min(began + interval, retryAt)
      this.#retries.add(this)
    }
  }

  #confirm(): void {
    this.#state = 'active'
    this.#passesUntil = Number.POSITIVE_INFINITY
  }

  #revoke(): void {
    this.#state = 'revoked'
    this.#passesUntil = Number.POSITIVE_INFINITY
    // It is never asked about again.
    this.#token = ''
    this.#onRevoked(this)
  }
}

/**
 * The watches by the SHA-256 of what was signed of their tokens, so that a token which is verified
 * anew is neither asked about anew nor forgiven, nor is one whose ECDSA signature was spelt in its
 * other way (r, n−s). Whoever has a token can have the issuer asked about a spelling that it doesn't
 * know before it is asked about the token, and so have the token refused, but not let in. Bounded;
 * those of revoked tokens are kept apart, where the others can't push them out.
 */
export class Watches {
  readonly #options: WatchesOptions
  readonly #watched: BoundedCache<string, Watch>
  readonly #revoked: BoundedCache<string, Watch>
  readonly #retries = new RecheckRetries()

  constructor(options: WatchesOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#watched = new BoundedCache({ max: maxEntries, maxSize: maxBytes })
    this.#revoked = new BoundedCache({ max: maxEntries })
  }

  /** @param token a JWT whose signature was verified: of any other, no part may stand for it. */
  of(token: string): Watch {
    const key = digestOf(token.slice(0, token.lastIndexOf('.')))
    return this.#revoked.get(key) ?? this.#watched.get(key) ?? this.#begin(key, token)
  }

  close(): void {
    this.#retries.close()
  }

  #begin(key: string, token: string): Watch {
    const watch = new Watch(token, this.#options, this.#retries, (revoked) => {
      this.#watched.delete(key)
      this.#revoked.set(key, revoked)
    })
    this.#watched.set(key, watch, { size: BYTES_PER_WATCH + token.length })
    return watch
  }
}
