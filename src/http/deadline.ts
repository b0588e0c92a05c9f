import { startDeadline } from '../base/deadline-timer.js'

/** Reports that a response was not complete at its deadline. */
export class DeadlineError extends Error {
  /** @param from the URL that the message names; `undefined` for a message without URL. */
  constructor(timeoutMs: number, from?: string) {
    const sender = from === undefined ? '' : ` from ${from}`
    super(`no complete response within ${timeoutMs} ms${sender}`)
  }
}

/**
 * Runs `request` with one deadline for everything from connecting to the last byte. At the
 * deadline, or when `closing` aborts, the signal of the request aborts and the returned promise
 * rejects. The promise rejects even if the request ignores the signal; the result of the request
 * is dropped in that case. If `closing` has aborted already, the promise rejects and `request` is
 * not called.
 *
 * `timeout` is in milliseconds. `waitingFor` returns the URL for the message of a timeout. The
 * timer does not keep the process alive.
 */
export async function withinDeadline<T>(
  request: (signal: AbortSignal) => Promise<T>,
  {
    timeout,
    closing,
    waitingFor,
  }: { timeout: number; closing?: AbortSignal; waitingFor?: (() => string) | undefined },
): Promise<T> {
  closing?.throwIfAborted()
  const controller = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason))
  })
  const close = () => controller.abort(closing?.reason)
  const stopDeadline = startDeadline(timeout, () => {
    controller.abort(new DeadlineError(timeout, waitingFor?.()))
  })
  closing?.addEventListener('abort', close)
  try {
    return await Promise.race([request(controller.signal), aborted])
  } finally {
    stopDeadline()
    closing?.removeEventListener('abort', close)
  }
}
