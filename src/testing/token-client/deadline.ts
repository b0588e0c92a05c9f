/** The time limit of an operation, and the signal with which the caller can abort it. */
export interface Deadline {
  /** Time limit for the whole operation, in milliseconds. */
  timeout: number
  /** The caller's signal; `undefined` if the caller gave none. */
  signal: AbortSignal | undefined
  /** Returns the error for an exceeded time limit. */
  createTimeoutError: () => Error
}

/**
 * Runs an operation under a deadline, and returns the operation's result. Rejects with the error of
 * `createTimeoutError` when the time limit is exceeded, and with the reason of the caller's signal
 * when the caller aborts, even if the operation ignores the signal that it receives.
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
    // `rejectOnAbort` adds its listener before the operation adds any. On an abort, the race
    // therefore rejects with the reason of the abort and not with the operation's own error.
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
