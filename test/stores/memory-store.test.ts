import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { memoryStore } from '../../src/index.js'
import { countCallsOf } from '../fixtures/count-calls.js'

const NOW = 1_800_000_000_000

function store(options: { maxEntries?: number } = {}) {
  const clock = { now: NOW }
  return { clock, store: memoryStore({ now: () => clock.now, ...options }) }
}

t.test('P5: adds an entry once, until it expires', async (t) => {
  const { store: it, clock } = store()
  t.equal(await it.add('a', 'x', 10_000), true)
  clock.now += 9_999
  t.equal(await it.add('a', 'y', 10_000), false)
  t.equal(await it.get('a'), 'x')
  clock.now += 1
  t.equal(await it.get('a'), undefined)
  t.equal(await it.add('a', '', 10_000), true)
  t.equal(await it.get('a'), '')
  clock.now = NOW + 20_500
  t.equal(await it.add('half', '', 100), true)
  clock.now += 100
  t.equal(await it.add('half', '', 100), false, 'the expiry is rounded up to a full second')
})

t.test('P5: accepts exactly one of 10,000 concurrent adds', async (t) => {
  const { store: it } = store()
  const adding = Array.from({ length: 10_000 }, () => it.add('a', '', 1_000))
  t.equal((await Promise.all(adding)).filter(Boolean).length, 1)
})

t.test('P5: rejects new entries while full, and evicts none', async (t) => {
  const { store: it, clock } = store({ maxEntries: 3 })
  for (const key of ['a', 'b', 'c']) t.equal(await it.add(key, '', 10_000), true)
  await t.rejects(it.add('d', '', 10_000), {
    name: 'StoreFullError',
    code: 'store_full',
    message: 'memory store is full: raise "maxEntries", which is 3',
  })
  await t.rejects(it.set('d', '', 10_000), { code: 'store_full' })
  for (const key of ['a', 'b', 'c']) t.equal(await it.add(key, '', 10_000), false)
  await it.set('a', 'again', 5_000)
  clock.now += 5_000
  t.equal(await it.add('d', '', 10_000), true, 'expired entries free capacity')
  await it.delete('b')
  t.equal(await it.add('e', '', 10_000), true)
  t.equal(await it.get('c'), '')
  clock.now += 5_000
  t.equal(await it.add('f', '', 1_000), true, 'also after a deletion')
})

t.test('set replaces the TTL, whether it is shorter or longer', async (t) => {
  const { store: it, clock } = store()
  await it.set('a', 'long', 100_000)
  await it.set('a', 'short', 1_000)
  clock.now += 1_000
  await it.set('b', '', 1_000)
  t.equal(await it.get('a'), undefined)
  await it.set('c', 'short', 1_000)
  await it.set('c', 'long', 100_000)
  clock.now += 50_000
  await it.set('d', '', 1_000)
  t.equal(await it.get('c'), 'long', 'also if the earlier expiry has passed')
  clock.now += 50_000
  t.equal(await it.get('c'), undefined)
  t.equal(await it.add('c', '', 1_000), true, 'an expired entry is absent, swept or not')
})

t.test('with a NaN clock, rejects new entries and keeps the existing ones', async (t) => {
  const { store: it, clock } = store()
  await it.add('a', '', 1_000)
  clock.now = Number.NaN
  await t.rejects(it.add('b', '', 1_000), TypeError)
  t.equal(await it.add('a', '', 1_000), false)
})

t.test('publishes to each subscription of a channel, until it is ended', async (t) => {
  const { store: it } = store()
  const received: string[] = []
  const listener = (message: string) => void received.push(message)
  const ends = [
    await it.subscribe('a', listener, t.fail),
    await it.subscribe('a', listener, t.fail),
    await it.subscribe('b', t.fail, t.fail),
  ]
  await it.publish('a', 'one')
  await it.publish('c', 'unsubscribed')
  t.strictSame(received, ['one', 'one'])
  await ends[0]?.()
  await it.publish('a', 'two')
  t.strictSame(received, ['one', 'one', 'two'])
  for (const end of ends) await end()
  await it.publish('a', 'three')
  t.equal(received.length, 3)
})

t.test('sweeps expired entries completely, in few steps per entry', async (t) => {
  const { store: it, clock } = store({ maxEntries: 611 })
  const iterator = Object.getPrototypeOf(new Map().entries()) as Iterator<unknown>
  const steps = countCallsOf(t, iterator, 'next')
  for (let i = 0; i < 10_000; i++) {
    clock.now += 100
    if (!(await it.add(`${i}`, '', 60_000))) t.fail('the entry exists')
  }
  // Ten entries share the steps of one sweep, which visits the 61 seconds that have entries.
  t.ok(steps() < 10 * 10_000, `${steps()} steps of iterators`)
})

t.test('accepts new entries after the clock was set back', async (t) => {
  const { store: it, clock } = store({ maxEntries: 100 })
  await it.add('before', '', 1_000)
  clock.now -= 86_400_000
  for (let i = 0; i < 1_000; i++) {
    clock.now += 1_000
    t.equal(await it.add(`${i}`, '', 10_000), true)
  }
})

t.test('an entry with a key of 43 characters takes less than 150 bytes', async (t) => {
  const file = fileURLToPath(new URL('../fixtures/memory-store-size.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, '--expose-gc', file])
  const bytes = Number(stdout)
  t.comment(`${bytes} bytes`)
  t.ok(bytes > 50 && bytes < 150, `${stdout}${stderr}`)
})

t.test('rejects an invalid option with a TypeError that states the fix', async (t) => {
  for (const [options, message] of [
    [{ maxEntries: 0 }, /^"maxEntries" of a store must be a whole number of entries from 1 to/],
    [{ maxEntries: 1e9 }, /^"maxEntries" of a store/],
    [{ now: 5 }, /^"now" of a store must be a function/],
    [{ max: 5 }, /^Unknown option "max" of memoryStore\(\)/],
  ] as const) {
    t.throws(() => memoryStore(options as never), { name: 'TypeError', message })
  }
})
