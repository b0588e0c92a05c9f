/**
 * When the buckets of a Redis Cluster that may have lost entries are trusted again. With real
 * servers: `suites/redis`.
 */
import { mock } from 'node:test'
import t from 'tap'
import { type RedisStoreOptions, redisStore, type Store } from '../../src/index.js'
import { bucketOf, bucketTags, slotOf } from '../../src/stores/redis-slots.js'
import { FakeCluster, FakeIoCluster } from '../fixtures/fake-cluster.js'
import { connected, type FakeRedis } from '../fixtures/fake-redis.js'

/** Lets the store probe all buckets. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 1_500; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const MAX_TTL_MS = 60_000
const INDETERMINATE = { code: 'store_indeterminate' }
const MAY_EVICT = { message: /set "maxmemory-policy noeviction"/ }

/** The clock of Redis and of this process, in milliseconds. */
const clock = { now: 1_700_000_000_000 }
// Not t.intercept(), which records the stack of each of the many calls.
const { now } = performance
performance.now = () => clock.now
t.teardown(() => {
  performance.now = now
})

async function start(options: Partial<RedisStoreOptions> = {}) {
  const cluster = new FakeCluster()
  for (const master of cluster.masters) master.now = () => clock.now
  const client = await connected(new FakeIoCluster(cluster))
  const store = redisStore({ client, ...options })
  store.declareMaxTtl?.(MAX_TTL_MS)
  await settle()
  return { cluster, client, store }
}

/** A store whose waiting time has passed in every bucket. */
async function trusted() {
  const it = await start()
  clock.now += MAX_TTL_MS + 1
  return it
}

/** Names of entries, by the index of their master. */
const names: string[][] = [[], [], []]
for (let i = 0; i < 300; i++) {
  const slot = slotOf(bucketTags()[bucketOf(`name-${i}`)] as string)
  names[Math.floor((slot * 3) / 16_384)]?.push(`name-${i}`)
}

let round = 0
/** Adds new entries on one master; returns the result of each. */
async function addOn(store: Store, master: number, count = 20): Promise<Set<unknown>> {
  round++
  const results = new Set()
  for (const name of (names[master] as string[]).slice(0, count)) {
    // The suffix may change the bucket, so it is chosen to keep it.
    results.add(
      await store.add(sameBucket(name), '', 1_000).catch(({ code, message }) => code ?? message),
    )
  }
  return results
}

/** Returns a new name in the bucket of another one. */
function sameBucket(name: string): string {
  for (let i = 0; ; i++) {
    const other = `${name}.${round}.${i}`
    if (bucketOf(other) === bucketOf(name)) return other
  }
}

t.test('P5: the wait starts in every bucket when the client connects', async (t) => {
  const { cluster, store } = await start()
  for (const { entries } of cluster.masters) {
    for (const key of entries.keys()) t.match(key, /^frs:\{\d+\}server$/)
    t.ok(entries.size > 165, `${entries.size} markers`)
  }
  await t.rejects(store.add('a', '', 1_000), INDETERMINATE)
  t.equal(await store.add('a', '', 1_000), false)
  clock.now += MAX_TTL_MS + 1
  for (let i = 0; i < 100; i++) t.equal(await store.add(`b-${i}`, '', 1_000), true)
})

t.test('P5: rejects unknown entries of the master that was restarted, and no others', async (t) => {
  for (const unseen of [false, true]) {
    const { cluster, store } = await trusted()
    cluster.masters[1]?.restart({ unseen })
    t.strictSame(await addOn(store, 0), new Set([true]))
    t.strictSame(await addOn(store, 1), new Set(['store_indeterminate']))
    t.strictSame(await addOn(store, 2), new Set([true]))
    await settle()
    clock.now += MAX_TTL_MS + 1
    t.strictSame(await addOn(store, 1, 100), new Set([true]), 'in every bucket')
  }
})

t.test('P5: one reply of a new master starts the wait in all its buckets', async (t) => {
  const { cluster, store } = await trusted()
  cluster.masters[1]?.restart({ keeping: true, unseen: true })
  t.strictSame(await addOn(store, 1, 1), new Set(['store_indeterminate']))
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.strictSame(await addOn(store, 1, 100), new Set([true]))
})

t.test('P5: a change without any add is noticed within half a minute', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { cluster, client, store } = await trusted()
  cluster.masters[1]?.restart({ keeping: true, unseen: true })
  mock.timers.tick(30_000)
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.strictSame(await addOn(store, 1, 100), new Set([true]))

  client.status = 'reconnecting'
  cluster.masters[1]?.restart({ keeping: true, unseen: true })
  mock.timers.tick(30_000)
  await settle()
  client.status = 'ready'
  mock.timers.tick(30_000)
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.strictSame(await addOn(store, 1, 100), new Set([true]), 'after an interval without connection')
})

