/** How long a piece of work may take, and who else may end it. */
export interface Deadline {
  /** Milliseconds for the whole work. */
  timeout: number
  /** The caller's own signal. */
  signal: AbortSignal | undefined
  /** The error with which the work ends when the time is over. */
  late: () => Error
}

/**
 * Runs work under a deadline. Ends with `late()` when the time is over and with the signal's
 * reason when the caller aborts, also where the work itself doesn't listen to its signal.
 */
export async function withDeadline<T>(
  { timeout, signal, late }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late()), timeout)
  const aborted = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', aborted)
  try {
    // Listens before the work does, so that this reason wins over what the work makes of it.
    const interrupted = rejection(controller.signal)
    return await Promise.race([interrupted, work(controller.signal)])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}
