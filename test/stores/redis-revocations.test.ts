/** Revocations in Redis. With a real server: `suites/redis`. */
import t from 'tap'
import { type RedisStoreOptions, redisStore, type Store } from '../../src/index.js'
import type { RevocationToStore } from '../../src/stores/store.js'
import { connected, FakeIoRedis, FakeNodeRedis, FakeRedis } from '../fixtures/fake-redis.js'
import { revocationsIn } from '../fixtures/faulty-store.js'

const FOREVER = Number.POSITIVE_INFINITY

/** Pads a name to 43 characters. */
const nameOf = (what: string | number) => `${what}`.padEnd(43, '-')

function revocation(what: string | number, more: Partial<RevocationToStore> = {}) {
  return { name: nameOf(what), before: 1_000, lastIssued: 1_000, ttl: 60_000, ...more }
}

async function make(options: Partial<RedisStoreOptions> = {}, Client = FakeIoRedis) {
  const redis = new FakeRedis()
  const client = await connected(new Client(redis))
  return { redis, client, store: redisStore({ client, timeout: 1_000, ...options }) }
}

async function changesOf(store: Store, revision: string | undefined) {
  const changes = await store.revocationsSince(revision)
  return changes?.revocations.map(({ name }) => name.replace(/-+$/, ''))
}

for (const Client of [FakeIoRedis, FakeNodeRedis] as never[]) {
  t.test('keeps the latest times of a name, under one key per name', async (t) => {
    const { redis, store } = await make({}, Client)
    await store.mergeRevocations([revocation('a'), revocation('b', { before: FOREVER })])
    await store.mergeRevocations([
      revocation('a', { before: 2_000, lastIssued: 500 }),
      revocation('b', { before: 1, lastIssued: FOREVER }),
    ])
    t.strictSame(await revocationsIn(store), [
      { name: nameOf('a'), before: 2_000, lastIssued: 1_000 },
      { name: nameOf('b'), before: FOREVER, lastIssued: FOREVER },
    ])
    t.strictSame(
      [...redis.entries.keys()],
      [`frs:revocation:${nameOf('a')}`, `frs:revocation:${nameOf('b')}`],
    )
    t.match(redis.entries.get(`frs:revocation:${nameOf('a')}`), { value: '2000.1000' })
  })
}

t.test('keeps a revocation for the longest TTL of its merges', async (t) => {
  const { redis, store } = await make()
  redis.now = () => 1_000_000
  const end = () => redis.entries.get(`frs:revocation:${nameOf('a')}`)?.endsAt
  await store.mergeRevocations([revocation('a', { ttl: 5_000 })])
  t.equal(end(), 1_005_000)
  await store.mergeRevocations([revocation('a', { ttl: 1_000 })])
  t.equal(end(), 1_005_000)
  await store.mergeRevocations([revocation('a', { ttl: 9_000.5 })])
  t.equal(end(), 1_009_001)
  await store.mergeRevocations([revocation('a', { before: 2_000, ttl: 1 })])
  t.equal(end(), 1_009_000 + 1)
  for (const ttl of [Number.NaN, FOREVER]) {
    await t.rejects(store.mergeRevocations([revocation('b', { ttl })]), { name: 'TypeError' })
  }
  t.equal(redis.entries.size, 1)
})

t.test(
  'returns the changes after a revision; a merge without effect is not a change',
  async (t) => {
    const { redis, store } = await make()
    const first = await store.revocationsSince(undefined)
    t.strictSame(first?.revocations, [])
    t.equal(first?.more, false)
    const start = first?.revision as string
    t.strictSame(await store.revocationsSince(start), first, 'no change')
    await store.mergeRevocations([revocation('a'), revocation('b')])
    t.strictSame(await changesOf(store, start), ['a', 'b'])
    const second = (await store.revocationsSince(start))?.revision as string
    await store.mergeRevocations([revocation('a'), revocation('b', { ttl: 90_000 })])
    t.strictSame(await changesOf(store, second), [])
    await store.mergeRevocations([revocation('b', { before: 2_000 })])
    t.strictSame(await changesOf(store, second), ['b'])
    redis.streams.get('frs:revocations')?.push(['9999999999999-0', ['malformed', '1.1']])
    t.strictSame(await changesOf(store, second), ['b'])
    const latest = (await store.revocationsSince(undefined))?.revision
    t.equal(latest?.split(' ')[1], redis.streams.get('frs:revocations')?.at(-1)?.[0])
  },
)

t.test('returns many changes in several pages', async (t) => {
  const { store } = await make()
  let revision = (await store.revocationsSince(undefined))?.revision
  const all = Array.from({ length: 2_500 }, (_, i) => revocation(i))
  await store.mergeRevocations(all)
  const seen: string[] = []
  for (let more = true; more; ) {
    const changes = await store.revocationsSince(revision)
    t.ok((changes?.revocations.length ?? 0) <= 1_000)
    seen.push(...(changes?.revocations ?? []).map(({ name }) => name))
    revision = changes?.revision
    more = changes?.more ?? false
  }
  t.strictSame(
    seen,
    all.map(({ name }) => name),
  )
})

