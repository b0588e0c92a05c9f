/** What the store makes of Redis' answers, and of none. What a real one answers: `test/redis`. */
import t from 'tap'
import { type RedisStoreOptions, redisStore } from '../../src/index.js'
import { connected, FakeIoRedis, FakeNodeRedis, FakeRedis } from '../fixtures/fake-redis.js'

const CLIENTS = { ioredis: FakeIoRedis, 'node-redis': FakeNodeRedis }

async function store(options: Partial<RedisStoreOptions> = {}, Client = FakeIoRedis) {
  const redis = new FakeRedis()
  const client = await connected(new Client(redis))
  return { redis, client, store: redisStore({ client, timeout: 100, ...options }) }
}

for (const [name, Client] of Object.entries(CLIENTS)) {
  const make = (options: Partial<RedisStoreOptions> = {}) => store(options, Client as never)

  t.test(`${name}: adds, sets, gets, deletes and lists under its prefix`, async (t) => {
    const { redis, store } = await make()
    t.equal(await store.add('a', '', 1_000), true)
    t.equal(await store.add('a', '', 1_000), false)
    await store.set('list:1', 'one', 1_000)
    t.equal(await store.get('list:1'), 'one')
    t.equal(await store.get('list:2'), undefined)
    t.strictSame(await store.list('list:'), [['list:1', 'one']])
    await store.delete('list:1')
    t.strictSame(await store.list('list:'), [])
    t.strictSame([...redis.entries.keys()], ['frs:server', 'frs:a'])
  })

  t.test(`${name}: a subscription ends when it is told to, and tells of a gap`, async (t) => {
    const { redis, store } = await make()
    const heard: string[] = []
    let gaps = 0
    const end = await store.subscribe(
      'news',
      (message) => heard.push(message),
      () => gaps++,
    )
    await store.publish('news', 'one')
    t.strictSame(heard, ['one'])
    redis.restart()
    t.equal(gaps, 1)
    const [listening] = [...redis.clients].filter(({ channel }) => channel !== undefined)
    await end()
    t.equal(redis.clients.size, 1, 'its connection is closed, and that of the application is not')
    listening?.hear('frs:news', 'late')
    listening?.emit('ready')
    t.strictSame([heard, gaps], [['one'], 1], 'nothing is told afterwards')
  })

  t.test(`${name}: no subscription is left of one that fails`, async (t) => {
    const { redis, store } = await make()
    redis.onCommand = () => Promise.reject(new Error('NOPERM'))
    await t.rejects(store.subscribe('news', t.fail, t.fail), { message: 'NOPERM' })
    redis.stop()
    await t.rejects(store.subscribe('news', t.fail, t.fail), {
      message: 'Redis takes no subscription',
    })
    t.equal(redis.clients.size, 1)
  })
}

t.test('a client that throws where others answer with a promise ends all the same', async (t) => {
  for (const [redis, client] of [
    FakeNodeRedis,
    class extends FakeNodeRedis {
      destroy(): void {
        super.disconnect()
        throw new Error('The client is closed')
      }
      override duplicate(): FakeNodeRedis {
        return new (this.constructor as typeof FakeNodeRedis)(this.server)
      }
    },
  ].map((Client) => {
    const redis = new FakeRedis()
    return [redis, new Client(redis)] as const
  })) {
    const end = await redisStore({ client: await connected(client) }).subscribe('a', t.fail, t.fail)
    await end()
    t.equal(redis.clients.size, 1)
  }
})

t.test('each command has a deadline, and none waits behind one that is overdue', async (t) => {
  const { redis, store: it } = await store()
  let resume = () => {}
  redis.onCommand = () => new Promise<void>((resolve) => (resume = resolve))
  await t.rejects(it.get('a'), { message: 'Redis gave no answer within 100 ms' })
  await t.rejects(it.get('a'), { message: 'Redis does not answer' })
  t.equal(redis.commands.length, 1)
  redis.onCommand = () => undefined
  resume()
  await new Promise((done) => setTimeout(done, 5))
  t.equal(await it.get('a'), undefined, 'and when the answer comes at last, it goes on')
})

t.test('a connection that is being made is waited for once, one that is lost is not', async (t) => {
  const redis = new FakeRedis()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client, timeout: 100 })
  const [one, other] = [it.get('a'), it.get('a')]
  await client.connect()
  t.strictSame(await Promise.all([one, other]), [undefined, undefined])
  redis.stop()
  await t.rejects(it.get('a'), { message: 'Redis is not connected' })

  const late = redisStore({ client: new FakeIoRedis(redis), timeout: 20 })
  await t.rejects(late.get('a'), { message: /no answer within 20 ms/ })
  await t.rejects(late.get('a'), { message: 'Redis is not connected' })
})

t.test('a client that connects when it is used is used', async (t) => {
  const redis = new FakeRedis()
  const client = new FakeIoRedis(redis)
  Object.defineProperty(client, 'status', { value: 'wait' })
  t.equal(await redisStore({ client }).get('a'), undefined)
})

