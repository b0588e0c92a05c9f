/** Effects of a flood of unknown tokens. */
import t, { type Test } from 'tap'
import {
  type Priority,
  PriorityLimiter,
  type Slot,
} from '../../src/introspection/priority-limiter.js'
import { introspectorOf, startIntrospectionServer } from '../fixtures/introspection-server.js'

/** Tests end while requests are queued: their timers must not fire in the next test. */
function turns({ concurrency = 60, timeout = 3_600_000 } = {}) {
  const state = {
    concurrency,
    trustedConcurrency: 60,
    wait: 0,
    slowAfter: Number.POSITIVE_INFINITY,
    now: 0,
  }
  const these = new PriorityLimiter({
    concurrency: () => state.concurrency,
    trustedConcurrency: () => state.trustedConcurrency,
    timeout,
    pace: {
      get wait() {
        return state.wait
      },
      take() {},
    },
    slowAfter: () => state.slowAfter,
    monotonicNow: () => state.now,
  })
  return { state, turns: these }
}

/** Runs all pending microtasks and immediates. */
const settle = () => new Promise(setImmediate)

async function flood(t: Test, overrides = {}) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', { active: true })
  return { server, ...(await introspectorOf(t, server, overrides)) }
}

t.test('ten thousand invalid tokens cause no flood at the issuer', async (t) => {
  const { server, clock, outcome, failures } = await flood(t, { cacheMaxAge: 400, timeout: 60_000 })
  t.equal(await outcome('good'), 'active')
  const release = server.hold()
  const counts = { active: 0, rejected: 0, unavailable: 0 }
  const garbage = Array.from({ length: 10_000 }, async (_, i) => {
    counts[await outcome(`garbage-${i}`)]++
  })
  while (server.introspections.length < 41) await new Promise((done) => setTimeout(done, 5))
  clock.now += 400
  const again = outcome('good')
  while (server.requestsFor('good') < 2) await new Promise((done) => setTimeout(done, 5))
  t.equal(server.introspections.length, 42, 'slots are free for trusted tokens')
  t.strictSame(counts, { active: 0, rejected: 0, unavailable: 8_960 }, 'rejected immediately')
  const acceptedTokens = () => counts.rejected + counts.unavailable - 8_960
  release()
  t.equal(await again, 'active', 'a confirmed token is accepted during the flood')
  while (acceptedTokens() < 240) await new Promise((done) => setTimeout(done, 5))
  await new Promise((done) => setTimeout(done, 50))
  t.equal(counts.rejected, 240, '40, and 200 a second')
  for (let second = 2; second <= 5; second++) {
    clock.now += 1_000
    while (acceptedTokens() < 40 + second * 200) await new Promise((done) => setTimeout(done, 5))
  }
  await Promise.all(garbage)
  t.strictSame(counts, { active: 0, rejected: 1_040, unavailable: 8_960 })
  t.equal(server.state.mostInFlight, 41)
  t.equal(failures.length, 1)
  t.match(failures, [{ failure: { attributedTo: 'ours', message: /too many tokens/ }, retryIn: 0 }])
})

t.test('reserves slots for trusted tokens and for rechecks', async (t) => {
  const { turns: these } = turns()
  const begun: string[] = []
  const take = (priority: Priority) =>
    these.take(priority).then((turn) => {
      begun.push(priority)
      return turn
    })
  const untrusted = Array.from({ length: 60 }, () => take('low'))
  await settle()
  t.equal(begun.length, 40)
  for (let i = 0; i < 11; i++) void take('background')
  for (let i = 0; i < 15; i++) void take('high')
  await settle()
  t.equal(begun.filter((one) => one === 'background').length, 10)
  t.equal(begun.filter((one) => one === 'high').length, 10)
  for (const turn of untrusted.slice(0, 6)) (await (turn as Promise<Slot>)).end()
  await settle()
  t.strictSame(
    begun.slice(60),
    [...Array(5).fill('high'), 'background'],
    'trusted tokens start first',
  )
})

t.test('limits trusted tokens in flight while the issuer throttles', async (t) => {
  const { state, turns: these } = turns()
  state.trustedConcurrency = 2
  const begun: Slot[] = []
  for (const priority of ['high', 'background', 'high'] as const) {
    void these.take(priority).then((turn) => begun.push(turn))
  }
  await settle()
  t.equal(begun.length, 2)
  begun[0]?.end()
  await settle()
  t.equal(begun.length, 3)
})

t.test('limits the rate of untrusted tokens', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const { state, turns: these } = turns()
  state.wait = 1
  let begun = 0
  void these.take('low').then(() => begun++)
  await these.take('high')
  await new Promise((done) => setTimeout(done, 30))
  t.equal(begun, 0)
  state.wait = 0
  while (begun === 0) await new Promise((done) => setTimeout(done, 5))
})

t.test('a slow untrusted token loses its slot to a queued one', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const { state, turns: these } = turns()
  const slow = await Promise.all(Array.from({ length: 40 }, () => these.take('low')))
  let begun = 0
  const takeOne = () => void these.take('low').then(() => begun++)
  takeOne()
  await new Promise((done) => setTimeout(done, 20))
  t.equal(begun, 0, 'without a measurement of slowness')
  state.slowAfter = 500
  state.now = 499
  takeOne()
  await new Promise((done) => setTimeout(done, 20))
  t.equal(begun, 0)
  state.now = 500
  while (begun === 0) await new Promise((done) => setTimeout(done, 5))
  t.ok(slow[0]?.signal.aborted)
  t.match(slow[0]?.signal.reason, { message: 'no complete response within 500 ms' })
  t.equal(
    slow.filter(({ signal }) => signal.aborted).length,
    begun,
    'each queued request replaces one slow request',
  )
  slow[0]?.end()
  t.notOk(slow.at(-1)?.signal.aborted)
})

t.test('rejects a request that is queued too long', async (t) => {
  const { turns: these } = turns({ concurrency: 1, timeout: 20 })
  // The timer of a queued request does not keep the process alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const first = await these.take('low')
  t.match(await these.take('low').catch((failure) => failure), { attributedTo: 'ours' })
  const next = these.take('low')
  first.end()
  t.type((await next).end, 'function')
})

t.test('starts queued requests in order of arrival', async (t) => {
  const { state, turns: these } = turns({ concurrency: 1 })
  const order: number[] = []
  const enter = async (name: number) => {
    const turn = await these.take('low')
    order.push(name)
    return turn
  }
  const first = await enter(0)
  const second = enter(1)
  state.concurrency = 2
  const third = enter(2)
  await settle()
  t.strictSame(order, [0])
  first.end()
  await Promise.all([second, third])
  t.strictSame(order, [0, 1, 2])
})
