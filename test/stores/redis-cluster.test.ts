/** Stores in a Redis Cluster, and through Sentinel. With real servers: `suites/redis`. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type RedisStoreOptions, redisStore } from '../../src/index.js'
import { ClusterSubscriber } from '../../src/stores/redis-cluster-subscriber.js'
import { bucketTags } from '../../src/stores/redis-slots.js'
import { FakeCluster, FakeIoCluster, FakeNodeCluster } from '../fixtures/fake-cluster.js'
import { connected, FakeIoRedis, FakeNodeSentinel, FakeRedis } from '../fixtures/fake-redis.js'

/** Longer than the delay, because a timer may fire before the clock that the store reads. */
const AFTER_RETRY_DELAY_MS = 1_100

const CLIENTS = { ioredis: FakeIoCluster, 'node-redis': FakeNodeCluster }

async function make(options: Partial<RedisStoreOptions> = {}, Client = FakeIoCluster) {
  const cluster = new FakeCluster()
  const client = await connected(new Client(cluster))
  const it = redisStore({ client, timeout: 100, afterRestart: 'dangerouslyAccept', ...options })
  return { cluster, client, store: it }
}

for (const [name, Client] of Object.entries(CLIENTS)) {
  const start = (options: Partial<RedisStoreOptions> = {}) => make(options, Client as never)

  t.test(`${name}: adds, sets, gets and deletes in buckets with hash tags`, async (t) => {
    const { cluster, store } = await start()
    for (let i = 0; i < 1_000; i++) {
      t.equal(await store.add(`a-${i}`, '', 60_000), true)
      t.equal(await store.add(`a-${i}`, '', 60_000), false)
    }
    const keys = cluster.masters.map(({ entries }) => [...entries.keys()])
    for (const key of keys.flat()) {
      const [, tag = ''] = /^frs:\{(\d+)\}a-\d+$/.exec(key) ?? []
      t.ok(bucketTags().includes(tag), key)
    }
    for (const { length } of keys) t.ok(length > 270 && length < 400, `${length} of 1,000`)

    await store.set('b', 'one', 1_000)
    t.equal(await store.get('b'), 'one')
    await store.delete('b')
    t.equal(await store.get('b'), undefined)
  })

  t.test(`${name}: a subscription moves to another node if its node is lost`, async (t) => {
    const { cluster, store } = await start({ timeout: 5_000 })
    const received: string[] = []
    let gaps = 0
    const end = await store.subscribe(
      'news',
      (message) => received.push(message),
      () => gaps++,
    )
    const listening = () =>
      cluster.masters.filter(({ clients }) => {
        return [...clients].some(({ channel }) => channel === 'frs:news')
      })
    t.equal(listening().length, 1)
    await store.publish('news', 'one')
    t.strictSame(received, ['one'])

    const [first] = listening()
    first?.stop()
    t.strictSame(listening(), [])
    await sleep(300)
    t.equal(gaps, 1, 'reports that messages may be lost')
    t.equal(listening().length, 1)
    t.not(listening()[0], first)
    first?.start()
    await store.publish('news', 'two')
    t.strictSame(received, ['one', 'two'])

    for (const master of cluster.masters) master.stop()
    await sleep(300)
    t.strictSame(listening(), [], 'while no node is connected')
    for (const master of cluster.masters) {
      master.onCommand = (command) =>
        command === 'SUBSCRIBE' ? Promise.reject(new Error('LOADING')) : undefined
      master.start()
    }
    await sleep(300)
    t.equal(gaps, 1, 'while no node accepts the subscription')
    for (const master of cluster.masters) master.onCommand = () => undefined
    await sleep(300)
    t.equal(gaps, 2)

    await end()
    t.strictSame(listening(), [])
    for (const master of cluster.masters) master.stop()
    await sleep(300)
    t.strictSame(listening(), [], 'no attempt follows')
    t.equal(gaps, 2)
  })

  t.test(`${name}: a subscription without a known node fails`, async (t) => {
    const { cluster, store } = await start()
    for (const master of cluster.masters) master.stop()
    await t.rejects(store.subscribe('news', t.fail, t.fail), { message: /SUBSCRIBE timed out/ })
  })

  t.test(`${name}: the wait for the first connection ends when the client is ready`, async (t) => {
    const client = new Client(new FakeCluster())
    const it = redisStore({ client, timeout: 1_000 })
    const value = it.get('a')
    await client.connect()
    t.equal(await value, undefined)
  })
}

t.test('ends a subscription whose attempts to resubscribe are pending', async (t) => {
  const { cluster, store } = await make({ timeout: 5_000 })
  const end = await store.subscribe('news', t.fail, t.fail)
  for (const master of cluster.masters) master.stop()
  await end()
  for (const master of cluster.masters) master.start()
  await sleep(300)
  for (const { clients } of cluster.masters) {
    t.strictSame(
      [...clients].filter(({ channel }) => channel !== undefined),
      [],
    )
  }
})

