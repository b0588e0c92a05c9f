/**
 * When a Redis that may have lost entries is trusted again. With a real server: `suites/redis`.
 */
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

const MAX_TTL_MS = 60_000

/** The clock of Redis and of this process, in milliseconds. */
const clock = { now: 1_700_000_000_000 }
t.intercept(performance, 'now', { value: () => clock.now })

/** A client whose address can be switched to another server. */
class SwitchableClient extends FakeIoRedis {
  current = this.server

  override call(...command: string[]): Promise<unknown> {
    return this.current.execute(command)
  }
}

async function start(options: Partial<RedisStoreOptions> = {}) {
  const redis = server()
  const client = await connected(new SwitchableClient(redis))
  const store = redisStore({ client, ...options })
  store.declareMaxTtl?.(MAX_TTL_MS)
  return { redis, client, store }
}

/** A `run_id` may begin with a digit. */
function server(id = '9a1'): FakeRedis {
  const redis = new FakeRedis()
  redis.info.run_id = id
  redis.info.evicted_keys = '10'
  redis.now = () => clock.now
  return redis
}

async function anotherStore(
  redis: FakeRedis,
  options: Partial<RedisStoreOptions> = {},
): Promise<Store> {
  return redisStore({ client: await connected(new FakeIoRedis(redis)), ...options })
}

/** A store whose waiting time has passed. */
async function trustedStore(options: Partial<RedisStoreOptions> = {}) {
  const it = await start(options)
  await it.store.add('first', '', 1).catch(() => {})
  clock.now += MAX_TTL_MS + 1
  return it
}

const indeterminateFor = (seconds: number) => ({
  name: 'IndeterminateError',
  code: 'store_indeterminate',
  message: `Redis may have lost entries: unknown entries are rejected for another ${seconds} s`,
})

t.test(
  'P5: rejects unknown entries of a new Redis until every earlier entry has expired',
  async (t) => {
    for (const Client of [FakeIoRedis, FakeNodeRedis]) {
      const client = await connected(new Client(server()))
      const it = redisStore({ client })
      it.declareMaxTtl?.(MAX_TTL_MS)
      await t.rejects(
        it.add('a', '', 100_000),
        indeterminateFor(100),
        'the TTL of an entry may exceed the declared one',
      )
      clock.now += 40_000
      await t.rejects(it.add('b', '', 1_000), indeterminateFor(60))
      t.equal(await it.add('a', '', 1_000), false, 'a known entry is not indeterminate')
      clock.now += 60_000
      await t.rejects(it.add('c', '', 1_000), indeterminateFor(0))
      clock.now += 1
      t.equal(await it.add('d', '', 1_000), true)
      t.equal(await it.add('d', '', 1_000), false)
    }
  },
)

t.test('P5: rejects unknown entries after a restart, regardless of persisted data', async (t) => {
  for (const [keeping, unseen] of [
    [false, false],
    [true, false],
    // Connections stay open, as behind a proxy.
    [false, true],
    [true, true],
  ] as const) {
    const { redis, store: it } = await trustedStore()
    const other = await anotherStore(redis)
    t.equal(await it.add('a', '', MAX_TTL_MS), true)
    t.equal(await other.add('a', '', MAX_TTL_MS), false)
    t.equal(await other.add('b', '', MAX_TTL_MS), true, 'a new instance uses the existing marker')
    redis.restart({ keeping, unseen })
    if (keeping) t.equal(await it.add('a', '', MAX_TTL_MS), false)
    else await t.rejects(it.add('a', '', MAX_TTL_MS), indeterminateFor(60))
    clock.now += 10_000
    await t.rejects(other.add('c', '', MAX_TTL_MS), indeterminateFor(50))
    await t.rejects((await anotherStore(redis)).add('d', '', MAX_TTL_MS), indeterminateFor(50))
    clock.now += 50_001
    t.equal(await it.add('e', '', MAX_TTL_MS), true)
    t.equal(await other.add('f', '', MAX_TTL_MS), true)
    t.equal(await other.add('e', '', MAX_TTL_MS), false)
  }
})

