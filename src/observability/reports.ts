/** Reports to the operator that are limited, however often their reason occurs. */

/** Tells of a failure. It must not throw: the logger of the options cannot. */
export type Report<Failure> = (failure: Failure) => void

/**
 * Returns a report that passes on the first failure, and then one per interval: for what fails again
 * and again, or what untrusted callers can make fail.
 *
 * @param monotonicNow milliseconds.
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
 * For a configuration with which no request of a kind can succeed: one line, not one a request.
 *
 * @param message a fixed sentence, because all that were logged are kept.
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