t.test('a master that hangs delays no command for another master', async (t) => {
  const { cluster, store } = await make()
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  for (const key of keys) await store.set(key, key, 60_000)
  const [hanging] = cluster.masters as [FakeRedis]
  let resume = () => {}
  const resumed = new Promise<void>((resolve) => (resume = resolve))
  hanging.onCommand = () => resumed
  const isHanging = (key: string) => [...hanging.entries.keys()].some((full) => full.endsWith(key))
  const read = (key: string) => store.get(key).catch(({ message }) => message)
  const results = await Promise.all(keys.map(read))
  for (const [i, key] of keys.entries()) {
    t.equal(results[i], isHanging(key) ? 'Redis did not reply within 100 ms' : key)
  }
  const [key = ''] = keys.filter(isHanging)
  t.equal(await read(key), 'Redis has not replied to an earlier command')
  await sleep(AFTER_RETRY_DELAY_MS)
  const retries = await Promise.all([read(key), read(key)])
  t.strictSame(
    retries,
    ['Redis did not reply within 100 ms', 'Redis has not replied to an earlier command'],
    'one command a second is sent',
  )
  hanging.onCommand = () => undefined
  await sleep(AFTER_RETRY_DELAY_MS)
  t.equal(await read(key), key, 'accepts commands if another connection replies')
  t.equal(await read(key), key)
  resume()
})

t.test('a retry that fails at once ends the waiting as well', async (t) => {
  const { cluster, store } = await make()
  for (const master of cluster.masters) master.onCommand = () => new Promise(() => {})
  await t.rejects(store.get('a'), { message: /did not reply/ })
  for (const master of cluster.masters)
    master.onCommand = () => Promise.reject(new Error('LOADING'))
  await sleep(AFTER_RETRY_DELAY_MS)
  await t.rejects(store.get('a'), { message: 'LOADING' })
  await t.rejects(store.get('a'), { message: 'LOADING' }, 'no command hangs')
})

t.test('uses a Sentinel client of node-redis', async (t) => {
  const redis = new FakeRedis()
  const client = await connected(new FakeNodeSentinel(redis))
  const it = redisStore({ client, afterRestart: 'dangerouslyAccept' })
  t.equal(await it.add('a', '', 1_000), true)
  t.equal(await it.add('a', '', 1_000), false)
  t.strictSame([...redis.entries.keys()], ['frs:a'], 'the keys are those of one server')
  const received: string[] = []
  let gaps = 0
  const end = await it.subscribe(
    'news',
    (message) => received.push(message),
    () => gaps++,
  )
  await it.publish('news', 'one')
  t.strictSame(received, ['one'])
  redis.restart({ keeping: true })
  t.equal(gaps, 1)
  await end()
  t.equal(redis.clients.size, 1)
})

t.test('rejects an unsupported Cluster client or option', async (t) => {
  const cluster = new FakeCluster()
  const io = () => new FakeIoCluster(cluster)
  const node = () => new FakeNodeCluster(cluster)
  const sentinel = () => new FakeNodeSentinel(new FakeRedis())
  const without = (client: object, name: string) =>
    Object.defineProperty(client, name, { value: undefined })
  const invalid: [string, unknown, RegExp][] = [
    ['no nodes', { client: without(io(), 'nodes') }, /must be a client of ioredis/],
    ['no masters', { client: without(node(), 'masters') }, /must be a client of ioredis/],
    ['no destroy', { client: without(sentinel(), 'destroy') }, /must be a client of ioredis/],
    ['a function', { client: () => {} }, /must be a client of ioredis/],
    [
      'reads of replicas',
      { client: Object.assign(io(), { options: { scaleReads: 'slave' } }) },
      /no "scaleReads" other than "master"/,
    ],
    ['a hash tag', { client: io(), prefix: '{a}:' }, /"prefix" .* in a Cluster must have no { }/],
    ['half a hash tag', { client: node(), prefix: 'a{' }, /"prefix" .* must have no { }/],
  ]
  for (const [what, options, message] of invalid) {
    t.throws(() => redisStore(options as never), { name: 'TypeError', message }, what)
  }
  t.ok(redisStore({ client: new FakeIoRedis(new FakeRedis()), prefix: '{a}:' }))
})

t.test('a subscriber has the last error of its node', async (t) => {
  const node = { lastError: 'ECONNREFUSED', onLost() {}, onReady() {}, connect() {}, end() {} }
  const subscriber = new ClusterSubscriber(() => node as never)
  t.equal(subscriber.lastError, undefined, 'no node yet')
  subscriber.connect()
  t.equal(subscriber.lastError, 'ECONNREFUSED')
  subscriber.end()
})
