import { startDeadline } from '../base/deadline-timer.js'

/**
 * Runs `exchange` with one deadline for everything from connecting to the last byte. At the
 * deadline, or when `closing` aborts, the signal of the exchange aborts and the returned promise
 * rejects. The promise rejects even if the exchange ignores the signal; the result of the exchange
 * is dropped in that case. If `closing` has aborted already, the promise rejects and `exchange` is
 * not called.
 *
 * `timeout` is in milliseconds. `waitingFor` returns the URL for the message of a timeout. The
 * timer does not keep the process alive.
 */
export async function withinDeadline<T>(
  exchange: (signal: AbortSignal) => Promise<T>,
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
    const from = waitingFor === undefined ? '' : ` from ${waitingFor()}`
    controller.abort(new Error(`no complete response within ${timeout} ms${from}`))
  })
  closing?.addEventListener('abort', close)
  try {
    return await Promise.race([exchange(controller.signal), aborted])
  } finally {
    stopDeadline()
    closing?.removeEventListener('abort', close)
  }
}
