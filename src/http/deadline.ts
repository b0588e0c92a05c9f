import { startDeadline } from '../base/deadline-timer.js'

/**
 * Runs an exchange within one deadline, from the first connection to the last byte, and ends it when
 * `closing` aborts. Holds also for an exchange that doesn't heed its signal: it goes on unheard then.
 *
 * `waitingFor` is a URL, for the message. The timer doesn't keep the process alive.
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
    controller.abort(new Error(`no complete answer within ${timeout} ms${from}`))
  })
  closing?.addEventListener('abort', close)
  try {
    return await Promise.race([exchange(controller.signal), aborted])
  } finally {
    stopDeadline()
    closing?.removeEventListener('abort', close)
  }
}