t.test('returns undefined for a revision that Redis no longer has', async (t) => {
  for (const lose of [
    (redis: FakeRedis) => redis.restart(),
    (redis: FakeRedis) => redis.clear(),
    (redis: FakeRedis) => {
      redis.streams.get('frs:revocations')?.splice(0)
    },
  ]) {
    const { redis, store } = await make()
    await store.mergeRevocations([revocation('a')])
    const revision = (await store.revocationsSince(undefined))?.revision
    lose(redis)
    t.equal(await store.revocationsSince(revision), undefined)
    // A stream numbers the entries of each millisecond from 0.
    await new Promise((resolve) => setTimeout(resolve, 2))
    await store.mergeRevocations([revocation('a'), revocation('b')])
    t.equal(await store.revocationsSince(revision), undefined, 'also after later writes')
    const [connection] = revision?.split(' ') ?? []
    t.equal(await store.revocationsSince(`${connection} 0-0`), undefined)
  }
  const { store } = await make()
  const revision = (await store.revocationsSince(undefined))?.revision
  for (let i = 0; i < 21; i++) {
    await store.mergeRevocations(Array.from({ length: 500 }, (_, k) => revocation(`${i}.${k}`)))
  }
  t.equal(await store.revocationsSince(revision), undefined, 'an old revision is trimmed')
})

t.test('returns undefined for a revision of another connection', async (t) => {
  const { redis, client, store } = await make()
  const revision = (await store.revocationsSince(undefined))?.revision
  await store.mergeRevocations([revocation('a')])
  // The new master has the entry of the revision, but lacks the change after it.
  redis.streams.get('frs:revocations')?.splice(1)
  client.emit('ready')
  t.equal(await store.revocationsSince(revision), undefined)
  const later = (await store.revocationsSince(undefined))?.revision
  redis.onCommand = () => client.emit('ready')
  t.equal(await store.revocationsSince(later), undefined, 'connected again meanwhile')
})

t.test('lists all revocations over many pages, without malformed entries', async (t) => {
  const { store } = await make({ prefix: 'a.b:' })
  const all = Array.from({ length: 2_500 }, (_, i) => revocation(i))
  await store.mergeRevocations(all)
  for (const key of ['short', nameOf('x').replace('-', '*'), `${nameOf('y')}z`]) {
    await store.set(`revocation:${key}`, '1.1', 60_000)
  }
  for (const value of [
    '',
    '1',
    '1.',
    '.1',
    '1.x',
    '-1.1',
    '1.1.1',
    '1234567890123.1',
    'Infinity.1',
  ]) {
    await store.set(`revocation:${nameOf('malformed')}`, value, 60_000)
    t.equal((await revocationsIn(store)).length, 2_500, value)
  }
  await store.set(`revocations${nameOf('')}`, '1.1', 60_000)
  const listed = await revocationsIn(store)
  t.strictSame(new Set(listed.map(({ name }) => name)), new Set(all.map(({ name }) => name)))
})

t.test('omits a revocation that expires while it is listed', async (t) => {
  const { redis, store } = await make()
  await store.mergeRevocations([revocation('a'), revocation('b')])
  redis.onCommand = (command) =>
    command === 'MGET' && redis.entries.delete(`frs:revocation:${nameOf('a')}`)
  t.match(await revocationsIn(store), [{ name: nameOf('b') }])
})

t.test('ignores a malformed entry, and overwrites it with a revocation', async (t) => {
  const { store } = await make()
  await store.set(`revocation:${nameOf('a')}`, 'garbage', 60_000)
  await store.mergeRevocations([revocation('a')])
  t.match(await revocationsIn(store), [{ before: 1_000, lastIssued: 1_000 }])
})

t.test('rejects a reply of an unexpected type', async (t) => {
  const { client, store } = await make()
  const wrong = { message: /^Unexpected reply/ }
  const entries = [null, 'OK', [1], [['1-1']], [['1-1', 'x']], [[1, ['a', 'b']]], [['1-1', ['a']]]]
  for (const reply of entries) {
    client.call = async () => reply
    await t.rejects(store.revocationsSince('1-1'), wrong, JSON.stringify(reply))
    await t.rejects(store.revocationsSince(undefined), wrong, JSON.stringify(reply))
  }
  client.call = async (command) => (command === 'XADD' ? Buffer.from('1-1') : [])
  await t.rejects(store.revocationsSince(undefined), wrong)
  for (const reply of [null, 'OK', ['0'], ['0', {}], [0, [1]], [{}, []]]) {
    client.call = async () => reply
    await t.rejects(revocationsIn(store), wrong, JSON.stringify(reply))
  }
  for (const reply of [null, 'OK', [], [1], ['1.1', '1.1']]) {
    client.call = async (command) => (command === 'SCAN' ? ['0', ['frs:revocation:a']] : reply)
    await t.rejects(revocationsIn(store), wrong, JSON.stringify(reply))
  }
  client.call = async () => [0, []]
  t.strictSame(await revocationsIn(store), [], 'a cursor may be a number')
})

t.test('rejects a SCAN that does not finish', async (t) => {
  const { client, store } = await make({ timeout: 30_000 })
  let pages = 0
  client.call = async () => [`${++pages}`, []]
  await t.rejects(revocationsIn(store), { message: /^SCAN did not finish/ })
  t.equal(pages, 50_000)
})

t.test(
  'sends the script only if Redis has not cached it, and passes on other errors',
  async (t) => {
    const { redis, store } = await make()
    await store.mergeRevocations([revocation('a')])
    await store.mergeRevocations([revocation('b')])
    t.same(redis.commands.filter((command) => command === 'EVAL').length, 1)
    redis.onCommand = () => Promise.reject(new Error('OOM'))
    await t.rejects(store.mergeRevocations([revocation('c')]), { message: 'OOM' })
    redis.onCommand = () => Promise.reject('no error')
    await t.rejects(store.mergeRevocations([revocation('c')]))
  },
)
