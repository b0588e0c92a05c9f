/**
 * Tests the replay-safe `add` with real servers that may have lost entries. See also
 * `test/stores/replay-safe-add.test.ts`.
 */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Store } from '../../src/index.js'
import { CLIENTS, clientNames, createStore } from './fixtures/clients.js'
import { type RedisServer, startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Maximum TTL of an entry, and therefore the waiting time, in milliseconds. */
const MAX_TTL_MS = 1_000

const INDETERMINATE = {
  code: 'store_indeterminate',
  message: /may have lost entries: unknown entries are rejected/,
}

/** Returns a store whose waiting time has passed. */
async function createTrustedStore(t: Test, { url }: RedisServer, name = 'ioredis'): Promise<Store> {
  const store = await createStore(t, name, url, { timeout: 5_000 })
  store.declareMaxTtl?.(MAX_TTL_MS)
  let i = 0
  while (!(await store.add(`probe-${i++}`, '', MAX_TTL_MS).catch(() => false))) await sleep(50)
  return store
}

function admin(t: Test, { url }: RedisServer): Redis {
  const client = new Redis(url)
  t.teardown(() => client.disconnect())
  return client
}

async function follow(follower: Redis, leader: RedisServer): Promise<void> {
  await follower.replicaof('127.0.0.1', `${leader.port}`)
  while (!/master_link_status:up/.test(await follower.info('replication'))) await sleep(20)
}

for (const name of clientNames) {
  t.test(`P5: ${name}: rejects unknown entries of a new server, and after a flush`, async (t) => {
    const redis = await startRedis(t)
    const store = await createStore(t, name, redis.url)
    store.declareMaxTtl?.(MAX_TTL_MS)
    await t.rejects(store.add('a', '', MAX_TTL_MS), INDETERMINATE)
    t.equal(await store.add('a', '', MAX_TTL_MS), false, 'the indeterminate entry was added')
    await createTrustedStore(t, redis, name)
    t.equal(await store.add('b', '', MAX_TTL_MS), true)
    t.equal(await store.add('b', '', MAX_TTL_MS), false)
    const client = admin(t, redis)
    for (const change of [
      () => client.flushall(),
      () => client.del('frs:server'),
      async () => {
        await client.script('FLUSH')
        await client.flushdb()
      },
    ]) {
      await change()
      const late = await createStore(t, name, redis.url)
      await t.rejects(late.add('c', '', MAX_TTL_MS), INDETERMINATE, 'on a new instance')
      await t.rejects(store.add('d', '', MAX_TTL_MS), INDETERMINATE)
      await createTrustedStore(t, redis, name)
      t.equal(await store.add('e', '', MAX_TTL_MS), true)
      await client.del('frs:e', 'frs:c', 'frs:d')
    }
    await client.script('FLUSH')
    t.equal(await store.add('f', '', MAX_TTL_MS), true, 'SCRIPT FLUSH alone loses no entries')
  })
}

t.test('P5: rejects unknown entries after a restart with a marker from disk', async (t) => {
  const redis = await startRedis(t)
  const store = await createTrustedStore(t, redis)
  await admin(t, redis).save()
  t.equal(await store.add('a', '', MAX_TTL_MS), true)
  await redis.kill()
  await redis.start()
  const client = admin(t, redis)
  t.type(await client.get('frs:server'), 'string')
  t.equal(await client.exists('frs:a'), 0, 'the entry was lost')
  const late = await createStore(t, 'ioredis', redis.url, { timeout: 5_000 })
  await t.rejects(late.add('a', '', MAX_TTL_MS), INDETERMINATE)
})

t.test('P5: rejects unknown entries after a failover and a failback', async (t) => {
  const [one, other] = [await startRedis(t), await startRedis(t)]
  const [oneAdmin, otherAdmin] = [admin(t, one), admin(t, other)]
  const store = await createTrustedStore(t, one)
  await follow(otherAdmin, one)
  t.equal(await store.add('a', '', MAX_TTL_MS), true, 'accepts entries while a replica follows')
  await otherAdmin.replicaof('NO', 'ONE')
  t.equal(await store.add('b', '', MAX_TTL_MS), true)
  const late = await createStore(t, 'ioredis', other.url)
  late.declareMaxTtl?.(MAX_TTL_MS)
  await t.rejects(
    late.add('b', '', MAX_TTL_MS),
    INDETERMINATE,
    'the promoted replica lacks the latest entries',
  )

  await follow(oneAdmin, other)
  await t.rejects(store.add('c', '', MAX_TTL_MS), { message: /READONLY/ })
  await oneAdmin.replicaof('NO', 'ONE')
  await t.rejects(
    store.add('d', '', MAX_TTL_MS),
    INDETERMINATE,
    'the same process lacks the entries of the other server',
  )
})

t.test(
  'P5: rejects unknown entries after a failover and a failback that no instance noticed',
  async (t) => {
    const [one, other] = [await startRedis(t), await startRedis(t)]
    const [oneAdmin, otherAdmin] = [admin(t, one), admin(t, other)]
    const store = await createTrustedStore(t, one)
    await follow(otherAdmin, one)
    await otherAdmin.replicaof('NO', 'ONE')
    t.equal(await store.add('a', '', MAX_TTL_MS), true)
    const marker = await oneAdmin.get('frs:server')
    await follow(oneAdmin, other)
    await oneAdmin.replicaof('NO', 'ONE')
    t.equal(await oneAdmin.get('frs:server'), marker, 'the marker is the same')
    t.equal(await oneAdmin.exists('frs:a'), 0, 'the entry was lost')
    await t.rejects(store.add('a', '', MAX_TTL_MS), INDETERMINATE)
  },
)

t.test('P5: accepts entries when a first replica connects', async (t) => {
  const [one, other] = [await startRedis(t), await startRedis(t)]
  const store = await createTrustedStore(t, one)
  const client = admin(t, one)
  const replId = async () => /master_replid:(\w+)/.exec(await client.info('replication'))?.[1]
  const before = await replId()
  await follow(admin(t, other), one)
  t.not(await replId(), before, 'Redis draws another replication id')
  t.equal(await store.add('a', '', MAX_TTL_MS), true)
  t.equal(await store.add('a', '', MAX_TTL_MS), false)
})

t.test(
  'P5: rejects unknown entries after switching to another server, and after switching back',
  async (t) => {
    const [one, other] = [await startRedis(t), await startRedis(t)]
    await createTrustedStore(t, other)
    const store = await createTrustedStore(t, one)
    const client = await (CLIENTS.ioredis as (t: Test, url: string) => Promise<Redis>)(t, one.url)
    const { redisStore } = await import('../../src/index.js')
    let current = client
    const switchable = Object.assign(Object.create(client) as Redis, {
      call: (...command: [string, ...string[]]) => current.call(...command),
    })
    const switched = redisStore({ client: switchable })
    t.equal(await switched.add('a', '', MAX_TTL_MS), true)
    current = admin(t, other)
    await t.rejects(switched.add('a', '', MAX_TTL_MS), INDETERMINATE)
    current = client
    await t.rejects(switched.add('b', '', MAX_TTL_MS), INDETERMINATE)
    await t.rejects(store.add('c', '', MAX_TTL_MS), INDETERMINATE, 'on every instance')
  },
)

t.test(
  'P5: rejects entries while Redis may evict some, and unknown entries after an eviction',
  async (t) => {
    const redis = await startRedis(t)
    const store = await createTrustedStore(t, redis)
    const client = admin(t, redis)
    await client.config('SET', 'maxmemory', '100mb')
    await client.config('SET', 'maxmemory-policy', 'volatile-lru')
    const message = /set "maxmemory-policy noeviction"/
    for (const afterRestart of ['reject', 'dangerouslyAccept'] as const) {
      const other = await createStore(t, 'ioredis', redis.url, { afterRestart })
      await t.rejects(other.add('c', '', 1_000), { message })
    }
    await sleep(1_000)
    await t.rejects(
      store.add('c', '', 1_000),
      { message },
      'also on an instance that used Redis before the change',
    )

    await client.config('SET', 'maxmemory', '1500kb')
    for (let i = 0; i < 300; i++) await client.set(`filler-${i}`, 'x'.repeat(10_000), 'EX', 60)
    await client.config('SET', 'maxmemory', '100mb')
    await client.config('SET', 'maxmemory-policy', 'noeviction')
    t.match(await client.info('stats'), /evicted_keys:[1-9]/)
    await sleep(1_000)
    await t.rejects(store.add('d', '', MAX_TTL_MS), INDETERMINATE, 'evicted entries are unknown')
  },
)
