/** Revocations on instances in separate processes with one Redis. */
import { Redis } from 'ioredis'
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import { given, tokenOf } from '../../test/fixtures/protected-api.js'
import { names, storeOver } from './fixtures/clients.js'
import { rejectedAfter, startInstance } from './fixtures/instances.js'
import { startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

for (const name of names) {
  t.test(`B7: ${name}: every instance rejects a revoked token within a second`, async (t) => {
    const redis = await startRedis(t)
    const one = await startInstance(t, name, redis)
    const other = await startInstance(t, name, redis)
    const token = (jti: string) => tokenOf({ jti, sub: `user-of-${jti}` })
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map(token))
    for (const raw of [a, b, c, d])
      t.strictSame(await other.ask({ verify: [raw as string] }), ['valid'])

    t.strictSame(await one.ask({ revoke: [{ jti: 'a' }] }), ['done'])
    t.strictSame(await one.ask({ verify: [a as string] }), ['revoked'], 'here immediately')
    t.ok((await rejectedAfter(other, a as string)) < 1_000)

    t.test('also an instance that starts later', async (t) => {
      await one.kill()
      const late = await startInstance(t, name, redis)
      t.strictSame(await late.ask({ verify: [a as string] }), ['revoked'])
      t.strictSame(await late.ask({ verify: [b as string] }), ['valid'])
      t.strictSame(await late.ask({ revoke: [{ sub: 'user-of-b' }] }), ['done'])
      t.ok((await rejectedAfter(other, b as string)) < 1_000)
    })

    t.test('also without messages', async (t) => {
      const admin = new Redis(redis.url)
      t.teardown(() => admin.disconnect())
      const writer = await createResourceServer({
        ...(given() as { issuer: string }),
        audience: given().audience as string,
        stores: { revocations: withoutMessages(await storeOver(t, name, redis.url)) },
      })
      t.teardown(() => writer.close())
      await writer.revoke({ jti: 'c' })
      t.ok((await rejectedAfter(other, c as string)) < 1_000)

      t.test('Redis does not reveal whose tokens are revoked', async (t) => {
        const all = await admin.keys('*')
        t.ok(all.filter((key) => key.startsWith('frs:revocation:')).length >= 3)
        for (const key of all) t.match(key, /^frs:(?:revocations|revocation:[\w-]{43})$/)
      })
    })

    t.test('also after a restart of Redis without its data', async (t) => {
      await redis.kill()
      t.strictSame(
        await other.ask({ verify: [a as string] }),
        ['revoked'],
        'known revocations are enforced during the outage',
      )
      t.strictSame(await other.ask({ verify: [d as string] }), ['valid'])
      t.strictSame(await other.ask({ revoke: [{ jti: 'd' }] }), ['unavailable'], 'revoke() rejects')
      t.strictSame(await other.ask({ verify: [d as string] }), ['revoked'], 'and applies here')
      const late = startInstance(t, name, redis)
      await redis.start()
      await sleep(1_500)
      const other2 = await late
      for (const raw of [a, b, c, d]) t.ok((await rejectedAfter(other2, raw as string)) < 1_000)
    })
  })
}

t.test('B9: rejects tokens with 503 until the revocations are loaded', async (t) => {
  const redis = await startRedis(t)
  await redis.kill()
  const instance = await startInstance(t, 'ioredis', redis)
  const token = await tokenOf()
  t.strictSame(await instance.ask({ verify: [token] }), ['unavailable'])
  await redis.start()
  for (let i = 0; i < 500; i++) {
    if ((await instance.ask({ verify: [token] }))[0] === 'valid') return
    await sleep(10)
  }
  t.fail('tokens are rejected after the revocations are loaded')
})

/** Returns a store that publishes no messages. */
function withoutMessages(store: Awaited<ReturnType<typeof storeOver>>): typeof store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'publish') return async () => {}
      const value = Reflect.get(target, property) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
