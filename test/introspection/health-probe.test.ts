import t from 'tap'
import { ConfirmedTokens } from '../../src/introspection/confirmed-tokens.js'
import { HealthProbe } from '../../src/introspection/health-probe.js'
import type { IntrospectionResult } from '../../src/introspection/introspection-response.js'

const settle = () => new Promise((resolve) => setImmediate(resolve))

t.test('a probe that was in flight when its result was discarded is not reused', async (t) => {
  const requests: (() => void)[] = []
  let now = 0
  const probe = new HealthProbe({
    request: () =>
      new Promise((resolve) => requests.push(() => resolve({} as IntrospectionResult))),
    confirmed: new ConfirmedTokens(() => 0),
    onThrottled: () => t.fail('not throttled'),
    monotonicNow: () => now,
  })
  const first = probe.run('a')
  t.equal(probe.run('b'), first, 'single flight')
  probe.forget()
  const second = probe.run('a')
  t.not(second, first)
  requests[0]?.()
  await first
  await settle()
  now = 5_000
  t.equal(probe.run('b'), second, 'still in flight')
  requests[1]?.()
  await second
  await settle()
  now = 5_999
  t.equal(probe.run('b'), second, 'fresh for a second')
  t.equal(requests.length, 2)
})
