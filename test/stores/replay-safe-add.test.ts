/** When a Redis that may have forgotten is believed again. With a real one: `suites/redis`. */
import { mock } from 'node:test'
import t from 'tap'
import { type RedisStoreOptions, redisStore, type Store } from '../../src/index.js'
import { connected, FakeIoRedis, FakeNodeRedis, FakeRedis } from '../fixtures/fake-redis.js'

/** Lets the store probe a new connection, which takes a few turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets the timer of the next probe fire. */
async function passRetryDelay(): Promise<void> {
  mock.timers.tick(1_100)
  await settle()
}

const LIFE = 60_000

/** That of Redis and of this process, in milliseconds. */
const clock = { now: 1_700_000_000_000 }
t.intercept(performance, 'now', { value: () => clock.now })

/** Of one server, and another, in turn. */
class Switched extends FakeIoRedis {
  answering = this.server

  override call(...command: string[]): Promise<unknown> {
    return this.answering.execute(command)
  }
}

async function start(options: Partial<RedisStoreOptions> = {}) {
  const redis = server()
  const client = await connected(new Switched(redis))
  const it = redisStore({ client, ...options })
  it.declareMaxTtl?.(LIFE)
  return { redis, client, store: it }
}

/** A name may begin with a digit. */
function server(id = '9a1'): FakeRedis {
  const redis = new FakeRedis()
  redis.info.run_id = id
  redis.info.evicted_keys = '10'
  redis.now = () => clock.now
  return redis
}

async function another(redis: FakeRedis, options: Partial<RedisStoreOptions> = {}): Promise<Store> {
  return redisStore({ client: await connected(new FakeIoRedis(redis)), ...options })
}

/** One that has waited. */
async function settled(options: Partial<RedisStoreOptions> = {}) {
  const it = await start(options)
  await it.store.add('first', '', 1).catch(() => {})
  clock.now += LIFE + 1
  return it
}

const waits = (seconds: number) => ({
  name: 'IndeterminateError',
  code: 'store_indeterminate',
  message: `Redis may have lost entries: unknown entries are rejected for another ${seconds} s`,
})

t.test('P5: one that was never met is not believed until all it could know is over', async (t) => {
  for (const Client of [FakeIoRedis, FakeNodeRedis]) {
    const client = await connected(new Client(server()))
    const it = redisStore({ client })
    it.declareMaxTtl?.(LIFE)
    await t.rejects(it.add('a', '', 100_000), waits(100), 'an entry may last for longer still')
    clock.now += 40_000
    await t.rejects(it.add('b', '', 1_000), waits(60))
    t.equal(await it.add('a', '', 1_000), false, 'what it knows, it knows')
    clock.now += 60_000
    await t.rejects(it.add('c', '', 1_000), waits(0))
    clock.now += 1
    t.equal(await it.add('d', '', 1_000), true)
    t.equal(await it.add('d', '', 1_000), false)
  }
})

t.test('P5: nor is one that was restarted, whatever it kept', async (t) => {
  for (const [keeping, unseen] of [
    [false, false],
    [true, false],
    // As behind a proxy.
    [false, true],
    [true, true],
  ] as const) {
    const { redis, store: it } = await settled()
    const other = await another(redis)
    t.equal(await it.add('a', '', LIFE), true)
    t.equal(await other.add('a', '', LIFE), false)
    t.equal(await other.add('b', '', LIFE), true, 'who is new goes by the mark that is there')
    redis.restart({ keeping, unseen })
    if (keeping) t.equal(await it.add('a', '', LIFE), false)
    else await t.rejects(it.add('a', '', LIFE), waits(60))
    clock.now += 10_000
    await t.rejects(other.add('c', '', LIFE), waits(50))
    await t.rejects((await another(redis)).add('d', '', LIFE), waits(50))
    clock.now += 50_001
    t.equal(await it.add('e', '', LIFE), true)
    t.equal(await other.add('f', '', LIFE), true)
    t.equal(await other.add('e', '', LIFE), false)
  }
})

