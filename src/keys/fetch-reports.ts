/**
 * Reports the fetches of one key set to operators: each result to the diagnostics channel and the
 * callbacks for logs, and the last failure in the status.
 */
import { type DiagnosticsMessages, publish } from '../observability/diagnostics.js'
import { type KeySet, kidsNotIn, type SkippedKey } from './key-set.js'

/** What a successful fetch changed. A `kid` is sanitized for logs; each list has at most ten. */
export interface FetchedKeys {
  /** Whether this is the first successful fetch. */
  readonly isFirst: boolean
  /** Time since the start of the first failed fetch; `undefined` if the last fetch succeeded. */
  readonly failedForMs: number | undefined
  /** Each `kid` that was not in the cached set. */
  readonly added: readonly string[]
  /** Each `kid` of the cached set that the issuer no longer publishes. */
  readonly removed: readonly string[]
}

export interface FetchReportsOptions {
  readonly issuer: string
  /** Returns milliseconds. */
  readonly now: () => number
  /**
   * Called once per failed attempt, not once per request. `retryIn` is the back-off; `usableFor` is
   * the time for which the cached keys may still be used, 0 if none are cached. Must not throw.
   */
  readonly onFailure: (error: unknown, retryIn: number, usableFor: number) => void
  /** Called after each successful fetch. Must not throw. */
  readonly onFetched: (fetched: FetchedKeys) => void
  /**
   * Called after a fetch with the members of the set that cannot verify a token, if there are any
   * and they differ from those of the previous fetch.
   */
  readonly onSkipped: (skipped: readonly SkippedKey[]) => void
}

export class FetchReports {
  readonly #options: FetchReportsOptions
  #startedAt: number | undefined
  #failingSince: number | undefined
  #hasFetched = false
  #reportedSkipped = '[]'

  constructor(options: FetchReportsOptions) {
    this.#options = options
  }

  /** Start of the last fetch, in milliseconds; `undefined` before the first. */
  get lastAttemptAt(): number | undefined {
    return this.#startedAt
  }

  started(): void {
    this.#startedAt = this.#options.now()
  }

  /** @param previous the set that was cached before the fetch. */
  succeeded(keys: KeySet, previous: KeySet | undefined): void {
    this.#publish({ outcome: 'fetched', keyCount: keys.size })
    this.#reportChanges(keys, previous)
    this.#reportSkipped(keys.skipped)
  }

  /**
   * @param retryInMs the back-off.
   * @param usableForMs the time for which the cached keys may still be used; 0 if none are cached.
   */
  failed(error: unknown, retryInMs: number, usableForMs: number): void {
    this.#failingSince ??= this.#startedAt
    this.#publish({ outcome: 'failed', error, retryInMs })
    this.#options.onFailure(error, retryInMs, usableForMs)
  }

  #publish(what: Omit<DiagnosticsMessages['jwks:fetch'], 'issuer' | 'durationMs'>): void {
    const { issuer, now } = this.#options
    publish('jwks:fetch', { issuer, durationMs: now() - (this.#startedAt as number), ...what })
  }

  #reportChanges(keys: KeySet, previous: KeySet | undefined): void {
    const { now, onFetched } = this.#options
    const isFirst = !this.#hasFetched
    const failedForMs = this.#failingSince === undefined ? undefined : now() - this.#failingSince
    this.#hasFetched = true
    this.#failingSince = undefined
    const removed = previous === undefined ? [] : kidsNotIn(previous, keys)
    onFetched({ isFirst, failedForMs, added: kidsNotIn(keys, previous), removed })
  }

  #reportSkipped(skipped: readonly SkippedKey[]): void {
    const reported = JSON.stringify(skipped)
    if (reported === this.#reportedSkipped) return
    this.#reportedSkipped = reported
    if (skipped.length > 0) this.#options.onSkipped(skipped)
  }
}