t.test('P5: rejects unknown entries after a flush, an eviction or a failover', async (t) => {
  const losses: Record<string, (redis: FakeRedis) => void> = {
    flushed: ({ entries }) => entries.clear(),
    'without its marker': ({ entries }) => entries.delete('frs:server'),
    'with another marker': ({ entries }) =>
      entries.set('frs:server', { value: 'x', endsAt: Number.POSITIVE_INFINITY }),
    evicted: ({ info }) => {
      info.evicted_keys = '11'
    },
    'was a replica': ({ info }) => {
      info.master_replid2 = 'f2'
    },
  }
  for (const [name, change] of Object.entries(losses)) {
    for (const isNew of [false, true]) {
      const { redis, client, store: old } = await trustedStore()
      t.equal(await old.add('a', '', MAX_TTL_MS), true)
      change(redis)
      client.emit('ready')
      const it = isNew ? await anotherStore(redis) : old
      await t.rejects(
        it.add('b', '', MAX_TTL_MS),
        indeterminateFor(60),
        `${name}, on ${isNew ? 'a new' : 'an existing'} instance`,
      )
      await t.rejects(old.add('c', '', MAX_TTL_MS), indeterminateFor(60))
      clock.now += MAX_TTL_MS + 1
      t.equal(await it.add('d', '', MAX_TTL_MS), true)
    }
  }
})

t.test(
  'P5: rejects unknown entries after a failback, because the other server has entries',
  async (t) => {
    const { redis, client, store: it } = await trustedStore()
    t.equal(await it.add('a', '', MAX_TTL_MS), true)
    const other = server('z9')
    const late = await anotherStore(other)
    await late.add('x', '', MAX_TTL_MS).catch(() => {})
    clock.now += 50_000
    client.current = redis
    t.equal(await it.add('b', '', MAX_TTL_MS), true)
    clock.now += 11_000
    client.current = other
    await t.rejects(
      it.add('b', '', MAX_TTL_MS),
      indeterminateFor(60),
      'a server whose marker is older than the last add',
    )
    await t.rejects(late.add('y', '', MAX_TTL_MS), indeterminateFor(60), 'on every instance')
    clock.now += MAX_TTL_MS + 1
    t.equal(await it.add('c', '', MAX_TTL_MS), true)
    clock.now += 1_000
    client.current = redis
    await t.rejects(it.add('c', '', MAX_TTL_MS), indeterminateFor(60), 'and after switching back')
    clock.now += MAX_TTL_MS + 1
    t.equal(await it.add('d', '', MAX_TTL_MS), true)
  },
)

t.test(
  'P5: rejects unknown entries of another server, which other instances used meanwhile',
  async (t) => {
    const { redis, client, store: it } = await trustedStore()
    const other = server('z9')
    await (await anotherStore(other)).add('x', '', MAX_TTL_MS).catch(() => {})
    clock.now += 10
    clock.now += MAX_TTL_MS - 5
    t.equal(await (await anotherStore(redis)).add('b', '', MAX_TTL_MS), true)
    t.equal(
      await it.add('b', '', MAX_TTL_MS),
      false,
      'this reply confirms the marker of the first server',
    )
    clock.now += 10
    client.current = other
    await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
  },
)

t.test(
  'P5: an instance that switches servers waits no longer than the other instances',
  async (t) => {
    const { client, store: it } = await trustedStore()
    t.equal(await it.add('a', '', MAX_TTL_MS), true)
    const other = server('z9')
    // After the last add, because the other server took over then.
    clock.now += 10
    await (await anotherStore(other)).add('x', '', MAX_TTL_MS).catch(() => {})
    clock.now += 10
    client.current = other
    await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
    clock.now += MAX_TTL_MS - 5
    t.equal(await it.add('c', '', MAX_TTL_MS), true)
  },
)

t.test('P5: rejects unknown entries after SWAPDB, and after swapping back', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  const { entries } = redis
  redis.entries = new Map()
  clock.now += 1_000
  await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
  clock.now += MAX_TTL_MS + 1
  t.equal(await it.add('c', '', MAX_TTL_MS), true)
  redis.entries = entries
  clock.now += 1_000
  await t.rejects(it.add('c', '', MAX_TTL_MS), indeterminateFor(60))
})

