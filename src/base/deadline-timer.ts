/**
 * A timer for network deadlines that excludes stalls of the event loop. During a stall, a response
 * that has arrived cannot be read: that is not a failure of the server that sent it.
 */
const PARTS = 10
/** Latest a timer fires on an event loop that is not stalled, in milliseconds. */
const MAX_LATENESS_MS = 10

/**
 * Calls `onDeadline` after `timeoutMs`. The timeout is divided into parts: a stall of the event
 * loop consumes only the part in which it occurs, and a part that ended late is followed by an
 * extra one, in which responses can be read. There are at most twice as many parts.
 *
 * @returns a function that stops the timer.
 */
export function startDeadline(
  timeoutMs: number,
  onDeadline: () => void,
  { keepsAlive = false } = {},
): () => void {
  const partMs = timeoutMs / PARTS
  let partsLeft = PARTS
  let timer: NodeJS.Timeout
  const arm = () => {
    const dueAt = performance.now() + partMs
    timer = setTimeout(() => {
      partsLeft--
      const isLate = performance.now() - dueAt > Math.max(partMs, MAX_LATENESS_MS)
      if (partsLeft > 0 || (isLate && partsLeft > -PARTS)) arm()
      else onDeadline()
    }, partMs)
    if (!keepsAlive) timer.unref()
  }
  arm()
  return () => clearTimeout(timer)
}
