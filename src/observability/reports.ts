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
