/** Replies of Redis, outages and deadlines. With a real server: `suites/redis`. */
import t from 'tap'
import { type RedisStoreOptions, redisStore } from '../../src/index.js'
import { connected, FakeIoRedis, FakeNodeRedis, FakeRedis } from '../fixtures/fake-redis.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

const CLIENTS = { ioredis: FakeIoRedis, 'node-redis': FakeNodeRedis }

/** A store without the replay-safe `add`, for which see `replay-safe-add.test.ts`. */
async function store(options: Partial<RedisStoreOptions> = {}, Client = FakeIoRedis) {
  const redis = new FakeRedis()
  const client = await connected(new Client(redis))
  const it = redisStore({ client, timeout: 100, afterRestart: 'dangerouslyAccept', ...options })
  return { redis, client, store: it }
}

for (const [name, Client] of Object.entries(CLIENTS)) {
  const make = (options: Partial<RedisStoreOptions> = {}) => store(options, Client as never)

  t.test(`${name}: adds, sets, gets and deletes under its prefix`, async (t) => {
    const { redis, store } = await make()
    t.equal(await store.add('a', '', 1_000), true)
    t.equal(await store.add('a', '', 1_000), false)
    await store.set('b', 'one', 1_000)
    t.equal(await store.get('b'), 'one')
    t.equal(await store.get('c'), undefined)
    await store.delete('b')
    t.equal(await store.get('b'), undefined)
    t.strictSame([...redis.entries.keys()], ['frs:a'])
  })

  t.test(
    `${name}: a subscription reports reconnections, and ends when it is unsubscribed`,
    async (t) => {
      const { redis, store } = await make()
      const received: string[] = []
      let gaps = 0
      let subscribed = 0
      redis.onCommand = (command) => {
        if (command === 'SUBSCRIBE') subscribed++
      }
      const end = await store.subscribe(
        'news',
        (message) => received.push(message),
        () => gaps++,
      )
      await store.publish('news', 'one')
      t.strictSame(received, ['one'])
      redis.restart()
      t.equal(gaps, 1)
      t.equal(subscribed, 1, 'the client resubscribes by itself')
      const [listening] = [...redis.clients].filter(({ channel }) => channel !== undefined)
      await end()
      t.equal(redis.clients.size, 1, 'closes its own connection only')
      listening?.receive('frs:news', 'late')
      listening?.emit('ready')
      t.strictSame([received, gaps], [['one'], 1], 'no callback runs afterwards')
    },
  )

  t.test(`${name}: a failed subscription closes its connection`, async (t) => {
    const { redis, store } = await make()
    redis.onCommand = () => Promise.reject(new Error('NOPERM'))
    await t.rejects(store.subscribe('news', t.fail, t.fail), { message: 'NOPERM' })
    redis.stop()
    await t.rejects(store.subscribe('news', t.fail, t.fail), {
      message: 'SUBSCRIBE timed out after 100 ms',
    })
    t.equal(redis.clients.size, 1)
  })
}