t.test('P5: waits no longer than the longest TTL if the clock of Redis is set back', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  redis.now = () => clock.now - 3_600_000
  t.equal(await it.add('b', '', MAX_TTL_MS), true, 'no entry expires earlier')
  const other = await anotherStore(redis)
  await t.rejects(other.add('c', '', MAX_TTL_MS), indeterminateFor(60), 'the wait starts again')
  await t.rejects(it.add('d', '', MAX_TTL_MS), indeterminateFor(60), 'on every instance')
  clock.now += MAX_TTL_MS + 1
  t.equal(await it.add('e', '', MAX_TTL_MS), true)
  t.equal(await other.add('f', '', MAX_TTL_MS), true)
})

t.test('P5: waits as long if the clock of Redis is set forward meanwhile', async (t) => {
  const { redis, store: it } = await start()
  await t.rejects(it.add('a', '', MAX_TTL_MS), indeterminateFor(60))
  redis.now = () => clock.now + 3_600_000
  await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
  clock.now += MAX_TTL_MS - 1
  await t.rejects(it.add('c', '', MAX_TTL_MS), indeterminateFor(1))
  clock.now += 1
  t.equal(await it.add('d', '', MAX_TTL_MS), true)
})

t.test('P5: probes a Redis that is loading its data until it replies', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  it.declareMaxTtl?.(MAX_TTL_MS)
  redis.onCommand = () => Promise.reject(new Error('LOADING'))
  await client.connect()
  await settle()
  redis.onCommand = () => undefined
  await passRetryDelay()
  clock.now += MAX_TTL_MS + 1
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  redis.commands.length = 0
  await passRetryDelay()
  t.strictSame(redis.commands, [], 'and not afterwards')

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
  t.strictSame(redis.commands, [], 'and not once the connection is lost')
})

t.test('P5: the wait starts with the connection, not with the first add', async (t) => {
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  it.declareMaxTtl?.(MAX_TTL_MS)
  await client.connect()
  await settle()
  t.strictSame([...redis.entries.keys()], ['frs:server'], 'the probe adds no entry')
  clock.now += MAX_TTL_MS + 1
  t.equal(await it.add('a', '', MAX_TTL_MS), true, 'after a first connection')

  redis.restart({ keeping: true })
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.equal(await it.add('b', '', MAX_TTL_MS), true, 'after a restart without any add')

  redis.onCommand = () => Promise.reject(new Error('LOADING'))
  redis.restart()
  await settle()
  redis.onCommand = () => undefined
  await t.rejects(it.add('c', '', MAX_TTL_MS), indeterminateFor(60), 'unless the probe failed')

  const apart = await anotherStore(redis, { prefix: 'other:' })
  apart.declareMaxTtl?.(MAX_TTL_MS)
  await settle()
  clock.now += MAX_TTL_MS + 1
  t.equal(await apart.add('a', '', MAX_TTL_MS), true, 'on a connection that exists already')
})

t.test('P5: accepts entries immediately after a mere reconnection', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  clock.now += 1_000
  t.equal(await it.add('b', '', MAX_TTL_MS), true)
  redis.stop()
  redis.start()
  t.equal(await it.add('b', '', MAX_TTL_MS), false)
  t.equal(await it.add('c', '', MAX_TTL_MS), true)
})

t.test('sends no probe without adds, and none with dangerouslyAccept', async (t) => {
  const redis = new FakeRedis()
  const it = await anotherStore(redis)
  const trusting = await anotherStore(redis, { afterRestart: 'dangerouslyAccept' })
  trusting.declareMaxTtl?.(MAX_TTL_MS)
  redis.restart()
  await settle()
  t.strictSame(redis.commands, [])
  t.equal(await it.get('a'), undefined)
})

t.test('P5: with dangerouslyAccept, accepts unknown entries after a restart', async (t) => {
  const redis = new FakeRedis()
  const it = await anotherStore(redis, { afterRestart: 'dangerouslyAccept' })
  t.equal(await it.add('a', '', 10_000), true)
  t.equal(await it.add('a', '', 10_000), false)
  redis.restart()
  t.equal(await it.add('a', '', 10_000), true)
})

