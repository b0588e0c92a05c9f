/**
 * Log lines about a configuration with which no request of a kind can succeed: one line for each, and
 * not one for each request.
 */

/** @param message a fixed sentence, because all that were logged are kept. */
export type WarnOnce = (message: string) => void

export function warnOnce(logger: { warn(details: object, message: string): void }): WarnOnce {
  const logged = new Set<string>()
  return (message) => {
    if (logged.has(message)) return
    logged.add(message)
    logger.warn({}, message)
  }
}