t.test('ends a subscription whose client throws instead of returning a promise', async (t) => {
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

t.test('clears the deadline timer of a settled command', async (t) => {
  const { store: it } = await store({ timeout: 30_000 })
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  await it.get('a')
  t.equal(timers(), before)
})

t.test(
  'each command has a deadline, and fails immediately while an earlier one is overdue',
  async (t) => {
    const { redis, store: it } = await store()
    let resume = () => {}
    redis.onCommand = () => new Promise<void>((resolve) => (resume = resolve))
    await t.rejects(it.get('a'), { message: 'Redis did not reply within 100 ms' })
    await t.rejects(it.get('a'), { message: 'Redis has not replied to an earlier command' })
    t.equal(redis.commands.length, 1)
    redis.onCommand = () => undefined
    resume()
    await new Promise((done) => setTimeout(done, 5))
    t.equal(await it.get('a'), undefined, 'succeeds after the late reply')
  },
)

t.test('overdue commands of a lost connection do not block the next connection', async (t) => {
  const { redis, client, store: it } = await store()
  // Like ioredis with "autoResendUnfulfilledCommands: false".
  client.call = () => new Promise(() => {})
  await t.rejects(it.get('a'), { message: 'Redis did not reply within 100 ms' })
  client.call = (...command) => redis.execute(command)
  await t.rejects(it.get('a'), { message: 'Redis has not replied to an earlier command' })
  redis.stop()
  redis.start()
  t.equal(await it.get('a'), undefined)

  client.call = () => new Promise(() => {})
  const rejected = t.rejects(it.get('a'), { message: 'Redis did not reply within 100 ms' })
  redis.stop()
  redis.start()
  client.call = (...command) => redis.execute(command)
  await rejected
  t.equal(await it.get('a'), undefined, 'also if the deadline passes after the reconnection')
})

t.test('waits once for the first connection, and never for a lost one', async (t) => {
  const redis = new FakeRedis()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client, timeout: 100 })
  const [one, other] = [it.get('a'), it.get('a')]
  await client.connect()
  t.strictSame(await Promise.all([one, other]), [undefined, undefined])
  redis.stop()
  await t.rejects(it.get('a'), { message: 'Redis is not connected' })

  const lost = new FakeRedis()
  const connected = new FakeIoRedis(lost)
  const store = redisStore({ client: connected, timeout: 100 })
  await connected.connect()
  t.equal(await store.get('a'), undefined)
  lost.stop()
  const queued: string[] = []
  connected.call = async (name) => void queued.push(name)
  for (let call = 0; call < 2; call++) {
    await t.rejects(store.get('a'), { message: 'Redis is not connected' })
  }
  t.strictSame(queued, [], 'the client would queue commands')

  const early = new FakeIoRedis(new FakeRedis())
  const unused = redisStore({ client: early, timeout: 50 })
  unused.declareMaxTtl?.(1_000)
  await sleep(80)
  const first = unused.get('a')
  await early.connect()
  t.equal(await first, undefined, 'the wait starts with the first call')

  const late = redisStore({ client: new FakeIoRedis(redis), timeout: 20 })
  await t.rejects(late.get('a'), { message: /did not reply within 20 ms/ })
  await t.rejects(late.get('a'), { message: 'Redis is not connected' })
})

t.test(
  'connects an ioredis client again that ended by itself while it was connecting',
  async (t) => {
    /** Ends like ioredis, whose member `manuallyClosing` is true after `disconnect()`. */
    class EndingClient extends FakeIoRedis {
      manuallyClosing = false
      isEnded = false
      override get status() {
        return this.isEnded ? 'end' : super.status
      }
      override async connect() {
        this.isEnded = false
        await super.connect()
      }
      end(...events: string[]) {
        this.isConnected = false
        this.isEnded = true
        for (const event of [...events, 'end']) this.emit(event)
      }
    }
    const make = async () => {
      const client = new EndingClient(new FakeRedis())
      const store = redisStore({ client })
      await client.connect()
      return { client, store }
    }
    const { client, store } = await make()
    client.end('close', 'reconnecting', 'connecting')
    await t.rejects(store.get('a'), { message: 'Redis is not connected' })
    await sleep(400)
    t.equal(await store.get('a'), undefined)

    const others = [await make(), await make(), await make()]
    const [closed, gaveUp, other] = others.map(({ client }) => client) as [
      EndingClient,
      EndingClient,
      EndingClient,
    ]
    closed.manuallyClosing = true
    closed.end('close', 'reconnecting', 'connecting')
    gaveUp.end('connecting', 'close')
    // Another client library, which has no such member.
    Object.defineProperty(other, 'manuallyClosing', { value: undefined })
    other.end('close', 'reconnecting', 'connecting')
    await sleep(400)
    t.strictSame(
      others.map(({ client }) => client.status),
      ['end', 'end', 'end'],
    )
  },
)

t.test('uses a client that connects with its first command', async (t) => {
  const redis = new FakeRedis()
  const client = new FakeIoRedis(redis)
  Object.defineProperty(client, 'status', { value: 'wait' })
  t.equal(await redisStore({ client }).get('a'), undefined)
})

t.test('rejects a reply of an unexpected type', async (t) => {
  const { redis, client, store: it } = await store()
  await it.set('revocation:a', '', 1_000)
  // Like a client that is configured to return buffers (node-redis: withTypeMapping).
  const asBuffers = (reply: unknown): unknown =>
    typeof reply === 'string'
      ? Buffer.from(reply)
      : Array.isArray(reply)
        ? reply.map(asBuffers)
        : reply
  client.call = async (...command) => asBuffers(await redis.execute(command))
  await t.rejects(it.get('revocation:a'), { message: /^Unexpected reply/ })
  for (const reply of [1, [], {}, undefined]) {
    client.call = async () => reply
    await t.rejects(it.get('revocation:a'), { message: /^Unexpected reply/ }, JSON.stringify(reply))
  }
})