t.test('P5: probes a master that is loading its data until it replies', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { cluster, store } = await trusted()
  const [loading] = cluster.masters as [FakeRedis]
  loading.onCommand = () => Promise.reject(new Error('LOADING'))
  loading.restart({ keeping: true })
  await settle()
  t.strictSame(await addOn(store, 0), new Set(['LOADING']))
  t.strictSame(await addOn(store, 1), new Set([true]))
  loading.onCommand = () => undefined
  mock.timers.tick(1_100)
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.strictSame(await addOn(store, 0, 100), new Set([true]))
})

t.test('P5: rejects unknown entries of a bucket that migrated, and after its return', async (t) => {
  const { cluster, store } = await trusted()
  const [from, to] = cluster.masters as [FakeRedis, FakeRedis]
  const [name = ''] = names[0] as string[]
  const tag = bucketTags()[bucketOf(name)] as string
  t.equal(await store.add(sameBucket(name), '', MAX_TTL_MS), true)
  const move = (source: FakeRedis, target: FakeRedis) => {
    for (const [key, entry] of source.entries) {
      if (!key.includes(`{${tag}}`)) continue
      source.entries.delete(key)
      target.entries.set(key, entry)
    }
    cluster.moved.set(slotOf(tag), target)
  }
  for (const [source, target] of [
    [from, to],
    [to, from],
  ] as const) {
    clock.now += 1_000
    move(source, target)
    round++
    await t.rejects(store.add(sameBucket(name), '', 1_000), INDETERMINATE)
    clock.now += MAX_TTL_MS + 1
    round++
    t.equal(await store.add(sameBucket(name), '', 1_000), true)
  }
})

t.test('inspects each master once a second', async (t) => {
  const { cluster, store } = await trusted()
  const inspections = () => cluster.commandCount("EVAL return redis.call('INFO')")
  await addOn(store, 0, 1)
  await addOn(store, 1, 1)
  await addOn(store, 2, 1)
  const before = inspections()
  await Promise.all(Array.from({ length: 300 }, (_, i) => store.add(`c-${i}`, '', 1_000)))
  t.equal(inspections(), before)
  clock.now += 1_001
  await Promise.all(Array.from({ length: 300 }, (_, i) => store.add(`d-${i}`, '', 1_000)))
  t.equal(inspections(), before + 3)
})

t.test('P5: rejects entries of a master that may evict some, and of no other', async (t) => {
  for (const afterRestart of ['reject', 'dangerouslyAccept'] as const) {
    const { cluster, store } = await start({ afterRestart })
    clock.now += MAX_TTL_MS + 1
    for (const master of [0, 1, 2]) t.strictSame(await addOn(store, master), new Set([true]))
    const [evicting] = cluster.masters as [FakeRedis]
    evicting.info.maxmemory = '1000000'
    evicting.info.maxmemory_policy = 'allkeys-lru'
    clock.now += 1_001
    t.match([...(await addOn(store, 0))], [MAY_EVICT.message])
    t.strictSame(await addOn(store, 1), new Set([true]))

    // A bucket that moves to the evicting master, while the state of its former one is cached.
    const [name = '', other = ''] = names[1] as string[]
    cluster.moved.set(slotOf(bucketTags()[bucketOf(name)] as string), evicting)
    clock.now += 5_001
    round++
    t.equal(await store.add(sameBucket(other), '', 1_000), true)
    if (afterRestart === 'reject') {
      await t.rejects(store.add(sameBucket(name), '', 1_000), INDETERMINATE)
      round++
    }
    await t.rejects(store.add(sameBucket(name), '', 1_000), MAY_EVICT)
  }
})

t.test('P5: rejects unknown entries of all buckets of a master that evicted some', async (t) => {
  const { cluster, store } = await trusted()
  for (const master of [0, 1, 2]) await addOn(store, master, 1)
  ;(cluster.masters[0] as FakeRedis).info.evicted_keys = '1'
  clock.now += 1_001
  t.strictSame(await addOn(store, 0, 1), new Set(['store_indeterminate']))
  await settle()
  t.strictSame(await addOn(store, 0), new Set(['store_indeterminate']))
  t.strictSame(await addOn(store, 1), new Set([true]))
  clock.now += MAX_TTL_MS + 1
  t.strictSame(await addOn(store, 0, 100), new Set([true]), 'those without traffic as well')
})

t.test('concurrent adds share an inspection, also one that fails', async (t) => {
  const { cluster, store } = await trusted()
  const [first, second] = cluster.masters as [FakeRedis, FakeRedis]
  await addOn(store, 0, 100)
  clock.now += 1_001
  first.info.run_id = 'z9'
  const inspections = () => cluster.commandCount("EVAL return redis.call('INFO')")
  const before = inspections()
  await addOn(store, 1, 1)
  t.equal(inspections(), before + 1)
  const all = (names[0] as string[]).slice(0, 50)
  const results = await Promise.allSettled(all.map((name) => store.add(name, '', 1_000)))
  t.strictSame(new Set(results.map(({ status }) => status)), new Set(['rejected']))
  second.info.run_id = '?'
  clock.now += 1_001
  t.match([...(await addOn(store, 1, 1))], [/INFO lacks run_id/])
})
