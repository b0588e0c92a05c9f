/** Waits for what an API does in the background, and not for a time. */
import { Unmet } from '../check.js'

const PATIENCE = 15_000

export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Unmet(what, `none within ${PATIENCE / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
