/** Runs one case with this package and with jose, and checks this package. */
import { Harness } from './harness/harness.js'

const LONGEST = 60_000

/** @returns a row of the table; `wrong` lists the failed checks. */
export async function runCase({ name, expected, observe, check, describe, heavy = false }) {
  const ours = () =>
    on('ours', observe).then(
      (facts) => ({ seen: describe(facts, true), wrong: untrue(check(facts)) }),
      (error) => ({ seen: 'the case could not be run', wrong: [error.stack] }),
    )
  // Measured, but not checked.
  const jose = () =>
    on('jose', observe).then(
      (facts) => describe(facts, false),
      (error) => `the case could not be run: ${error.message}`,
    )
  const begun = performance.now()
  const [result, peer] = heavy ? [await ours(), await jose()] : await Promise.all([ours(), jose()])
  return { name, expected, ...result, jose: peer, took: performance.now() - begun }
}

async function on(subject, observe) {
  const harness = new Harness(subject)
  let timer
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LONGEST} ms`)), LONGEST)
  })
  const observed = async () => {
    const facts = await observe(harness)
    await harness.close({ graceful: true })
    return facts
  }
  try {
    return await Promise.race([observed(), tooLong])
  } catch (error) {
    await harness.close({ graceful: false })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function untrue(checks) {
  return Object.entries(checks)
    .filter(([, isSo]) => !isSo)
    .map(([what]) => what)
}