t.test('P5: rejects an unsuitable Redis with an error that states the reason', async (t) => {
  const mayEvict = /^Redis may evict entries: set "maxmemory-policy noeviction"$/
  for (const [info, message, alwaysChecked] of [
    [{ redis_version: '6.2.1' }, /^Redis 7 or later, or Valkey, is required/, false],
    [{ redis_version: '' }, /^Redis 7 or later, or Valkey, is required/, false],
    [{ maxmemory: '100', maxmemory_policy: 'allkeys-lru' }, mayEvict, true],
    [
      { maxmemory: '100', maxmemory_policy: 'allkeys-lru', my_maxmemory_policy: 'noeviction' },
      mayEvict,
      true,
    ],
    [{ evicted_keys: '' }, /^INFO lacks evicted_keys/, true],
    [{ run_id: '' }, /INFO lacks run_id or master_replid2/, false],
    [{ master_replid2: '' }, /INFO lacks run_id or master_replid2/, false],
  ] as const) {
    const { redis, store: it } = await trustedStore()
    Object.assign(redis.info, info)
    redis.stop()
    redis.start()
    await t.rejects(it.add('a', '', 1_000), { message })
    const trusting = await anotherStore(redis, { afterRestart: 'dangerouslyAccept' })
    if (alwaysChecked) await t.rejects(trusting.add('a', '', 1_000), { message })
    else t.equal(await trusting.add('a', '', 1_000), true)
  }
  const { redis, store: it } = await trustedStore()
  Object.assign(redis.info, { maxmemory: '100' })
  redis.restart({ keeping: true, unseen: true })
  await t.rejects(
    it.add('a', '', 1_000),
    indeterminateFor(60),
    'accepts a memory limit with noeviction',
  )
})

t.test('P5: reads INFO line by line, with a version of several digits', async (t) => {
  for (const lineEnd of ['\r\n', '\n']) {
    const { redis, store: it } = await trustedStore()
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

t.test('P5: detects within a second that eviction was enabled', async (t) => {
  for (const afterRestart of ['reject', 'dangerouslyAccept'] as const) {
    const { redis, store: it } = await trustedStore({ afterRestart })
    t.equal(await it.add('a', '', 1_000), true)
    const inspections = () => redis.commands.filter((command) => command === 'INFO').length
    const before = inspections()
    t.equal(await it.add('b', '', 1_000), true)
    t.equal(inspections(), before, 'not for each add')
    Object.assign(redis.info, { maxmemory: '100', maxmemory_policy: 'volatile-lru' })
    clock.now += 999
    t.equal(await it.add('b2', '', 1_000), true)
    clock.now += 1
    await t.rejects(it.add('c', '', 1_000), { message: /set "maxmemory-policy noeviction"$/ })
    Object.assign(redis.info, { maxmemory_policy: 'noeviction' })
    t.equal(await it.add('d', '', 1_000), true, 'and immediately that it was disabled')
  }
})

t.test('concurrent adds before the connection share one INFO', async (t) => {
  const redis = server()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client })
  const added = [it.add('a', '', MAX_TTL_MS), it.add('b', '', MAX_TTL_MS)].map((adding) =>
    adding.catch(() => {}),
  )
  await client.connect()
  await Promise.all(added)
  t.equal(redis.commands.filter((command) => command === 'INFO').length, 1)
})

t.test('P5: sends the script once per epoch', async (t) => {
  const { redis, store: it } = await trustedStore()
  redis.commands.length = 0
  t.equal(await it.add('a', '', 1_000), true)
  t.match(redis.commands, [/^INFO$/, /^EVALSHA [0-9a-f]{40}$/])
  redis.restart({ unseen: true })
  redis.commands.length = 0
  await t.rejects(it.add('b', '', 1_000), indeterminateFor(60))
  t.match(redis.commands, [/^EVALSHA/, /^EVAL$/])
})

t.test('P5: rejects malformed replies and errors', async (t) => {
  const { redis, client, store: it } = await trustedStore()
  const replId = 'c'.repeat(40)
  const reject = async (reply: unknown) => {
    client.call = async (name) => (name === 'INFO' ? redis.execute(['INFO']) : reply)
    await t.rejects(it.add('a', '', 1_000), { message: /^Unexpected reply/ }, `${reply}`)
  }
  const malformed = [
    null,
    'OK',
    1,
    [],
    ['1'],
    ['1', -1, 'x'],
    [1, -1, 'x', replId],
    ['2', -1, 'x', replId],
    ['', -1, 'x', replId],
    ['11', -1, 'x', replId],
    ['1', null, 'x', replId],
    ['1', 'x', 'x', replId],
    ['1', -1, 1, replId],
    ['1', -1, 'x', null],
    ['1', -1, Buffer.from('x'), replId],
    [Buffer.from('1'), -1, 'x', replId],
  ]
  for (const reply of malformed) await reject(reply)
  client.call = (...command) => redis.execute(command)
  t.equal(await it.add('0', '', 1_000), true)
  for (const reply of [...malformed, '2', '11', ['1']]) await reject(reply)
  client.call = async (...command) => {
    const reply = await redis.execute(command)
    return Array.isArray(reply) ? reply.map((part) => `${part}`) : reply
  }
  t.equal(await it.add('a', '', 1_000), true, 'accepts numbers as strings')
  t.equal(await it.add('a', '', 1_000), false)
  redis.entries.clear()
  await t.rejects(it.add('a', '', 1_000), indeterminateFor(60))
  for (const error of [new Error('LOADING (no NOSCRIPT)'), 'no error']) {
    const commands: string[] = []
    client.call = async (name) => {
      if (name === 'INFO') return redis.execute(['INFO'])
      commands.push(name)
      throw error
    }
    const rejected = await it.add('b', '', 1_000).catch((error) => error)
    const message = error instanceof Error ? error.message : /no reason given/
    t.match(rejected, { name: 'RedisError', message })
    t.strictSame(commands, ['EVALSHA'], 'the script is not sent')
  }
})

/** Names of the scripts that were sent; the script for the same epoch has the shorter list. */
function scriptsIn({ commands }: FakeRedis): string[] {
  return commands.filter((command) => command.startsWith('EVAL'))
}

t.test('P5: one command adds the entries of one turn of the event loop', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('0', '', MAX_TTL_MS), true)
  redis.commands.length = 0
  const adding = ['a', 'b', 'a', '0', 'c'].map((name) => it.add(name, '', MAX_TTL_MS))
  t.strictSame(await Promise.all(adding), [true, true, false, false, true])
  t.equal(scriptsIn(redis).length, 2, 'EVALSHA and, the first time, EVAL')
  t.match(redis.entries.get('frs:c'), { value: '', endsAt: clock.now + MAX_TTL_MS })

  redis.commands.length = 0
  const others = [
    it.add('d', '', MAX_TTL_MS),
    it.add('e', '', MAX_TTL_MS - 1),
    it.add('f', 'x', MAX_TTL_MS),
    it.add('g', 'x', MAX_TTL_MS),
  ]
  t.strictSame(await Promise.all(others), [true, true, true, true])
  t.equal(scriptsIn(redis).length, 3, 'a command for each value and TTL')
  t.match(redis.entries.get('frs:e'), { value: '', endsAt: clock.now + MAX_TTL_MS - 1 })
  t.match(redis.entries.get('frs:g'), { value: 'x', endsAt: clock.now + MAX_TTL_MS })

  redis.commands.length = 0
  const many = Array.from({ length: 250 }, (_, i) => it.add(`many-${i}`, '', MAX_TTL_MS))
  t.strictSame(new Set(await Promise.all(many)), new Set([true]))
  t.equal(scriptsIn(redis).length, 3, 'at most 100 entries in a command')
})

