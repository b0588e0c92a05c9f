import t from 'tap'
import { Latency } from '../../src/introspection/latency.js'
import { Pace } from '../../src/introspection/pace.js'

t.test('permits a burst of one second, then the rate', async (t) => {
  const state = { now: 0, rate: 4 }
  const pace = new Pace({
    perSecond: () => state.rate,
    pause: () => 0,
    monotonicNow: () => state.now,
  })
  for (let i = 0; i < 4; i++) {
    t.equal(pace.wait, 0)
    pace.take()
  }
  t.equal(pace.wait, 250)
  state.now += 250
  t.equal(pace.wait, 0)
  pace.take()
  state.now += 3_600_000
  for (let i = 0; i < 4; i++) pace.take()
  t.equal(pace.wait, 250, 'an idle hour permits no more than an idle second')
})

t.test('follows a changing rate', async (t) => {
  const state = { now: 0, rate: 100 }
  const pace = new Pace({
    perSecond: () => state.rate,
    pause: () => 0,
    monotonicNow: () => state.now,
  })
  t.equal(pace.wait, 0)
  state.rate = 1
  pace.take()
  t.equal(pace.wait, 1_000)
})

t.test('permits nothing before the pause ends', async (t) => {
  const state = { now: 0, until: 3_000 }
  const pause = () => Math.max(0, state.until - state.now)
  const pace = new Pace({ perSecond: () => 1, pause, monotonicNow: () => state.now })
  t.equal(pace.wait, 3_000)
  state.now += 2_999
  t.equal(pace.wait, 1)
  state.now += 1
  t.equal(pace.wait, 0)
})

t.test('a request counts as slow at four times the mean of active tokens', async (t) => {
  const latency = new Latency()
  t.equal(latency.slowAfter, Number.POSITIVE_INFINITY, 'without a measurement')
  latency.add(1)
  t.equal(latency.slowAfter, 500, 'at least half a second')
  for (let i = 0; i < 200; i++) latency.add(1_000)
  t.ok(Math.abs(latency.slowAfter - 4_000) < 1)
})
