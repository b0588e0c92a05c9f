/** Waits until a background action of the API is visible, instead of a fixed time. */
import { RuleViolation } from '../check.js'

const TIMEOUT_MS = 15_000

export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const giveUpAt = Date.now() + TIMEOUT_MS
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new RuleViolation(what, `none within ${TIMEOUT_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