t.test(
  'P5: each caller of a command gets a separate error while entries are indeterminate',
  async (t) => {
    const { redis, store: it } = await start()
    await settle()
    redis.entries.set('frs:known', { value: '', endsAt: clock.now + 1_000 })
    redis.commands.length = 0
    const results = await Promise.allSettled(
      ['a', 'known', 'b', 'a'].map((name) => it.add(name, '', 1_000)),
    )
    t.match(results, [
      { reason: indeterminateFor(60) },
      { value: false },
      { reason: indeterminateFor(60) },
      { value: false },
    ])
    const [first, , third] = results as PromiseRejectedResult[]
    t.not(first?.reason, third?.reason)
    t.equal(scriptsIn(redis).length, 1)
    redis.onCommand = () => Promise.reject(new Error('NOPERM'))
    for (const result of await Promise.allSettled([it.add('c', '', 1), it.add('d', '', 1)])) {
      t.match(result, { reason: { message: 'NOPERM' } }, 'a failed command rejects all its entries')
    }
  },
)

t.test('P5: does not wait if only the replication id of the same master changes', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  // Redis draws another one when the first replica connects.
  redis.info.master_replid = 'd'.repeat(40)
  t.equal(await it.add('b', '', MAX_TTL_MS), true)
  t.equal(await it.add('a', '', MAX_TTL_MS), false)
  redis.commands.length = 0
  t.equal(await it.add('c', '', MAX_TTL_MS), true)
  t.equal(scriptsIn(redis).length, 1, 'knows the new one')
})

