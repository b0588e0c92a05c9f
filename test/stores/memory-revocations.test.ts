/** Revocations in the memory store. */
import t from 'tap'
import { memoryStore } from '../../src/index.js'
import { revocationsIn } from '../fixtures/faulty-store.js'

const revocation = (name: string | number, more: object = {}) => ({
  name: `${name}`,
  before: 1_000,
  lastIssued: 1_000,
  ttl: 60_000,
  ...more,
})

t.test('keeps the latest times and the latest expiry of a name', async (t) => {
  const clock = { now: 1_000_000 }
  const store = memoryStore({ now: () => clock.now })
  await store.mergeRevocations([revocation('a')])
  await store.mergeRevocations([revocation('a', { before: 500, lastIssued: 2_000, ttl: 1_000 })])
  const expected = [{ name: 'a', before: 1_000, lastIssued: 2_000 }]
  t.strictSame(await revocationsIn(store), expected)
  clock.now += 59_999
  t.strictSame(await revocationsIn(store), expected)
  clock.now += 1
  t.strictSame(await revocationsIn(store), [])
})

t.test('returns the changes after a revision, in pages', async (t) => {
  const store = memoryStore()
  const start = (await store.revocationsSince(undefined))?.revision as string
  await store.mergeRevocations([revocation('a'), revocation('b')])
  await store.mergeRevocations([revocation('a')])
  const changes = await store.revocationsSince(start)
  t.match(changes, { revocations: [{ name: 'a' }, { name: 'b' }], more: false })
  t.equal(changes?.revocations.length, 2, 'a merge without effect is not a change')
  t.strictSame((await store.revocationsSince(changes?.revision))?.revocations, [])
  await store.mergeRevocations(Array.from({ length: 1_500 }, (_, i) => revocation(i)))
  const page = await store.revocationsSince(changes?.revision)
  t.match(page, { revocations: { length: 1_000 }, more: true })
  t.match(await store.revocationsSince(page?.revision), {
    revocations: { length: 500 },
    more: false,
  })
})

t.test('returns undefined for an unknown revision', async (t) => {
  const store = memoryStore()
  const other = (await memoryStore().revocationsSince(undefined))?.revision as string
  const start = (await store.revocationsSince(undefined))?.revision as string
  for (const revision of [other, '', 'x', `${start}9`, start.replace(/\d+$/, '-1'), `${start}x`]) {
    t.equal(await store.revocationsSince(revision), undefined, revision)
  }
  await store.mergeRevocations(Array.from({ length: 10_000 }, (_, i) => revocation(i)))
  t.ok(await store.revocationsSince(start))
  await store.mergeRevocations([revocation('newest')])
  t.equal(await store.revocationsSince(start), undefined, 'an old revision is unknown')
})

t.test('omits expired revocations from the changes', async (t) => {
  const clock = { now: 1_000_000 }
  const store = memoryStore({ maxEntries: 1, now: () => clock.now })
  const start = (await store.revocationsSince(undefined))?.revision as string
  await store.mergeRevocations([revocation('a')])
  clock.now += 60_000
  await store.mergeRevocations([revocation('b')])
  t.match(await store.revocationsSince(start), { revocations: [{ name: 'b' }] })
})

t.test('lists all revocations in slices', async (t) => {
  const store = memoryStore()
  await store.mergeRevocations(Array.from({ length: 2_500 }, (_, i) => revocation(i)))
  const sizes: number[] = []
  for await (const slice of store.listRevocations()) sizes.push(slice.length)
  t.strictSame(sizes, [1_000, 1_000, 500])
})

t.test('rejects a merge while full, and removes expired revocations to make room', async (t) => {
  const clock = { now: 1_000_000 }
  const store = memoryStore({ maxEntries: 2, now: () => clock.now })
  await store.mergeRevocations([revocation('a'), revocation('b', { ttl: 90_000 })])
  await store.mergeRevocations([revocation('a', { before: 2_000 })])
  const full = { name: 'StoreFullError', code: 'store_full' }
  await t.rejects(store.mergeRevocations([revocation('a'), revocation('c')]), full)
  t.equal((await revocationsIn(store)).length, 2)
  clock.now += 60_000
  await store.mergeRevocations([revocation('c', { ttl: 1_000 }), revocation('c')])
  await t.rejects(store.mergeRevocations([revocation('d')]), full)
  t.match(await revocationsIn(store), [{ name: 'b' }, { name: 'c' }])
})

t.test('rejects a TTL that is not finite', async (t) => {
  for (const ttl of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const store = memoryStore()
    await t.rejects(store.mergeRevocations([revocation('a'), revocation('b', { ttl })]), TypeError)
    t.strictSame(await revocationsIn(store), [])
  }
})