t.test('P5: after a restart nothing is added until all that was known is over', async (t) => {
  for (const keeping of [false, true]) {
    let now = Date.now()
    const { redis, store: it } = await store({ now: () => now })
    it.expectTtl?.(60_000)
    t.equal(await it.add('a', '', 10_000), true)
    redis.restart({ keeping })
    await t.rejects(it.add('a', '', 10_000), { message: /restarted, emptied or replaced/ })
    await t.rejects(it.add('b', '', 10_000), { message: /nothing is added for another \d\d s$/ })
    now += 59_000
    await t.rejects(it.add('b', '', 10_000), { message: /for another [12] s$/ })
    now += 2_000
    t.equal(await it.add('b', '', 10_000), true)
    t.equal(await it.add('b', '', 10_000), false)
  }
})

t.test('P5: an instance that is started after a restart refuses as well', async (t) => {
  let now = Date.now()
  const redis = new FakeRedis()
  redis.info.uptime_in_seconds = '20'
  const make = async () =>
    redisStore({ client: await connected(new FakeIoRedis(redis)), now: () => now })
  const [one, other] = [await make(), await make()]
  // Redis says that it started 20 s ago when it did so 19 s and a moment ago.
  await Promise.all([
    t.rejects(one.add('a', '', 60_000), { message: /for another 41 s$/ }),
    t.rejects(other.add('a', '', 60_000), { message: /for another 41 s$/ }),
  ])
  now += 40_999
  await t.rejects(one.add('a', '', 60_000), { message: /for another 1 s$/ })
  now += 2
  t.equal(await one.add('a', '', 60_000), true)
  t.equal(await other.add('a', '', 60_000), false, 'both go by one mark')
  redis.info.uptime_in_seconds = '0'
  t.equal(await (await make()).add('a', '', 60_000), false, 'and so does who comes later')
})

t.test('P5: what was taken away by force is as forgotten as by a restart', async (t) => {
  let now = Date.now()
  const { redis, store: it } = await store({ now: () => now })
  t.equal(await it.add('a', '', 10_000), true)
  redis.entries.clear()
  await Promise.all([
    t.rejects(it.add('a', '', 10_000), { message: /may have forgotten/ }),
    t.rejects(it.add('a', '', 10_000), { message: /may have forgotten/ }),
  ])
  await t.rejects(it.add('a', '', 10_000), { message: /for another 10 s$/ })
  now += 10_001
  t.equal(await it.add('a', '', 10_000), true)
})

t.test('P5: who comes after that takes the server for no older than that', async (t) => {
  const { redis, store: it } = await store()
  t.equal(await it.add('a', '', 60_000), true)
  redis.entries.clear()
  const late = redisStore({ client: await connected(new FakeIoRedis(redis)) })
  await t.rejects(late.add('a', '', 60_000), { message: /for another 60 s$/ })
  await t.rejects(it.add('a', '', 60_000), { message: /may have forgotten/ })
  await t.rejects(it.add('a', '', 60_000), { message: /for another 60 s$/ }, 'and so do the others')

  const client = await connected(new FakeIoRedis(redis))
  const apart = redisStore({ client, prefix: 'other:' })
  t.equal(await apart.add('a', '', 60_000), true, 'another prefix has nothing to do with it')
})

t.test('P5: a replica that took over without the mark may lack the entries too', async (t) => {
  const redis = new FakeRedis()
  redis.info.master_replid2 = 'f2'.repeat(20)
  const it = redisStore({ client: await connected(new FakeIoRedis(redis)) })
  await t.rejects(it.add('a', '', 60_000), { message: /for another 60 s$/ })
})

t.test('P5: a clock that tells no time adds nothing', async (t) => {
  const { store: it } = await store({ now: () => Number.NaN })
  await t.rejects(it.add('a', '', 10_000))
})

t.test('P5: with trust, what Redis says is believed', async (t) => {
  const { redis, store: it } = await store({ afterRestart: 'trust' })
  it.expectTtl?.(60_000)
  t.equal(await it.add('a', '', 10_000), true)
  t.equal(await it.add('a', '', 10_000), false)
  redis.restart()
  t.equal(await it.add('a', '', 10_000), true)
})

t.test('a Redis that can not be relied on says why', async (t) => {
  for (const [info, message] of [
    [{ redis_version: '6.2.1' }, /^Redis 7 or Valkey is needed/],
    [{ maxmemory: '100', maxmemory_policy: 'allkeys-lru' }, /set "maxmemory-policy noeviction"$/],
    [{ run_id: '' }, /does not say who it is/],
  ] as const) {
    const { redis, store: it } = await store()
    Object.assign(redis.info, info)
    await t.rejects(it.add('a', '', 1), { message })
  }
  const { redis, store: it } = await store()
  Object.assign(redis.info, { maxmemory: '100' })
  t.equal(await it.add('a', '', 1_000), true, 'a limit without eviction is none')
})

