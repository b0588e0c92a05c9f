/** Limits how often a recurring problem is reported to the operator. */

/** Reports a failure. Must not throw; a report that only calls a `SafeLogger` never throws. */
export type Report<Failure> = (failure: Failure) => void

/**
 * Returns a throttled report: it reports the first failure, then at most one failure per interval,
 * and drops the others. Without throttling, recurring failures and failures that untrusted callers
 * can cause would flood the log.
 *
 * @param intervalMs minimum time between two reported failures, in milliseconds.
 * @param monotonicNow returns the monotonic time, in milliseconds.
 */
export function throttledReport<Failure>(
  report: Report<Failure>,
  intervalMs: number,
  monotonicNow: () => number,
): Report<Failure> {
  let closedUntil = Number.NEGATIVE_INFINITY
  return (failure) => {
    const now = monotonicNow()
    if (now < closedUntil) return
    closedUntil = now + intervalMs
    report(failure)
  }
}

/** Callbacks must not throw. */
export interface OutageReportsOptions<Failure> {
  readonly onFailure: Report<Failure>
  /** Called with the time since the first failure, in milliseconds. */
  readonly onRecovery: (failedForMs: number) => void
  /** Minimum time between two reported failures, in milliseconds. */
  readonly intervalMs: number
  readonly monotonicNow: () => number
}

/**
 * Reports the failures of one dependency, such as a store, at most once per interval, and once that
 * the dependency works again. A recovery is reported only after a reported failure, so that a
 * dependency that fails at every other call causes at most two reports per interval.
 */
export class OutageReports<Failure> {
  readonly #options: OutageReportsOptions<Failure>
  readonly #report: Report<Failure>
  #failingSince: number | undefined
  #isReported = false

  constructor(options: OutageReportsOptions<Failure>) {
    const { onFailure, intervalMs, monotonicNow } = options
    this.#options = options
    this.#report = throttledReport(
      (failure) => {
        this.#isReported = true
        onFailure(failure)
      },
      intervalMs,
      monotonicNow,
    )
  }

  failed(failure: Failure): void {
    this.#failingSince ??= this.#options.monotonicNow()
    this.#report(failure)
  }

  succeeded(): void {
    if (this.#failingSince === undefined) return
    const failedForMs = this.#options.monotonicNow() - this.#failingSince
    this.#failingSince = undefined
    if (!this.#isReported) return
    this.#isReported = false
    this.#options.onRecovery(failedForMs)
  }
}

/**
 * Logs a warning on the first call with this message; later calls with the same message log
 * nothing.
 *
 * @param message a fixed sentence, because every message stays in memory.
 */
export type WarnOnce = (message: string) => void

/** Returns a {@link WarnOnce} that logs to the logger. */
export function warnOnce(logger: { warn(details: object, message: string): void }): WarnOnce {
  const logged = new Set<string>()
  return (message) => {
    if (logged.has(message)) return
    logged.add(message)
    logger.warn({}, message)
  }
}
