/** Waits until a background action of the API is visible, instead of a fixed time. */
import { RuleViolation } from '../check.js'

/** Checks that are 20 ms apart: at least 30 s, which no API needs unless something hangs. */
const ATTEMPTS = 1_500

export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new RuleViolation(what, `none after ${ATTEMPTS} checks`)
}
