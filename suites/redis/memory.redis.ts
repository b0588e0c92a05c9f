/** `test/stores/replay-safe-add.test.ts` with real servers that may have lost entries. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Store } from '../../src/index.js'
import { CLIENTS, names, storeOver } from './fixtures/clients.js'
import { type RedisServer, startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

/** How long an entry may last, and so how long the wait is; in milliseconds. */
const LIFE = 1_000

const UNCERTAIN = {
  code: 'store_indeterminate',
  message: /may have lost entries: unknown entries are rejected/,
}

/** One that has waited, unless it is told otherwise. */
async function settled(t: Test, { url }: RedisServer, name = 'ioredis'): Promise<Store> {
  const store = await storeOver(t, name, url, { timeout: 5_000 })
  store.declareMaxTtl?.(LIFE)
  let i = 0
  while (!(await store.add(`settled-${i++}`, '', LIFE).catch(() => false))) await sleep(50)
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

for (const name of names) {
  t.test(`P5: ${name}: a server that was never met, then known, then emptied`, async (t) => {
    const redis = await startRedis(t)
    const store = await storeOver(t, name, redis.url)
    store.declareMaxTtl?.(LIFE)
    await t.rejects(store.add('a', '', LIFE), UNCERTAIN)
    t.equal(await store.add('a', '', LIFE), false, 'it is remembered all the same')
    await settled(t, redis, name)
    t.equal(await store.add('b', '', LIFE), true)
    t.equal(await store.add('b', '', LIFE), false)
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
      const late = await storeOver(t, name, redis.url)
      await t.rejects(late.add('c', '', LIFE), UNCERTAIN, 'to a new one')
      await t.rejects(store.add('d', '', LIFE), UNCERTAIN)
      await settled(t, redis, name)
      t.equal(await store.add('e', '', LIFE), true)
      await client.del('frs:e', 'frs:c', 'frs:d')
    }
    await client.script('FLUSH')
    t.equal(await store.add('f', '', LIFE), true, 'the script alone is no memory')
  })
}

t.test('P5: a mark that comes back from the disk is of another life', async (t) => {
  const redis = await startRedis(t)
  const store = await settled(t, redis)
  await admin(t, redis).save()
  t.equal(await store.add('a', '', LIFE), true)
  await redis.kill()
  await redis.start()
  const client = admin(t, redis)
  t.type(await client.get('frs:server'), 'string')
  t.equal(await client.exists('frs:a'), 0, 'it forgot')
  const late = await storeOver(t, 'ioredis', redis.url, { timeout: 5_000 })
  await t.rejects(late.add('a', '', LIFE), UNCERTAIN)
})

t.test('P5: a replica that takes over, and who gets its place back', async (t) => {
  const [one, other] = [await startRedis(t), await startRedis(t)]
  const [oneAdmin, otherAdmin] = [admin(t, one), admin(t, other)]
  const store = await settled(t, one)
  await follow(otherAdmin, one)
  t.equal(await store.add('a', '', LIFE), true, 'a replica makes no difference')
  await otherAdmin.replicaof('NO', 'ONE')
  t.equal(await store.add('b', '', LIFE), true)
  const late = await storeOver(t, 'ioredis', other.url)
  late.declareMaxTtl?.(LIFE)
  await t.rejects(late.add('b', '', LIFE), UNCERTAIN, 'it was cut off, and does not know')

  await follow(oneAdmin, other)
  await t.rejects(store.add('c', '', LIFE), { message: /READONLY/ })
  await oneAdmin.replicaof('NO', 'ONE')
  await t.rejects(store.add('d', '', LIFE), UNCERTAIN, 'the same process, and what another knew')
})

t.test('P5: an address that goes to another server, and back', async (t) => {
  const [one, other] = [await startRedis(t), await startRedis(t)]
  await settled(t, other)
  const store = await settled(t, one)
  const client = await (CLIENTS.ioredis as (t: Test, url: string) => Promise<Redis>)(t, one.url)
  const { redisStore } = await import('../../src/index.js')
  let answering = client
  const moving = Object.assign(Object.create(client) as Redis, {
    call: (...command: [string, ...string[]]) => answering.call(...command),
  })
  const moved = redisStore({ client: moving })
  t.equal(await moved.add('a', '', LIFE), true)
  answering = admin(t, other)
  await t.rejects(moved.add('a', '', LIFE), UNCERTAIN)
  answering = client
  await t.rejects(moved.add('b', '', LIFE), UNCERTAIN)
  await t.rejects(store.add('c', '', LIFE), UNCERTAIN, 'for all')
})

t.test('P5: a Redis that makes room by forgetting', async (t) => {
  const redis = await startRedis(t)
  const store = await settled(t, redis)
  const client = admin(t, redis)
  await client.config('SET', 'maxmemory', '100mb')
  await client.config('SET', 'maxmemory-policy', 'volatile-lru')
  const message = /set "maxmemory-policy noeviction"/
  for (const afterRestart of ['reject', 'dangerouslyAccept'] as const) {
    const other = await storeOver(t, 'ioredis', redis.url, { afterRestart })
    await t.rejects(other.add('c', '', 1_000), { message })
  }
  await sleep(1_000)
  await t.rejects(store.add('c', '', 1_000), { message }, 'who knew it before')

  await client.config('SET', 'maxmemory', '1500kb')
  for (let i = 0; i < 300; i++) await client.set(`filler-${i}`, 'x'.repeat(10_000), 'EX', 60)
  await client.config('SET', 'maxmemory', '100mb')
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  t.match(await client.info('stats'), /evicted_keys:[1-9]/)
  await sleep(1_000)
  await t.rejects(store.add('d', '', LIFE), UNCERTAIN, 'what it evicted is forgotten')
})