t.test('P5: what was emptied, or has evicted, may have forgotten as well', async (t) => {
  const ways: Record<string, (redis: FakeRedis) => void> = {
    emptied: ({ entries }) => entries.clear(),
    'without its mark': ({ entries }) => entries.delete('frs:server'),
    'with another mark': ({ entries }) =>
      entries.set('frs:server', { value: 'x', endsAt: Number.POSITIVE_INFINITY }),
    evicted: ({ info }) => {
      info.evicted_keys = '11'
    },
    'was a replica': ({ info }) => {
      info.master_replid2 = 'f2'
    },
  }
  for (const [name, change] of Object.entries(ways)) {
    for (const isNew of [false, true]) {
      const { redis, client, store: old } = await settled()
      t.equal(await old.add('a', '', LIFE), true)
      change(redis)
      client.emit('ready')
      const it = isNew ? await another(redis) : old
      await t.rejects(
        it.add('b', '', LIFE),
        waits(60),
        `${name}, to ${isNew ? 'a new one' : 'an old one'}`,
      )
      await t.rejects(old.add('c', '', LIFE), waits(60))
      clock.now += LIFE + 1
      t.equal(await it.add('d', '', LIFE), true)
    }
  }
})

t.test('P5: one that gets its place back does not know what another was told', async (t) => {
  const { redis, client, store: it } = await settled()
  t.equal(await it.add('a', '', LIFE), true)
  const other = server('z9')
  const late = await another(other)
  await late.add('x', '', LIFE).catch(() => {})
  clock.now += 50_000
  client.answering = redis
  t.equal(await it.add('b', '', LIFE), true)
  clock.now += 11_000
  client.answering = other
  await t.rejects(it.add('b', '', LIFE), waits(60), 'who is older than the last that was added')
  await t.rejects(late.add('y', '', LIFE), waits(60), 'to nobody')
  clock.now += LIFE + 1
  t.equal(await it.add('c', '', LIFE), true)
  clock.now += 1_000
  client.answering = redis
  await t.rejects(it.add('c', '', LIFE), waits(60), 'and back')
  clock.now += LIFE + 1
  t.equal(await it.add('d', '', LIFE), true)
})

t.test('P5: nor does it know what others told another while this one asked there', async (t) => {
  const { redis, client, store: it } = await settled()
  const other = server('z9')
  await (await another(other)).add('x', '', LIFE).catch(() => {})
  clock.now += 10
  clock.now += LIFE - 5
  t.equal(await (await another(redis)).add('b', '', LIFE), true)
  t.equal(await it.add('b', '', LIFE), false, 'the answer by which it was there')
  clock.now += 10
  client.answering = other
  await t.rejects(it.add('b', '', LIFE), waits(60))
})

t.test('P5: who comes from another server waits no longer than the others', async (t) => {
  const { client, store: it } = await settled()
  t.equal(await it.add('a', '', LIFE), true)
  const other = server('z9')
  // After the last that was added: it took over then.
  clock.now += 10
  await (await another(other)).add('x', '', LIFE).catch(() => {})
  clock.now += 10
  client.answering = other
  await t.rejects(it.add('b', '', LIFE), waits(60))
  clock.now += LIFE - 5
  t.equal(await it.add('c', '', LIFE), true)
})

t.test('P5: what was swapped with another database and back', async (t) => {
  const { redis, store: it } = await settled()
  t.equal(await it.add('a', '', LIFE), true)
  const { entries } = redis
  redis.entries = new Map()
  clock.now += 1_000
  await t.rejects(it.add('b', '', LIFE), waits(60))
  clock.now += LIFE + 1
  t.equal(await it.add('c', '', LIFE), true)
  redis.entries = entries
  clock.now += 1_000
  await t.rejects(it.add('c', '', LIFE), waits(60))
})

t.test('P5: clocks of instances and of Redis, set back or ahead', async (t) => {
  const { redis, store: it } = await settled()
  t.equal(await it.add('a', '', LIFE), true)
  redis.now = () => clock.now - 3_600_000
  await t.rejects(it.add('b', '', LIFE), waits(60), 'no longer than ever')
  clock.now += LIFE + 1
  t.equal(await it.add('c', '', LIFE), true)
})

t.test(
  'P5: whose clock is set right while it is waited for is waited for all the same',
  async (t) => {
    const { redis, store: it } = await start()
    await t.rejects(it.add('a', '', LIFE), waits(60))
    redis.now = () => clock.now + 3_600_000
    await t.rejects(it.add('b', '', LIFE), waits(60))
    clock.now += LIFE - 1
    await t.rejects(it.add('c', '', LIFE), waits(1))
    clock.now += 1
    t.equal(await it.add('d', '', LIFE), true)
  },
)

