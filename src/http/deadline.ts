import { startDeadline } from '../base/deadline-timer.js'

/**
 * Runs an exchange with one deadline, from connecting to the last byte, and aborts it when `closing`
 * aborts. Also rejects in time if the exchange ignores its signal; its result is dropped then.
 *
 * `timeout` is in milliseconds; `waitingFor` returns a URL for the message. The timer does not keep the
 * process alive.
 */
export async function withinDeadline<T>(
  exchange: (signal: AbortSignal) => Promise<T>,
  {
    timeout,
    closing,
    waitingFor,
  }: { timeout: number; closing?: AbortSignal; waitingFor?: (() => string) | undefined },
): Promise<T> {
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
