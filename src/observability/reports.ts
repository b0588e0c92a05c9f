/** Limits how often the same problem is reported to the operator. */

/** Reports a failure. Must not throw; the resolved `logger` option never does. */
export type Report<Failure> = (failure: Failure) => void

/**
 * Returns a throttled report: the first failure, then at most one per interval. For failures that
 * recur, or that untrusted callers can cause.
 *
 * @param intervalMs milliseconds.
 * @param monotonicNow monotonic time in milliseconds.
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
 * Warns once of a configuration with which no request of a certain type can succeed.
 *
 * @param message a fixed sentence, because all logged messages are kept.
 */
export type WarnOnce = (message: string) => void

export function warnOnce(logger: { warn(details: object, message: string): void }): WarnOnce {
  const logged = new Set<string>()
  return (message) => {
    if (logged.has(message)) return
    logged.add(message)
    logger.warn({}, message)
  }
}