t.test('P5: one that is loading what it kept is looked at until it answers', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  it.declareMaxTtl?.(LIFE)
  redis.onCommand = () => Promise.reject(new Error('LOADING'))
  await client.connect()
  await settle()
  redis.onCommand = () => undefined
  await passRetryDelay()
  clock.now += LIFE + 1
  t.equal(await it.add('a', '', LIFE), true)
  redis.commands.length = 0
  await passRetryDelay()
  t.strictSame(redis.commands, [], 'and no longer')

  redis.onCommand = () => Promise.reject(new Error('LOADING'))
  client.emit('ready')
  await settle()
  redis.stop()
  await passRetryDelay()
  redis.onCommand = () => undefined
  redis.start()
  await settle()
  redis.commands.length = 0
  await passRetryDelay()
  t.strictSame(redis.commands, [], 'nor once it is gone')
})

t.test('P5: the wait begins with the connection, and not with the first who adds', async (t) => {
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  it.declareMaxTtl?.(LIFE)
  await client.connect()
  await settle()
  t.strictSame([...redis.entries.keys()], ['frs:server'], 'nothing is added by that')
  clock.now += LIFE + 1
  t.equal(await it.add('a', '', LIFE), true, 'with one that was met at the start')

  redis.restart({ keeping: true })
  await settle()
  clock.now += LIFE + 1
  t.equal(await it.add('b', '', LIFE), true, 'and one that was restarted: nobody noticed')

  redis.onCommand = () => Promise.reject(new Error('LOADING'))
  redis.restart()
  await settle()
  redis.onCommand = () => undefined
  await t.rejects(it.add('c', '', LIFE), waits(60), 'unless nothing could be learnt then')

  const apart = await another(redis, { prefix: 'other:' })
  apart.declareMaxTtl?.(LIFE)
  await settle()
  clock.now += LIFE + 1
  t.equal(await apart.add('a', '', LIFE), true, 'where the connection was there before')
})

t.test('P5: a connection that was lost costs nothing more, if that was all', async (t) => {
  const { redis, store: it } = await settled()
  t.equal(await it.add('a', '', LIFE), true)
  clock.now += 1_000
  t.equal(await it.add('b', '', LIFE), true)
  redis.stop()
  redis.start()
  t.equal(await it.add('b', '', LIFE), false)
  t.equal(await it.add('c', '', LIFE), true)
})

t.test('nobody looks who adds nothing, or trusts', async (t) => {
  const redis = new FakeRedis()
  const it = await another(redis)
  const trusting = await another(redis, { afterRestart: 'dangerouslyAccept' })
  trusting.declareMaxTtl?.(LIFE)
  redis.restart()
  await settle()
  t.strictSame(redis.commands, [])
  t.equal(await it.get('a'), undefined)
})

t.test('P5: with trust, what Redis says is believed', async (t) => {
  const redis = new FakeRedis()
  const it = await another(redis, { afterRestart: 'dangerouslyAccept' })
  t.equal(await it.add('a', '', 10_000), true)
  t.equal(await it.add('a', '', 10_000), false)
  redis.restart()
  t.equal(await it.add('a', '', 10_000), true)
})

t.test('P5: a Redis that can not be relied on says why', async (t) => {
  const evicting = /^Redis may evict entries: set "maxmemory-policy noeviction"$/
  for (const [info, message, withTrust] of [
    [{ redis_version: '6.2.1' }, /^Redis 7 or later, or Valkey, is required/, false],
    [{ redis_version: '' }, /^Redis 7 or later, or Valkey, is required/, false],
    [{ maxmemory: '100', maxmemory_policy: 'allkeys-lru' }, evicting, true],
    [
      { maxmemory: '100', maxmemory_policy: 'allkeys-lru', my_maxmemory_policy: 'noeviction' },
      evicting,
      true,
    ],
    [{ evicted_keys: '' }, /^INFO lacks evicted_keys/, true],
    [{ run_id: '' }, /INFO lacks run_id or master_replid2/, false],
    [{ master_replid2: '' }, /INFO lacks run_id or master_replid2/, false],
  ] as const) {
    const { redis, store: it } = await settled()
    Object.assign(redis.info, info)
    redis.stop()
    redis.start()
    await t.rejects(it.add('a', '', 1_000), { message })
    const trusting = await another(redis, { afterRestart: 'dangerouslyAccept' })
    if (withTrust) await t.rejects(trusting.add('a', '', 1_000), { message })
    else t.equal(await trusting.add('a', '', 1_000), true)
  }
  const { redis, store: it } = await settled()
  Object.assign(redis.info, { maxmemory: '100' })
  redis.restart({ keeping: true, unseen: true })
  await t.rejects(it.add('a', '', 1_000), waits(60), 'a limit without eviction is none')
})

