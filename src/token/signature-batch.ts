/**
 * Verifies the signatures that requests of one turn of the event loop need together, at the end of
 * the turn. Alternating with the work on requests, a verification takes twice as long, because the
 * code of each displaces the code of the other from the caches of the processor.
 */

// Not the global function, which the application may replace by a fake timer in its tests.
import { setImmediate } from 'node:timers'

interface Verification {
  readonly verify: () => boolean
  readonly resolve: (valid: boolean) => void
}

let batch: Verification[] = []

/**
 * Calls `verify` at the end of the turn.
 *
 * @returns what `verify` returns, or `false` if it throws, as for an error of OpenSSL.
 */
export function verifyInBatch(verify: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    batch.push({ verify, resolve })
    if (batch.length === 1) setImmediate(verifyAll)
  })
}

function verifyAll(): void {
  const verifications = batch
  batch = []
  // Resolves no promise before all are verified: otherwise, work on requests would run in between.
  const results = verifications.map(({ verify }) => isValid(verify))
  verifications.forEach(({ resolve }, index) => {
    resolve(results[index] as boolean)
  })
}

function isValid(verify: () => boolean): boolean {
  try {
    return verify()
  } catch {
    return false
  }
}
