/** When the issuer is asked at all, and about how many tokens at once. */
import t from 'tap'
import { Circuit } from '../../src/introspection/circuit.js'
import { IntrospectionFailure } from '../../src/introspection/introspection-failure.js'

function start(untrustedPerSecond = 200) {
  const clock = { now: 1_000 }
  return { clock, circuit: new Circuit({ untrustedPerSecond, steadyNow: () => clock.now }) }
}

const failed = (status: number, retryAfter?: number) =>
  new IntrospectionFailure(`answered ${status}`, { of: 'issuer', status, retryAfter })

t.test('pauses all tokens while it is open, and names the failure', async (t) => {
  const { clock, circuit } = start()
  t.equal(circuit.pause('high'), 0)
  t.equal(circuit.reason('high'), undefined)
  const down = failed(503)
  const pause = circuit.open(down, true)
  t.ok(pause >= 500 && pause <= 1_000)
  for (const priority of ['high', 'background', 'low'] as const) {
    t.ok(Math.abs(circuit.pause(priority) - pause) < 1e-3, 'but for rounding')
    t.equal(circuit.reason(priority), down)
  }
  t.match(circuit, { failing: true, isProven: true, outages: 1, width: 1 })
  clock.now += pause
  t.equal(circuit.pause('high'), 0)
  t.ok(circuit.failing, 'until an answer closes it')
  t.ok(circuit.close())
  t.notOk(circuit.close(), 'no outage ends twice')
  t.match(circuit, { failing: false, width: 60 })
})

t.test('pauses 2 seconds at most without proof, unless the issuer asks for more', async (t) => {
  const { clock, circuit } = start()
  for (let i = 0; i < 8; i++) {
    const pause = circuit.open(failed(503), false)
    t.ok(pause <= 2_000)
    clock.now += pause
  }
  t.equal(circuit.width, 10)
  t.equal(circuit.open(failed(503, 20_000), false), 20_000)
  clock.now += 20_000
  t.equal(circuit.open(failed(503, 3_600_000), false), 60_000)
})

t.test('stops only untrusted tokens on 429 with Retry-After', async (t) => {
  const { clock, circuit } = start()
  const throttled = failed(429, 20_000)
  t.equal(circuit.throttle(throttled), 20_000)
  t.equal(circuit.pause('low'), 20_000)
  t.equal(circuit.reason('low'), throttled)
  for (const priority of ['high', 'background'] as const) {
    t.equal(circuit.pause(priority), 0)
    t.equal(circuit.reason(priority), undefined)
  }
  t.match(circuit, { trustedWidth: 5, untrustedPerSecond: 50, failing: false })
  clock.now += 20_000
  t.equal(circuit.pause('low'), 0)
  t.match(circuit, { trustedWidth: 60, untrustedPerSecond: 200 })
  t.equal(circuit.throttle(failed(429, 3_600_000)), 60_000)
})

t.test('slows down untrusted tokens on 429 without Retry-After', async (t) => {
  const { clock, circuit } = start(5)
  t.equal(circuit.throttle(failed(429)), 0)
  t.equal(circuit.pause('low'), 0)
  t.match(circuit, { trustedWidth: 5, untrustedPerSecond: 5 })
  clock.now += 10_000
  t.equal(circuit.trustedWidth, 60)
})

t.test('does not pause trusted tokens for the Retry-After of a 429', async (t) => {
  const { circuit } = start()
  t.ok(circuit.open(failed(429, 60_000), true) <= 1_000)
})
