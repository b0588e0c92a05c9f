/** Errors of a Redis client without stored data, and the listeners that stores add to a client. */
import type { EventEmitter } from 'node:events'
import t from 'tap'
import { redisStore } from '../../src/index.js'
import { RedisError } from '../../src/stores/redis-error.js'
import { connected, FakeIoRedis, FakeNodeRedis, FakeRedis } from '../fixtures/fake-redis.js'

/** Returns an error as ioredis and node-redis create it. */
function replyError(message: string) {
  return Object.assign(new Error(message), {
    command: { name: 'set', args: ['frs:dpop:HASH', 'VALUE'] },
    previousErrors: [new Error('VALUE')],
  })
}

for (const Client of [FakeIoRedis, FakeNodeRedis] as const) {
  t.test(
    `${Client.name}: errors of a store contain neither a command nor its arguments`,
    async (t) => {
      const redis = new FakeRedis()
      const store = redisStore({ client: await connected(new Client(redis)) })
      redis.onCommand = () => Promise.reject(replyError('OOM command not allowed'))
      for (const call of [
        () => store.get('dpop:HASH'),
        () => store.set('dpop:HASH', 'VALUE', 1_000),
        () => store.add('dpop:HASH', 'VALUE', 1_000),
        () => store.publish('dpop:HASH', 'VALUE'),
        () => store.mergeRevocations([{ name: 'HASH', before: 1, lastIssued: 1, ttl: 1 }]),
        () => store.subscribe('HASH', t.fail, t.fail),
      ]) {
        const error = await call().then(
          () => new RedisError('the call did not fail'),
          (error: unknown) => error as RedisError,
        )
        t.match(error, { name: 'RedisError', code: 'OOM', message: 'OOM command not allowed' })
        t.notOk('command' in error)
        const all = Object.getOwnPropertyNames(error).filter((name) => name !== 'stack')
        const shown = JSON.stringify(
          Object.fromEntries(all.map((name) => [name, error[name as never]])),
        )
        t.notMatch(shown, /HASH|VALUE/)
      }
    },
  )

  t.test(`${Client.name}: six stores on one client add one listener to each event`, async (t) => {
    const redis = new FakeRedis()
    const client = new Client(redis)
    const stores = Array.from({ length: 6 }, () => redisStore({ client, timeout: 100 }))
    for (const event of ['ready', 'error']) {
      t.equal((client as unknown as EventEmitter).listenerCount(event), 1, event)
    }
    const waiting = stores.map((store) => store.get('a'))
    await client.connect()
    t.strictSame(
      await Promise.all(waiting),
      stores.map(() => undefined),
      'each store is notified',
    )
  })
}

t.test('an error states the cause, without the data that was sent', async (t) => {
  const unreadable = {
    get message(): never {
      throw new Error('unreadable')
    },
  }
  for (const [error, message, code] of [
    [
      new Error("ERR unknown command 'XADD', with args beginning with: 'frs:x' 'VALUE'\n'more'"),
      "ERR unknown command 'XADD'",
      'ERR',
    ],
    [
      new Error('ERR unknown command `XADD` with args beginning with: `x`'),
      'ERR unknown command `XADD`',
      'ERR',
    ],
    [
      Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }),
      /: ECONNREFUSED$/,
      'ECONNREFUSED',
    ],
    [Object.assign(new Error('gone'), { code: { secret: 1 } }), 'gone', undefined],
    [new Error('x '.repeat(500)), 'x '.repeat(250), undefined],
    [new Error(`WRONGTYPE frs:dpop:${'h'.repeat(43)}`), 'WRONGTYPE frs:dpop:…', 'WRONGTYPE'],
    ['no error', /no reason given/, undefined],
    [undefined, /no reason given/, undefined],
    [unreadable, /no reason given/, undefined],
  ] as const) {
    t.match(new RedisError(error), { message, code })
  }
})
