/** Tests a Redis that is killed, loses data, hangs and restarts, under load. */
import t from 'tap'
import type { Store } from '../../src/index.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { type ProofLoad, startLoad } from './fixtures/proof-load.js'
import { DURABLE, startRedis } from './fixtures/redis-server.js'
import { until } from './fixtures/until.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Returns a function that reports whether Redis accepted more than 20 entries since this call. */
function acceptsEntriesAgain(load: ProofLoad): () => boolean {
  const before = load.accepted
  return () => load.accepted > before + 20
}

/** Returns the different messages with which 1,000 calls reject. */
async function messagesOf(call: () => Promise<unknown>): Promise<string[]> {
  const messages = new Set<string>()
  for (let i = 0; i < 1_000; i++) {
    await call().then(
      () => messages.add('no error'),
      ({ message }: Error) => messages.add(message),
    )
  }
  return [...messages]
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
          const acceptedUntilStale = sleep(FRESH_FOR_MS).then(() => load.accepted)
          // Replies that arrived before the kill are read in this turn of the event loop.
          await new Promise(setImmediate)
          const { accepted } = load
          await redis.start()
          t.equal(await acceptedUntilStale, accepted, 'not before all lost entries are stale')
          t.ok(await until(acceptsEntriesAgain(load)))
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
      await t.rejects(store.add('during', '', 60_000), { message: /did not reply within 200 ms/ })
      t.strictSame(
        await messagesOf(() => store.get('before')),
        ['Redis has not replied to an earlier command'],
        'other calls send no command that they would wait for',
      )
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
      // Until then, calls send no command that they would wait for.
      const messages = await messagesOf(() => store.get('a'))
      t.ok(
        messages.every((message) => message.startsWith('Redis is not connected')),
        `${messages}`,
      )
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
