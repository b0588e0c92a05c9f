/** Revocations on instances in processes of their own, with one Redis. */
import { Redis } from 'ioredis'
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import { given, tokenOf } from '../../test/fixtures/protected-api.js'
import { names, storeOver } from './fixtures/clients.js'
import { refusedAfter, startInstance } from './fixtures/instances.js'
import { startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

for (const name of names) {
  t.test(`B7: ${name}: what one instance revokes, all refuse within a second`, async (t) => {
    const redis = await startRedis(t)
    const one = await startInstance(t, name, redis)
    const other = await startInstance(t, name, redis)
    const token = (jti: string) => tokenOf({ jti, sub: `user-of-${jti}` })
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map(token))
    for (const raw of [a, b, c, d])
      t.strictSame(await other.ask({ verify: [raw as string] }), ['good'])

    t.strictSame(await one.ask({ revoke: [{ jti: 'a' }] }), ['done'])
    t.strictSame(await one.ask({ verify: [a as string] }), ['revoked'], 'here at once')
    t.ok((await refusedAfter(other, a as string)) < 1_000)

    t.test('also on one that is started later, and one that was restarted', async (t) => {
      await one.kill()
      const late = await startInstance(t, name, redis)
      t.strictSame(await late.ask({ verify: [a as string] }), ['revoked'])
      t.strictSame(await late.ask({ verify: [b as string] }), ['good'])
      t.strictSame(await late.ask({ revoke: [{ sub: 'user-of-b' }] }), ['done'])
      t.ok((await refusedAfter(other, b as string)) < 1_000)
    })

    t.test('also if no message arrives', async (t) => {
      const admin = new Redis(redis.url)
      t.teardown(() => admin.disconnect())
      const writer = await createResourceServer({
        ...(given() as { issuer: string }),
        audience: given().audience as string,
        stores: { revocations: deaf(await storeOver(t, name, redis.url)) },
      })
      t.teardown(() => writer.close())
      await writer.revoke({ jti: 'c' })
      t.ok((await refusedAfter(other, c as string)) < 1_000)

      t.test('nobody who reads Redis learns who was revoked', async (t) => {
        const all = await admin.keys('*')
        t.ok(all.filter((key) => key.startsWith('frs:revocation:')).length >= 3)
        for (const key of all) t.match(key, /^frs:(?:revocations|revocation:[\w-]{43})$/)
      })
    })

    t.test('also after Redis was away, and forgot it all', async (t) => {
      await redis.kill()
      t.strictSame(
        await other.ask({ verify: [a as string] }),
        ['revoked'],
        'what is known stays in force',
      )
      t.strictSame(await other.ask({ verify: [d as string] }), ['good'])
      t.strictSame(await other.ask({ revoke: [{ jti: 'd' }] }), ['unavailable'], 'it says so')
      t.strictSame(await other.ask({ verify: [d as string] }), ['revoked'], 'and refuses here')
      const late = startInstance(t, name, redis)
      await redis.start()
      await sleep(1_500)
      const other2 = await late
      for (const raw of [a, b, c, d]) t.ok((await refusedAfter(other2, raw as string)) < 1_000)
    })
  })
}

t.test('B9: an instance that never learnt what was revoked gives no verdict', async (t) => {
  const redis = await startRedis(t)
  await redis.kill()
  const instance = await startInstance(t, 'ioredis', redis)
  const token = await tokenOf()
  t.strictSame(await instance.ask({ verify: [token] }), ['unavailable'])
  await redis.start()
  for (let i = 0; i < 500; i++) {
    if ((await instance.ask({ verify: [token] }))[0] === 'good') return
    await sleep(10)
  }
  t.fail('and heals when it can learn it')
})

/** A store that tells nobody. */
function deaf(store: Awaited<ReturnType<typeof storeOver>>): typeof store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'publish') return async () => {}
      const value = Reflect.get(target, property) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
