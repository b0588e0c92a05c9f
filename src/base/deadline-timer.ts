/**
 * Implements a timer for network deadlines that hardly counts time during which the event loop is
 * blocked: a blocked process cannot read a response that has arrived in time.
 */
const PARTS = 10
/** Maximum delay of a timer if the event loop is not blocked, in milliseconds. */
const MAX_LATENESS_MS = 10

/**
 * Calls `onDeadline` after `timeoutMs`, which is divided into ten parts. A blocked event loop uses
 * up only the part in which it is blocked. If the last part ends late, an extra part follows, in
 * which the process can read responses; at most ten extra parts follow.
 *
 * The timer keeps the process alive only if `keepsAlive` is true. Default false.
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
