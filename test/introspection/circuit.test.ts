/** When introspection requests are sent, and how many at a time. */
import t from 'tap'
import { Circuit } from '../../src/introspection/circuit.js'
import { IntrospectionFailure } from '../../src/introspection/introspection-failure.js'

function start(untrustedPerSecond = 200) {
  const clock = { now: 1_000 }
  return {
    clock,
    circuit: new Circuit({ untrustedPerSecond, timeout: 5_000, monotonicNow: () => clock.now }),
  }
}

const failed = (status: number, retryAfterMs?: number) =>
  new IntrospectionFailure(`responded with ${status}`, {
    attributedTo: 'issuer',
    status,
    retryAfterMs,
  })

t.test('pauses all tokens while it is open, and names the failure', async (t) => {
  const { clock, circuit } = start()
  t.equal(circuit.pause('high'), 0)
  t.equal(circuit.rejectionFor('high'), undefined)
  const down = failed(503)
  const pause = circuit.open(down, true)
  t.ok(pause >= 500 && pause <= 1_000)
  for (const priority of ['high', 'background', 'low'] as const) {
    t.ok(Math.abs(circuit.pause(priority) - pause) < 1e-3, 'except for rounding')
    t.equal(circuit.rejectionFor(priority), down)
  }
  t.match(circuit, { failing: true, isProven: true, outageEpoch: 1, concurrency: 1 })
  clock.now += pause
  t.equal(circuit.pause('high'), 0)
  t.ok(circuit.failing, 'until a response closes it')
  t.ok(circuit.close())
  t.notOk(circuit.close(), 'an outage ends once')
  t.match(circuit, { failing: false, concurrency: 60 })
})

t.test(
  'pauses for at most 2 seconds without a confirmed outage, unless the issuer requests more',
  async (t) => {
    const { clock, circuit } = start()
    for (let i = 0; i < 8; i++) {
      const pause = circuit.open(failed(503), false)
      t.ok(pause <= 2_000)
      clock.now += pause
    }
    t.equal(circuit.concurrency, 10)
    t.equal(circuit.open(failed(503, 20_000), false), 20_000)
    clock.now += 20_000
    t.equal(circuit.open(failed(503, 3_600_000), false), 60_000)
  },
)

t.test('stops only untrusted tokens on 429 about all tokens', async (t) => {
  const { clock, circuit } = start()
  const throttled = failed(429, 20_000)
  t.equal(circuit.throttle(throttled, 'all'), 20_000)
  t.equal(circuit.pause('low'), 20_000)
  t.equal(circuit.rejectionFor('low'), throttled)
  for (const priority of ['high', 'background'] as const) {
    t.equal(circuit.pause(priority), 0)
    t.equal(circuit.rejectionFor(priority), undefined)
  }
  t.match(circuit, { trustedConcurrency: 5, untrustedPerSecond: 12.5, failing: false })
  clock.now += 15_000
  t.equal(circuit.rejectionFor('low'), throttled)
  clock.now += 1
  t.equal(circuit.rejectionFor('low'), undefined, 'it may wait for the rest of the pause')
  t.equal(circuit.pause('low'), 4_999)
  clock.now += 4_999
  t.equal(circuit.pause('low'), 0)
  t.match(circuit, { trustedConcurrency: 60, untrustedPerSecond: 12.5 })
  t.equal(circuit.throttle(failed(429, 3_600_000), 'all'), 60_000)
})

t.test('quarters the rate of untrusted tokens once per stop, and doubles it later', async (t) => {
  const { clock, circuit } = start()
  const rates: number[] = []
  for (let i = 0; i < 4; i++) {
    circuit.throttle(failed(429, 2_000), 'all')
    rates.push(circuit.untrustedPerSecond)
    clock.now += 1_000
    circuit.throttle(failed(429, 2_000), 'all')
    t.equal(circuit.untrustedPerSecond, rates[i], 'within the same stop')
    clock.now += 2_000
  }
  t.strictSame(rates, [12.5, 3.125, 1, 1])
  clock.now += 29_999
  t.equal(circuit.untrustedPerSecond, 1)
  clock.now += 1
  t.equal(circuit.untrustedPerSecond, 2)
  clock.now += 3_600_000
  t.equal(circuit.untrustedPerSecond, 200)
})

t.test('keeps a configured rate of less than one', async (t) => {
  const { circuit } = start(0.5)
  circuit.throttle(failed(429, 2_000), 'all')
  t.equal(circuit.untrustedPerSecond, 0.5)
})

t.test('slows down untrusted tokens on 429 about unknown tokens', async (t) => {
  const { clock, circuit } = start()
  for (let i = 0; i < 3; i++) {
    t.equal(circuit.throttle(failed(429, 20_000), 'unknown'), 0)
    t.equal(circuit.pause('low'), 0)
    t.match(circuit, { trustedConcurrency: 5, untrustedPerSecond: 50 })
  }
  clock.now += 20_000 + 59_999
  t.equal(circuit.untrustedPerSecond, 100)
  clock.now += 1
  t.match(circuit, { trustedConcurrency: 60, untrustedPerSecond: 200 })
})

t.test('tries few untrusted tokens until one is confirmed', async (t) => {
  const { clock, circuit } = start()
  circuit.throttle(failed(429, 20_000), 'indeterminate')
  t.equal(circuit.pause('low'), 0)
  t.equal(circuit.untrustedPerSecond, 5)
  clock.now += 19_000
  t.equal(circuit.untrustedPerSecond, 5)
  circuit.confirm()
  t.equal(circuit.untrustedPerSecond, 50)
  circuit.throttle(failed(429, 20_000), 'unknown')
  t.equal(circuit.untrustedPerSecond, 50)
})

t.test('raises no rate that a configured one or a stop bounds', async (t) => {
  const { circuit } = start(3)
  circuit.throttle(failed(429, 20_000), 'indeterminate')
  t.equal(circuit.untrustedPerSecond, 3)
  circuit.confirm()
  t.equal(circuit.untrustedPerSecond, 3)
  const { circuit: stopped } = start()
  stopped.throttle(failed(429, 20_000), 'all')
  stopped.confirm()
  t.equal(stopped.untrustedPerSecond, 12.5)
})

t.test('slows down untrusted tokens on 429 without Retry-After', async (t) => {
  for (const tokens of ['unknown', 'indeterminate'] as const) {
    const { clock, circuit } = start()
    t.equal(circuit.throttle(failed(429), tokens), 0)
    t.equal(circuit.pause('low'), 0)
    t.match(circuit, { trustedConcurrency: 5, untrustedPerSecond: 50 })
    clock.now += 10_000
    t.equal(circuit.trustedConcurrency, 60)
  }
})

t.test('does not pause trusted tokens for the Retry-After of a 429', async (t) => {
  const { circuit } = start()
  t.ok(circuit.open(failed(429, 60_000), true) <= 1_000)
})
