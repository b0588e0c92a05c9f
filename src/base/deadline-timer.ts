/**
 * A timer that counts the time in which an answer could have been handled. While this process is busy
 * with something else, an answer that has arrived waits as well: that is no failure of whoever sent it.
 */
const PARTS = 10
/** In milliseconds, on an event loop that isn't stalled. */
const MAX_LATENESS_MS = 10

/**
 * Calls `onDeadline` after `timeoutMs`. The timer is made of parts: a stall of the event loop costs the
 * part that it falls into and no more, and after a part that ended late comes another one, in which
 * answers are read. An event loop that stalls all the time gets twice as many parts, and no more.
 *
 * @returns a function that stops the timer.
 */
export function startDeadline(
  timeoutMs: number,
  onDeadline: () => void,
  { keepsAlive = false } = {},
): () => void {
  const partMs = timeoutMs / PARTS
  let left = PARTS
  let timer: NodeJS.Timeout
  const arm = () => {
    const dueAt = performance.now() + partMs
    timer = setTimeout(() => {
      left--
      const isLate = performance.now() - dueAt > Math.max(partMs, MAX_LATENESS_MS)
      if (left > 0 || (isLate && left > -PARTS)) arm()
      else onDeadline()
    }, partMs)
    if (!keepsAlive) timer.unref()
  }
  arm()
  return () => clearTimeout(timer)
}