t.test('passes on errors of Redis', async (t) => {
  const { redis, store: it } = await store()
  redis.onCommand = () => {
    throw new Error('LOADING')
  }
  await t.rejects(it.get('a'), { message: 'LOADING' })
  redis.onCommand = () => Promise.reject('no error')
  await t.rejects(it.get('a'))
})

t.test('rejects a TTL that is not finite', async (t) => {
  const { redis, store: it } = await store()
  for (const ttl of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await t.rejects(it.set('a', '', ttl), {
      name: 'TypeError',
      message: /^"ttl" must be a finite number/,
    })
  }
  t.equal(redis.entries.size, 0)
})

t.test(
  'rejects an unsupported client or invalid option with a TypeError that states the fix',
  async (t) => {
    const redis = new FakeRedis()
    const io = () => new FakeIoRedis(redis)
    const node = () => new FakeNodeRedis(redis)
    const withOwn = (client: object, name: string) =>
      Object.defineProperty(client, name, { value: undefined })
    const invalid: [string, unknown, RegExp][] = [
      ['nothing', {}, /^"client" of a Redis store must be a client of ioredis/],
      ['null', { client: null }, /must be a client of ioredis/],
      ['a URL', { client: 'redis://localhost' }, /must be a client of ioredis/],
      ['something else', { client: { call() {}, status: 'ready' } }, /must be a client of ioredis/],
      ['no status', { client: withOwn(io(), 'status') }, /must be a client of ioredis/],
      ['no isReady', { client: withOwn(node(), 'isReady') }, /must be a client of ioredis/],
      [
        'keyPrefix',
        { client: Object.assign(io(), { options: { keyPrefix: 'a' } }) },
        /"keyPrefix"/,
      ],
      ['prefix', { client: io(), prefix: 'a*' }, /^"prefix" of a store must be 1 to 64/],
      ['a prefix with more in front', { client: io(), prefix: '*a' }, /^"prefix" of a store must/],
      ['a list of prefixes', { client: io(), prefix: ['a'] }, /^"prefix" of a store must/],
      ['no prefix', { client: io(), prefix: '' }, /^"prefix" of a store/],
      [
        'timeout',
        { client: io(), timeout: 1 },
        /^"timeout" of a store must be a whole number of mill/,
      ],
      [
        'afterRestart',
        { client: io(), afterRestart: 'x' },
        /^"afterRestart" of a store must be 'rej/,
      ],
      ['unknown', { client: io(), ttl: 1 }, /^Unknown option "ttl" of a Redis store/],
      ['none', undefined, /^redisStore\(\) requires \{ client \}/],
    ]
    for (const [what, options, message] of invalid) {
      t.throws(() => redisStore(options as never), { name: 'TypeError', message }, what)
    }
  },
)

t.test('says why there is no connection', async (t) => {
  const refused = () => Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  const redis = new FakeRedis()
  const client = new FakeIoRedis(redis)
  const it = redisStore({ client, timeout: 20 })
  const first = it.get('a')
  client.emit('error', refused())
  const message = 'Redis is not connected: Redis failed: ECONNREFUSED'
  await t.rejects(first, { message })
  await t.rejects(it.get('a'), { message })
  await client.connect()
  t.equal(await it.get('a'), undefined)
  redis.stop()
  await t.rejects(it.get('a'), { message: 'Redis is not connected' }, 'the error is outdated')
  client.emit('error', new Error('connect ETIMEDOUT //user:secret@redis:6379'))
  await t.rejects(it.get('a'), {
    message: 'Redis is not connected: connect ETIMEDOUT //…@redis:6379',
  })

  client.duplicate = () => {
    const copy = new FakeIoRedis(redis)
    copy.connect = async () => {
      copy.emit('error', refused())
    }
    return copy
  }
  const nothing = () => {}
  await t.rejects(it.subscribe('news', nothing, nothing), {
    message: 'SUBSCRIBE timed out after 20 ms: Redis failed: ECONNREFUSED',
  })
})
