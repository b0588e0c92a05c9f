/** Failed rechecks are retried on a timer, independent of requests. */
import t from 'tap'
import { RecheckRetries } from '../../src/introspection/recheck-retries.js'

t.beforeEach(async (t) => {
  // The timer of the retries does not keep the process alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
})

function recheck(needsRetry: boolean, isDue: () => boolean) {
  const state = { checks: 0 }
  const entry = {
    needsRetry,
    recheckIfDue() {
      state.checks++
      return isDue()
    },
  }
  return { state, one: entry }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

t.test('retries a recheck once it is due, and none that needs no retry', async (t) => {
  const retries = new RecheckRetries()
  t.teardown(() => retries.close())
  const early = recheck(true, () => early.state.checks > 1)
  const unused = recheck(false, () => true)
  retries.add(early.one)
  retries.add(unused.one)
  await until(() => early.state.checks === 2)
  t.equal(unused.state.checks, 0)
  await new Promise((done) => setTimeout(done, 700))
  t.equal(early.state.checks, 2, 'it is queued again only if it fails again')
  retries.add(early.one)
  await until(() => early.state.checks === 3)
})

t.test('retries nothing after close()', async (t) => {
  const retries = new RecheckRetries()
  const before = recheck(true, () => true)
  const after = recheck(true, () => true)
  retries.add(before.one)
  retries.close()
  retries.add(after.one)
  await new Promise((done) => setTimeout(done, 700))
  t.equal(before.state.checks + after.state.checks, 0)
})
