/** What the operator is told of questions that failed: enough, and no more often than helps. */
import type { IntrospectionFailure } from './introspection-failure.js'

/**
 * Told of what failed: of the issuer's failures once an attempt, of all others at most once a
 * second, because a stranger may cause them.
 *
 * @param retryIn milliseconds until the issuer is asked again about any token; 0 if it goes on.
 */
export type OnFailure = (failure: IntrospectionFailure, retryIn: number) => void

export interface FailureReportsOptions {
  readonly onFailure: OnFailure
  /** Milliseconds. */
  readonly steadyNow: () => number
  readonly closing: AbortSignal
}

const QUIET_FOR = 1_000

export class FailureReports {
  readonly #options: FailureReportsOptions
  #quietUntil = Number.NEGATIVE_INFINITY

  constructor(options: FailureReportsOptions) {
    this.#options = options
  }

  tell(failure: IntrospectionFailure, retryIn: number): void {
    try {
      this.#options.onFailure(failure, retryIn)
    } catch {
      // A log that is full is no reason to answer otherwise.
    }
  }

  tellNowAndThen(failure: IntrospectionFailure): void {
    const now = this.#options.steadyNow()
    if (now < this.#quietUntil || this.#options.closing.aborted) return
    this.#quietUntil = now + QUIET_FOR
    this.tell(failure, 0)
  }
}
