/** Limits how often an operator is told of what fails again and again. */
export class Throttle {
  readonly #intervalMs: number
  readonly #monotonicNow: () => number
  #closedUntil = Number.NEGATIVE_INFINITY

  /** @param monotonicNow milliseconds. */
  constructor(intervalMs: number, monotonicNow: () => number) {
    this.#intervalMs = intervalMs
    this.#monotonicNow = monotonicNow
  }

  /** Whether this one passes: the first, and then one per interval. */
  pass(): boolean {
    const now = this.#monotonicNow()
    if (now < this.#closedUntil) return false
    this.#closedUntil = now + this.#intervalMs
    return true
  }
}

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