t.test('one that is replaced while it is looked at is looked at again', async (t) => {
  for (const [command, time] of [
    ['SCRIPT', 1],
    ['SCRIPT', 2],
    ['GET', 1],
    ['GET', 2],
  ] as const) {
    let now = Date.now()
    const { redis, store: it } = await store({ now: () => now })
    let times = 0
    redis.onCommand = (name) => {
      if (name !== command || ++times !== time) return
      redis.restart()
      redis.info.uptime_in_seconds = '1000'
    }
    await t.rejects(it.add('a', '', 1), { message: /was restarted or replaced meanwhile/ })
    await it.add('b', '', 1_000).catch(() => {})
    now += 10_000
    t.equal(await it.add('a', '', 1_000), true, `${command} ${time}`)
  }
})

t.test('answers of another type than asked for are no answers', async (t) => {
  const { redis, client, store: asked } = await store()
  await asked.set('revocation:a', '', 1_000)
  // As clients do that were told to answer with buffers (node-redis: withTypeMapping).
  const asBuffers = (reply: unknown): unknown =>
    typeof reply === 'string'
      ? Buffer.from(reply)
      : Array.isArray(reply)
        ? reply.map(asBuffers)
        : reply
  client.call = async (...command) => asBuffers(await redis.execute(command))
  await t.rejects(asked.get('revocation:a'), { message: /answer/ })
  await t.rejects(asked.list('revocation:'), { message: /answer/ }, 'an empty list lets in')
  for (const reply of [null, 'OK', ['0'], ['0', {}], [0, [1]], [{}, []]]) {
    client.call = async () => reply
    await t.rejects(asked.list('revocation:'), { message: /answer/ }, JSON.stringify(reply))
  }
  for (const reply of [null, 'OK', [], [1]]) {
    client.call = async (command) => (command === 'SCAN' ? ['0', ['frs:revocation:a']] : reply)
    await t.rejects(asked.list('revocation:'), { message: /answer/ }, JSON.stringify(reply))
  }
})

t.test('errors of Redis are passed on', async (t) => {
  const { redis, store: it } = await store()
  redis.onCommand = (name) => {
    if (name === 'EVALSHA') throw new Error('LOADING')
  }
  await t.rejects(it.add('a', '', 1), { message: 'LOADING' })
  redis.onCommand = () => Promise.reject('no error')
  await t.rejects(it.get('a'))
  redis.onCommand = (name) => (name === 'EVALSHA' ? Promise.reject('no error') : undefined)
  await t.rejects(it.add('a', '', 1))
})

t.test('what is no client, or one that can not do it, is a TypeError with the mend', async (t) => {
  const redis = new FakeRedis()
  const io = () => new FakeIoRedis(redis)
  const mistakes: [string, unknown, RegExp][] = [
    ['nothing', {}, /^"client" of a Redis store must be a client of ioredis/],
    ['null', { client: null }, /must be a client of ioredis/],
    ['a URL', { client: 'redis://localhost' }, /must be a client of ioredis/],
    ['something else', { client: { call() {}, status: 'ready' } }, /must be a client of ioredis/],
    [
      'a Cluster of ioredis',
      { client: Object.assign(io(), { isCluster: true }) },
      /a Cluster is not/,
    ],
    ['one of node-redis', { client: Object.assign(io(), { masters: [] }) }, /a Cluster is not/],
    ['keyPrefix', { client: Object.assign(io(), { options: { keyPrefix: 'a' } }) }, /"keyPrefix"/],
    ['prefix', { client: io(), prefix: 'a*' }, /^"prefix" of a store must be 1 to 64/],
    ['no prefix', { client: io(), prefix: '' }, /^"prefix" of a store/],
    ['timeout', { client: io(), timeout: 1 }, /^"timeout" of a store must be a whole number/],
    [
      'afterRestart',
      { client: io(), afterRestart: 'x' },
      /^"afterRestart" of a store must be 'ref/,
    ],
    ['now', { client: io(), now: 1 }, /^"now" of a store must be a function/],
    ['unknown', { client: io(), ttl: 1 }, /^"ttl" is no option of a Redis store/],
    ['none', undefined, /^a Redis store must be an object/],
  ]
  for (const [what, options, message] of mistakes) {
    t.throws(() => redisStore(options as never), { name: 'TypeError', message }, what)
  }
})

t.test('a list that does not end, or is too long, is an error', async (t) => {
  const client = await connected(new FakeIoRedis(new FakeRedis()))
  const asked = redisStore({ client, timeout: 30_000 })
  let pages = 0
  client.call = async () => [`${++pages}`, []]
  await t.rejects(asked.list('revocation:'), { message: /does not come to the end/ })
  t.equal(pages, 20_000)
  const keys = Array.from({ length: 10_000 }, (_, i) => `frs:revocation:${i}`)
  let listed = 0
  client.call = async (command) => {
    if (command === 'MGET') return keys.map(() => '1')
    listed += keys.length
    return [`${listed}`, keys.map((key) => `${key}-${listed}`)]
  }
  await t.rejects(asked.list('revocation:'), { message: /too many entries/ })
  t.equal(listed, 1_010_000)
})