t.test('P5: what Redis says of itself is read by the line, of any version', async (t) => {
  for (const lineEnd of ['\r\n', '\n']) {
    const { redis, store: it } = await settled()
    redis.lineEnd = lineEnd
    const info = { ...redis.info, redis_version: '10.2.3', maxmemory_policy: 'allkeys-lru' }
    for (const name of Object.keys(redis.info)) delete redis.info[name]
    for (const name of Object.keys(info)) redis.info[`my_${name}`] = '5'
    Object.assign(redis.info, info)
    redis.stop()
    redis.start()
    t.equal(await it.add('a', '', 1_000), true)
  }
})

t.test('P5: eviction that is switched on later is noticed within a second', async (t) => {
  for (const afterRestart of ['reject', 'dangerouslyAccept'] as const) {
    const { redis, store: it } = await settled({ afterRestart })
    t.equal(await it.add('a', '', 1_000), true)
    const asked = () => redis.commands.filter((command) => command === 'INFO').length
    const before = asked()
    t.equal(await it.add('b', '', 1_000), true)
    t.equal(asked(), before, 'not asked for each')
    Object.assign(redis.info, { maxmemory: '100', maxmemory_policy: 'volatile-lru' })
    clock.now += 999
    t.equal(await it.add('b2', '', 1_000), true)
    clock.now += 1
    await t.rejects(it.add('c', '', 1_000), { message: /set "maxmemory-policy noeviction"$/ })
    Object.assign(redis.info, { maxmemory_policy: 'noeviction' })
    t.equal(await it.add('d', '', 1_000), true, 'nor is it later than needed that it was mended')
  }
})

t.test('what is asked while a connection is being made is asked once', async (t) => {
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  const added = [it.add('a', '', LIFE), it.add('b', '', LIFE)].map((one) => one.catch(() => {}))
  await client.connect()
  await Promise.all(added)
  t.equal(redis.commands.filter((command) => command === 'INFO').length, 1)
})

t.test('P5: the script is sent once in a life', async (t) => {
  const { redis, store: it } = await settled()
  redis.commands.length = 0
  t.equal(await it.add('a', '', 1_000), true)
  t.match(redis.commands, [/^INFO$/, /^EVALSHA [0-9a-f]{40}$/])
  redis.restart({ unseen: true })
  redis.commands.length = 0
  await t.rejects(it.add('b', '', 1_000), waits(60))
  t.match(redis.commands, [/^EVALSHA/, /^EVAL$/])
})

t.test('P5: answers of another type than asked for, and errors, add nothing', async (t) => {
  const { redis, client, store: it } = await settled()
  const answers = [
    null,
    'OK',
    1,
    [],
    [1],
    [1, 0],
    [true, 0, ''],
    [2, 0, ''],
    [1, null, ''],
    [1, 0, 1],
  ]
  for (const answer of [
    ...answers,
    ['', 0, ''],
    [1, 0, Buffer.from('x')],
    [Buffer.from('1'), 0, 'x'],
  ]) {
    client.call = async (name) => (name === 'INFO' ? redis.execute(['INFO']) : answer)
    await t.rejects(it.add('a', '', 1_000), { message: /^Unexpected reply/ }, `${answer}`)
  }
  client.call = async (...command) => {
    const reply = await redis.execute(command)
    return Array.isArray(reply) ? reply.map((one) => `${one}`) : reply
  }
  t.equal(await it.add('a', '', 1_000), true, 'numbers may be text')
  t.equal(await it.add('a', '', 1_000), false)
  redis.entries.clear()
  await t.rejects(it.add('a', '', 1_000), waits(60))
  for (const error of [new Error('LOADING (no NOSCRIPT)'), 'no error']) {
    const asked: string[] = []
    client.call = async (name) => {
      if (name === 'INFO') return redis.execute(['INFO'])
      asked.push(name)
      throw error
    }
    const rejected = await it.add('b', '', 1_000).catch((error) => error)
    const message = error instanceof Error ? error.message : /no reason given/
    t.match(rejected, { name: 'RedisError', message })
    t.strictSame(asked, ['EVALSHA'], 'and the script is not sent for that')
  }
})

t.test('P5: what has no end is not added, and spoils nothing', async (t) => {
  const { redis, store: it } = await settled()
  const { size } = redis.entries
  for (const ttl of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await t.rejects(it.add('a', '', ttl), {
      name: 'TypeError',
      message: /^"ttl" must be a finite number/,
    })
  }
  t.equal(redis.entries.size, size)
  t.equal(await it.add('a', '', 0.5), true, 'a part of a millisecond is a whole one')
})
