/** Runs the tests against one mutant. */

/** Timeout: ten times the duration without a mutant, and long enough for a busy machine. */
function limitOf(ms) {
  return 8_000 + 10 * ms
}

/**
 * Returns the status of a mutant: `killed`, `timeout`, `survived`, `unreached` by any test, or
 * `open` if the machine is too busy for a result.
 */
export async function testMutant(mutant, plan, worker) {
  if (plan.length === 0) return { status: 'unreached' }
  for (const { module, only, ms } of plan) {
    const order = { module, only, mutant: mutant.id }
    let result = await worker.run(order, limitOf(ms))
    // An unhandled error may come from an earlier mutant, so the tests run again in a new process.
    if (result.failure !== undefined && result.untrusted)
      result = await worker.run(order, limitOf(ms))
    if (result.failure === 'timeout') {
      // A timeout means nothing if the unchanged code times out as well.
      const { failure } = await worker.run({ module, only }, limitOf(ms) / 2)
      return { status: failure === undefined ? 'timeout' : 'open' }
    }
    if (result.failure !== undefined)
      return { status: 'killed', by: result.failure, testRun: { module, only, ms } }
  }
  return { status: 'survived' }
}

/**
 * Whether the tests that killed mutants pass without a mutant, so that no mutant had side effects.
 */
export async function passWithoutMutant(testRuns, worker) {
  const distinct = new Map()
  for (const testRun of testRuns) {
    const known = distinct.get(testRun.module)
    const only = [...new Set([...(known?.only ?? []), ...testRun.only])]
    distinct.set(testRun.module, { ...testRun, only, ms: Math.max(known?.ms ?? 0, testRun.ms) })
  }
  for (const { module, only, ms } of distinct.values()) {
    const { failure } = await worker.run({ module, only }, limitOf(ms))
    if (failure !== undefined) return false
  }
  return true
}
