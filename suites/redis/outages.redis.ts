/** Tests a Redis that is killed, loses data, hangs and restarts, under load. */
import t from 'tap'
import type { Store } from '../../src/index.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { type ProofLoad, startLoad } from './fixtures/proof-load.js'
import { DURABLE, startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    if (await condition()) return true
    await sleep(20)
  }
  return false
}

/** Returns a function that reports whether Redis accepted more than 20 entries since this call. */
function acceptsEntriesAgain(load: ProofLoad): () => boolean {
  const before = load.accepted
  return () => load.accepted > before + 20
}

/** How long a proof is fresh, in milliseconds. */
const FRESH_FOR_MS = 3_000

for (const name of clientNames) {
  t.test(
    `P5: ${name}: accepts no entry twice if Redis is killed and restarted under load`,
    async (t) => {
      t.test('a durable Redis, which accepts entries immediately after the restart', async (t) => {
        const redis = await startRedis(t, DURABLE)
        const make = () =>
          createStore(t, name, redis.url, { afterRestart: 'dangerouslyAccept', timeout: 2_000 })
        const load = startLoad([await make(), await make()], FRESH_FOR_MS)
        t.ok(await until(acceptsEntriesAgain(load)))
        for (let i = 0; i < 3; i++) {
          await sleep(300)
          await redis.kill()
          const { failed } = load
          t.ok(await until(() => load.failed > failed + 20), 'calls fail during the outage')
          await redis.start()
          t.ok(await until(acceptsEntriesAgain(load)), 'recovers without a restart of the API')
        }
        await load.stop()
        t.strictSame(load.acceptedTwice, [])
        t.ok(load.replayed > 100, `${load.replayed} replays`)
      })

      t.test(
        'a Redis without persistence, which rejects entries until all lost ones are stale',
        async (t) => {
          const redis = await startRedis(t)
          const make = async (): Promise<Store> => {
            const store = await createStore(t, name, redis.url, { timeout: 2_000 })
            store.declareMaxTtl?.(FRESH_FOR_MS)
            return store
          }
          const load = startLoad([await make(), await make()], FRESH_FOR_MS)
          t.ok(await until(acceptsEntriesAgain(load)))
          await sleep(500)
          // Kills Redis late in a second, when its uptime in whole seconds is least exact.
          await sleep(1_000 - ((Date.now() + 80) % 1_000))
          await redis.kill()
          const killed = performance.now()
          await redis.start()
          t.ok(await until(acceptsEntriesAgain(load)))
          t.ok(performance.now() - killed > FRESH_FOR_MS, 'not before all lost entries are stale')
          // An instance that starts later uses the marker in Redis.
          const late = await make()
          t.equal(await late.add('late', '', FRESH_FOR_MS), true)
          await load.stop()
          t.strictSame(load.acceptedTwice, [])
          t.ok(load.replayed > 100, `${load.replayed} replays`)
        },
      )
    },
  )

  t.test(
    `${name}: a Redis that hangs delays one call until its deadline, and no others`,
    async (t) => {
      const redis = await startRedis(t)
      const timeout = 200
      const store = await createStore(t, name, redis.url, {
        timeout,
        afterRestart: 'dangerouslyAccept',
      })
      t.equal(await store.add('before', '', 60_000), true)
      redis.hang()
      const startedAt = performance.now()
      await t.rejects(store.add('during', '', 60_000), { message: /did not reply within 200 ms/ })
      t.ok(performance.now() - startedAt < 1_000)
      const laterStartedAt = performance.now()
      for (let i = 0; i < 1_000; i++) await store.get('before').catch(() => {})
      t.ok(performance.now() - laterStartedAt < 200, 'other calls fail immediately')
      redis.resume()
      t.ok(
        await until(() =>
          store.get('before').then(
            (value) => value === '',
            () => false,
          ),
        ),
      )
      t.equal(
        await store.add('during', '', 60_000),
        false,
        'the late command took effect, and its entry is known',
      )
    },
  )

  t.test(
    `${name}: uses a Redis that is unreachable at the start as soon as it is up`,
    async (t) => {
      const redis = await startRedis(t)
      await redis.kill()
      const store = await createStore(t, name, redis.url, { timeout: 100 })
      await t.rejects(store.get('a'))
      const startedAt = performance.now()
      for (let i = 0; i < 1_000; i++) await store.get('a').catch(() => {})
      await t.rejects(store.get('a'), { message: /not connected/ })
      t.ok(performance.now() - startedAt < 1_000, 'until then, calls fail immediately')
      await redis.start()
      t.ok(
        await until(() =>
          store.get('a').then(
            () => true,
            () => false,
          ),
        ),
      )
    },
  )

  t.test(`${name}: a subscription survives a reconnection, and reports the gap`, async (t) => {
    const redis = await startRedis(t)
    const store = await createStore(t, name, redis.url)
    const received: string[] = []
    let gaps = 0
    const end = await store.subscribe(
      'news',
      (message) => received.push(message),
      () => gaps++,
    )
    await redis.kill()
    await sleep(100)
    await redis.start()
    t.ok(await until(() => gaps > 0))
    t.ok(
      await until(() =>
        store.publish('news', 'x').then(
          () => received.length > 0,
          () => false,
        ),
      ),
    )
    await end()
    await redis.kill()
    await t.rejects(store.subscribe('news', t.fail, t.fail), { message: /SUBSCRIBE timed out/ })
  })
}

t.test('the load detects a proof that is accepted twice', async (t) => {
  const redis = await startRedis(t)
  const store = await createStore(t, 'ioredis', redis.url, { afterRestart: 'dangerouslyAccept' })
  const load = startLoad([store], FRESH_FOR_MS)
  t.ok(await until(acceptsEntriesAgain(load)))
  await redis.kill()
  await redis.start()
  t.ok(await until(() => load.acceptedTwice.length > 0), 'a Redis without persistence was trusted')
  await load.stop()
})
