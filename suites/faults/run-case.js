/** Runs one case with this package and with jose, and checks this package. */
import { Harness } from './harness/harness.js'

const TIMEOUT_MS = 60_000

/** @returns a row of the table; `failures` names the failed checks. */
export async function runCase({ name, expected, observe, check, describe, heavy = false }) {
  const ours = () =>
    observeWith('ours', observe).then(
      (measurements) => ({
        measured: describe(measurements, true),
        failures: failedChecks(check(measurements)),
      }),
      (error) => ({ measured: 'the case could not be run', failures: [error.stack] }),
    )
  // The suite reports the result of jose, but does not check it.
  const jose = () =>
    observeWith('jose', observe).then(
      (measurements) => describe(measurements, false),
      (error) => `the case could not be run: ${error.message}`,
    )
  const startedAt = performance.now()
  const [result, peer] = heavy ? [await ours(), await jose()] : await Promise.all([ours(), jose()])
  return { name, expected, ...result, jose: peer, durationMs: performance.now() - startedAt }
}

async function observeWith(subject, observe) {
  const harness = new Harness(subject)
  let timer
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished within ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
  })
  const observeAndClose = async () => {
    const measurements = await observe(harness)
    await harness.close({ graceful: true })
    return measurements
  }
  try {
    return await Promise.race([observeAndClose(), timeout])
  } catch (error) {
    await harness.close({ graceful: false })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function failedChecks(checks) {
  return Object.entries(checks)
    .filter(([, passed]) => !passed)
    .map(([name]) => name)
}
