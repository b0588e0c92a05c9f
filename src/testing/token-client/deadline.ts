/** The time limit of an operation, and the caller's signal. */
export interface Deadline {
  /** Limit for the whole operation, in milliseconds. */
  timeout: number
  /** The caller's own signal. */
  signal: AbortSignal | undefined
  /** Creates the error for an exceeded time limit. */
  createTimeoutError: () => Error
}

/**
 * Runs an operation under a deadline. Rejects with the result of `createTimeoutError` when the time
 * limit is exceeded and with the signal's reason when the caller aborts, even if the operation
 * ignores its signal.
 */
export async function withDeadline<T>(
  { timeout, signal, createTimeoutError }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(createTimeoutError()), timeout)
  const aborted = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', aborted)
  try {
    // Listens before the operation does, so that this reason wins over the operation's own error.
    const interrupted = rejectOnAbort(controller.signal)
    return await Promise.race([interrupted, work(controller.signal)])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}
