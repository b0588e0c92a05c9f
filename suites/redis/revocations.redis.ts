/** Tests revocations on instances in separate processes that share a Redis. */
import { Redis } from 'ioredis'
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import { given, tokenOf } from '../../test/fixtures/protected-api.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { isRevokedAtNextRead, startInstance, untilRevoked } from './fixtures/instances.js'
import { startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

for (const name of clientNames) {
  t.test(`B7: ${name}: every instance rejects a revoked token after its next read`, async (t) => {
    const redis = await startRedis(t)
    const one = await startInstance(t, name, redis)
    const other = await startInstance(t, name, redis)
    const token = (jti: string) => tokenOf({ jti, sub: `user-of-${jti}` })
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map(token))
    for (const raw of [a, b, c, d])
      t.strictSame(await other.send({ verify: [raw as string] }), ['valid'])

    t.strictSame(await one.send({ revoke: [{ jti: 'a' }] }), ['done'])
    t.strictSame(
      await one.send({ verify: [a as string] }),
      ['revoked'],
      'on the revoking instance, immediately',
    )
    t.ok(await isRevokedAtNextRead(t, other, a as string))

    t.test('also an instance that starts later', async (t) => {
      await one.kill()
      const late = await startInstance(t, name, redis)
      t.strictSame(await late.send({ verify: [a as string] }), ['revoked'])
      t.strictSame(await late.send({ verify: [b as string] }), ['valid'])
      t.strictSame(await late.send({ revoke: [{ sub: 'user-of-b' }] }), ['done'])
      t.ok(await isRevokedAtNextRead(t, other, b as string))
    })

    t.test('also without messages', async (t) => {
      const admin = new Redis(redis.url)
      t.teardown(() => admin.disconnect())
      const writer = await createResourceServer({
        ...(given() as { issuer: string }),
        audience: given().audience as string,
        stores: { revocations: withoutMessages(await createStore(t, name, redis.url)) },
      })
      t.teardown(() => writer.close())
      await writer.revoke({ jti: 'c' })
      t.ok(await isRevokedAtNextRead(t, other, c as string))

      t.test('Redis does not reveal the users of revoked tokens', async (t) => {
        const all = await admin.keys('*')
        t.ok(all.filter((key) => key.startsWith('frs:revocation:')).length >= 3)
        for (const key of all) t.match(key, /^frs:(?:revocations|revocation:[\w-]{43})$/)
      })
    })

    t.test('also after a restart of Redis without its data', async (t) => {
      await redis.kill()
      t.strictSame(
        await other.send({ verify: [a as string] }),
        ['revoked'],
        'known revocations are enforced during the outage',
      )
      t.strictSame(await other.send({ verify: [d as string] }), ['valid'])
      t.strictSame(
        await other.send({ revoke: [{ jti: 'd' }] }),
        ['unavailable'],
        'revoke() rejects',
      )
      t.strictSame(
        await other.send({ verify: [d as string] }),
        ['revoked'],
        'and the instance still enforces the revocation',
      )
      const starting = startInstance(t, name, redis)
      await redis.start()
      await sleep(1_500)
      const lateInstance = await starting
      // The other instance writes them first.
      await untilRevoked(t, lateInstance, ...([a, b, c, d] as string[]))
    })
  })
}

t.test('B9: rejects tokens with 503 until the revocations are loaded', async (t) => {
  const redis = await startRedis(t)
  await redis.kill()
  const instance = await startInstance(t, 'ioredis', redis)
  const token = await tokenOf()
  t.strictSame(await instance.send({ verify: [token] }), ['unavailable'])
  await redis.start()
  for (let i = 0; i < 500; i++) {
    if ((await instance.send({ verify: [token] }))[0] === 'valid') return
    await sleep(10)
  }
  t.fail('still rejects tokens after the revocations are loaded')
})

/** Returns a store that publishes no messages. */
function withoutMessages(store: Awaited<ReturnType<typeof createStore>>): typeof store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'publish') return async () => {}
      const value = Reflect.get(target, property) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
