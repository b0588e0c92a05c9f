/** A Redis that is killed, forgets, hangs and comes back, under load. */
import t from 'tap'
import type { Store } from '../../src/index.js'
import { names, storeOver } from './fixtures/clients.js'
import { beginLoad, type ProofLoad } from './fixtures/proof-load.js'
import { DURABLE, startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

async function until(what: () => boolean | Promise<boolean>, within = 15_000): Promise<boolean> {
  const end = performance.now() + within
  while (performance.now() < end) {
    if (await what()) return true
    await sleep(20)
  }
  return false
}

/** Whether something new was accepted since. */
function heals(load: ProofLoad): () => boolean {
  const before = load.accepted
  return () => load.accepted > before + 20
}

/** A proof is fresh for so long, in milliseconds. */
const FRESH_FOR = 3_000

for (const name of names) {
  t.test(`P5: ${name}: killed and restarted under load, nothing is accepted twice`, async (t) => {
    t.test('by a Redis that keeps all it was told, which goes on at once', async (t) => {
      const redis = await startRedis(t, DURABLE)
      const make = () =>
        storeOver(t, name, redis.url, { afterRestart: 'dangerouslyAccept', timeout: 2_000 })
      const load = beginLoad([await make(), await make()], FRESH_FOR)
      t.ok(await until(heals(load)))
      for (let i = 0; i < 3; i++) {
        await sleep(300)
        await redis.kill()
        const { failed } = load
        t.ok(await until(() => load.failed > failed + 20), 'while it is away nobody is let in')
        await redis.start()
        t.ok(await until(heals(load)), 'and without a restart of ours it goes on')
      }
      await load.stop()
      t.strictSame(load.twice, [])
      t.ok(load.replayed > 100, `${load.replayed} replays`)
    })

    t.test('by one that forgets everything, which refuses until nothing is left', async (t) => {
      const redis = await startRedis(t)
      const make = async (): Promise<Store> => {
        const store = await storeOver(t, name, redis.url, { timeout: 2_000 })
        store.declareMaxTtl?.(FRESH_FOR)
        return store
      }
      const load = beginLoad([await make(), await make()], FRESH_FOR)
      t.ok(await until(heals(load)))
      await sleep(500)
      // Late in a second: there the age of the next one, in whole seconds, errs the most.
      await sleep(1_000 - ((Date.now() + 80) % 1_000))
      await redis.kill()
      const killed = performance.now()
      await redis.start()
      t.ok(await until(heals(load)))
      t.ok(performance.now() - killed > FRESH_FOR, 'not sooner than all it forgot is stale')
      // An instance that is started later knows nothing of all this.
      const late = await make()
      t.equal(await late.add('late', '', FRESH_FOR), true)
      await load.stop()
      t.strictSame(load.twice, [])
      t.ok(load.replayed > 100, `${load.replayed} replays`)
    })
  })

  t.test(`${name}: one that hangs costs a deadline, and then nothing`, async (t) => {
    const redis = await startRedis(t)
    const timeout = 200
    const store = await storeOver(t, name, redis.url, {
      timeout,
      afterRestart: 'dangerouslyAccept',
    })
    t.equal(await store.add('before', '', 60_000), true)
    redis.hang()
    const began = performance.now()
    await t.rejects(store.add('during', '', 60_000), { message: /did not reply within 200 ms/ })
    t.ok(performance.now() - began < 1_000)
    const again = performance.now()
    for (let i = 0; i < 1_000; i++) await store.get('before').catch(() => {})
    t.ok(performance.now() - again < 200, 'no other waits for it')
    redis.resume()
    t.ok(
      await until(() =>
        store.get('before').then(
          (value) => value === '',
          () => false,
        ),
      ),
    )
    t.equal(await store.add('during', '', 60_000), false, 'what was late was not accepted')
  })

  t.test(`${name}: one that is away at the start is there when it comes`, async (t) => {
    const redis = await startRedis(t)
    await redis.kill()
    const store = await storeOver(t, name, redis.url, { timeout: 100 })
    await t.rejects(store.get('a'))
    const began = performance.now()
    for (let i = 0; i < 1_000; i++) await store.get('a').catch(() => {})
    await t.rejects(store.get('a'), { message: /not connected/ })
    t.ok(performance.now() - began < 1_000, 'and until then it fails at once')
    await redis.start()
    t.ok(
      await until(() =>
        store.get('a').then(
          () => true,
          () => false,
        ),
      ),
    )
  })

  t.test(`${name}: a subscription outlives the connection, and tells of the gap`, async (t) => {
    const redis = await startRedis(t)
    const store = await storeOver(t, name, redis.url)
    const heard: string[] = []
    let gaps = 0
    const end = await store.subscribe(
      'news',
      (message) => heard.push(message),
      () => gaps++,
    )
    await redis.kill()
    await sleep(100)
    await redis.start()
    t.ok(await until(() => gaps > 0))
    t.ok(
      await until(() =>
        store.publish('news', 'x').then(
          () => heard.length > 0,
          () => false,
        ),
      ),
    )
    await end()
    await redis.kill()
    await t.rejects(store.subscribe('news', t.fail, t.fail), { message: /SUBSCRIBE timed out/ })
  })
}

t.test('the load would see it if a proof was accepted twice', async (t) => {
  const redis = await startRedis(t)
  const store = await storeOver(t, 'ioredis', redis.url, { afterRestart: 'dangerouslyAccept' })
  const load = beginLoad([store], FRESH_FOR)
  t.ok(await until(heals(load)))
  await redis.kill()
  await redis.start()
  t.ok(await until(() => load.twice.length > 0), 'trusted without reason')
  await load.stop()
})