t.test('P5: rejects unknown entries of a master that was a replica in between', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  const { value: marker = '' } = redis.entries.get('frs:server') ?? {}
  // The process, its scripts and its connections remain. Its data are those of the other master,
  // which lacked the last entry, and to which no instance was connected.
  redis.entries.delete('frs:a')
  redis.info.master_replid2 = 'f2'
  await t.rejects(it.add('a', '', MAX_TTL_MS), indeterminateFor(60))
  t.not(redis.entries.get('frs:server')?.value, marker)
})

t.test('P5: rejects unknown entries of a replica that accepts writes', async (t) => {
  const { redis, client, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  const replica = server('c3')
  replica.entries = new Map(redis.entries)
  const info = String(await redis.execute(['INFO']))
  const [, replId = ''] = /^master_replid:(\w+)/m.exec(info) ?? []
  Object.assign(replica.info, { role: 'slave', master_replid: replId })
  t.equal(await it.add('b', '', MAX_TTL_MS), true, 'the replica lacks this entry')
  client.current = replica
  await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
})

t.test(
  'P5: knows which server was in use last, whether its last entry was new or known',
  async (t) => {
    for (const isNew of [true, false]) {
      const { redis, client, store: it } = await trustedStore()
      t.equal(await it.add('a', '', MAX_TTL_MS), true)
      const other = server('z9')
      clock.now += 10
      await (await anotherStore(other)).add('x', '', MAX_TTL_MS).catch(() => {})
      clock.now += MAX_TTL_MS + 1
      if (!isNew) t.equal(await (await anotherStore(redis)).add('b', '', MAX_TTL_MS), true)
      t.equal(await it.add('b', '', MAX_TTL_MS), isNew)
      clock.now += 10
      client.current = other
      await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
    }
  },
)

t.test('P5: rejects an entry that it added while another server began an epoch', async (t) => {
  const { redis, client, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  const other = server('z9')
  const late = await anotherStore(other)
  redis.onCommand = async () => {
    clock.now += 10
    await late.add('x', '', MAX_TTL_MS).catch(() => {})
    clock.now += 10
  }
  t.equal(await it.add('b', '', MAX_TTL_MS), true)
  clock.now += MAX_TTL_MS - 5
  client.current = other
  await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
})

t.test('P5: notices an eviction without a new connection', async (t) => {
  const { redis, store: it } = await trustedStore()
  t.equal(await it.add('a', '', MAX_TTL_MS), true)
  redis.info.evicted_keys = '11'
  clock.now += 1_001
  await t.rejects(it.add('b', '', MAX_TTL_MS), indeterminateFor(60))
})

t.test('P5: reads the whole epoch for each entry if Redis has no replication id', async (t) => {
  for (const replId of ['', '0'.repeat(40), 'not hexadecimal']) {
    const { redis, store: it } = await trustedStore()
    redis.info.master_replid = replId
    t.equal(await it.add('a', '', MAX_TTL_MS), true)
    t.equal(await it.add('b', '', MAX_TTL_MS), true)
    redis.info.run_id = 'e5'
    await t.rejects(it.add('c', '', MAX_TTL_MS), indeterminateFor(60), `"${replId}"`)
  }
})

t.test(
  'P5: an entry with a longer TTL than declared starts the wait that it requires',
  async (t) => {
    const { store: it } = await trustedStore()
    t.equal(await it.add('a', '', MAX_TTL_MS), true)
    await t.rejects(it.add('b', '', 2 * MAX_TTL_MS), indeterminateFor(60))
    clock.now += MAX_TTL_MS
    t.equal(await it.add('c', '', 2 * MAX_TTL_MS), true)
  },
)

t.test('P5: rejects a TTL that is not finite, and adds no entry', async (t) => {
  const { redis, store: it } = await trustedStore()
  const { size } = redis.entries
  for (const ttl of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await t.rejects(it.add('a', '', ttl), {
      name: 'TypeError',
      message: /^"ttl" must be a finite number/,
    })
  }
  t.equal(redis.entries.size, size)
  t.equal(await it.add('a', '', 0.5), true, 'a fraction of a millisecond is rounded up')
})
