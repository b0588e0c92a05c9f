/** Nonces of different times and secrets. */
import t from 'tap'
import { Nonces } from '../../../src/binding/dpop/nonces.js'

const LIFETIME = 60
const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

function at(seconds: number, secrets: readonly Uint8Array[] = [NEW]) {
  const clock = { now: seconds * 1_000 }
  return { clock, nonces: new Nonces({ secrets, lifetime: LIFETIME, now: () => clock.now }) }
}

t.test('P4: a nonce is the newest for its lifetime, and accepted for as long again', async (t) => {
  const { clock, nonces } = at(6_000)
  const first = nonces.newest()
  t.match(first, /^[\w-]{43}$/)
  clock.now += 59_999
  t.equal(nonces.newest(), first)
  clock.now += 1
  const second = nonces.newest()
  t.not(second, first)
  t.equal(nonces.accepts(first), true, 'the previous nonce')
  t.equal(nonces.accepts(second), true)
  clock.now += 60_000
  t.equal(nonces.accepts(first), false, 'the nonce before the previous one')
  t.equal(nonces.accepts(second), true)
})

t.test(
  'P4: accepts a nonce of an instance whose clock is ahead by up to one lifetime',
  async (t) => {
    const { nonces } = at(6_000)
    t.equal(nonces.accepts(at(6_060).nonces.newest()), true)
    t.equal(nonces.accepts(at(6_120).nonces.newest()), false)
  },
)

t.test('P4: a secret can be rotated while instances run', async (t) => {
  const before = at(6_000, [OLD]).nonces
  const between = at(6_000, [NEW, OLD]).nonces
  const after = at(6_000, [NEW]).nonces
  t.equal(between.newest(), after.newest(), 'the first secret signs')
  t.equal(between.accepts(before.newest()), true, 'and all are accepted')
  t.equal(after.accepts(before.newest()), false)
})

t.test('P4: accepts no other nonce', async (t) => {
  const { nonces } = at(6_000)
  const nonce = nonces.newest()
  for (const odd of [
    '',
    'x',
    nonce.slice(1),
    `${nonce}A`,
    nonce.toLowerCase(),
    `A${nonce.slice(1)}`,
  ]) {
    if (odd !== nonce) t.equal(nonces.accepts(odd), false, odd)
  }
  const other = new Nonces({ secrets: [NEW], lifetime: 30, now: () => 3_000_000 })
  t.equal(
    nonces.accepts(other.newest()),
    false,
    'a nonce of another lifetime, in its 100th as well',
  )
})
