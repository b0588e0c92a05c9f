/** Reports failed introspection requests to the operator, and limits the number of reports. */
import { type Report, throttledReport } from '../observability/reports.js'
import type { IntrospectionFailure } from './introspection-failure.js'

/**
 * Called with each failure that pauses introspection requests, and at most once a second with other
 * failures, because untrusted callers may cause those. Must not throw.
 *
 * @param retryIn milliseconds until introspection requests resume: those for all tokens or, after a
 *   429, those for untrusted tokens; 0 if requests do not pause.
 */
export type OnFailure = (failure: IntrospectionFailure, retryIn: number) => void

export interface FailureReportsOptions {
  readonly onFailure: OnFailure
  /** Monotonic clock, in milliseconds. */
  readonly monotonicNow: () => number
  readonly closing: AbortSignal
}

const REPORT_INTERVAL_MS = 1_000

export class FailureReports {
  readonly #options: FailureReportsOptions
  readonly #report: Report<IntrospectionFailure>

  constructor(options: FailureReportsOptions) {
    this.#options = options
    this.#report = throttledReport(
      (failure) => this.report(failure, 0),
      REPORT_INTERVAL_MS,
      options.monotonicNow,
    )
  }

  report(failure: IntrospectionFailure, retryIn: number): void {
    this.#options.onFailure(failure, retryIn)
  }

  reportThrottled(failure: IntrospectionFailure): void {
    if (!this.#options.closing.aborted) this.#report(failure)
  }
}
