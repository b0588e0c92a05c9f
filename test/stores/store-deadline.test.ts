/** Deadlines of store calls: a call that never settles counts as failed. */
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  redisStore,
  type Store,
} from '../../src/index.js'
import { observedStore, StoreHealth } from '../../src/stores/observed-store.js'
import { proofFor } from '../fixtures/bound-token.js'
import { connected, FakeIoRedis, FakeRedis } from '../fixtures/fake-redis.js'
import { type FaultyStore, faultyStore, revocationsIn } from '../fixtures/faulty-store.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

const LATE = { message: 'store call did not settle within 5000 ms', code: undefined }
const UNAVAILABLE = { name: 'StoreUnavailableError', statusCode: 503 }
const METHODS = ['add', 'mergeRevocations', 'revocationsSince', 'listRevocations'] as const
const REVOCATION = { name: 'n'.repeat(43), before: 1, lastIssued: 1, ttl: 60_000 }

/** Lets promises settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

const CALLS: Record<string, (store: Store) => Promise<unknown>> = {
  add: (store) => store.add('a', '', 60_000),
  mergeRevocations: (store) => store.mergeRevocations([REVOCATION]),
  revocationsSince: (store) => store.revocationsSince(undefined),
  listRevocations: (store) => revocationsIn(store),
  publish: (store) => store.publish('a', ''),
  subscribe: (store) => store.subscribe('a', t.fail, t.fail),
}

function withFakeTime(t: Test): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
}

/** Advances the clock in steps, because the deadline does not count stalls of the event loop. */
function pass(milliseconds: number): void {
  for (let passed = 0; passed < milliseconds; passed += 10) mock.timers.tick(10)
}

for (const [method, call] of Object.entries(CALLS)) {
  t.test(`${method} that never settles fails after five seconds`, async (t) => {
    withFakeTime(t)
    const inner = faultyStore()
    const health = new StoreHealth()
    const store = observedStore(inner, health, false)
    inner.hanging.add(method)
    let isSettled = false
    const calling = call(store).finally(() => {
      isSettled = true
    })
    const rejected = t.rejects(calling, LATE)
    await settle()
    pass(4_900)
    await settle()
    t.notOk(isSettled, 'not sooner')
    pass(100)
    await rejected
    const affectsHealth = (METHODS as readonly string[]).includes(method)
    t.equal(health.state, affectsHealth ? 'unavailable' : 'unused')
    t.equal(health.lastError, affectsHealth ? LATE.message : undefined)
    inner.hanging.clear()
    await call(store)
    t.equal(health.state, affectsHealth ? 'available' : 'unused')
  })
}

t.test('a slice that never arrives ends the list after the earlier slices', async (t) => {
  withFakeTime(t)
  const inner = memoryStore()
  const store = Object.assign(inner, {
    async *listRevocations() {
      yield [REVOCATION]
      await new Promise(() => {})
    },
  })
  const listed: unknown[] = []
  const listing = (async () => {
    for await (const slice of observedStore(store, new StoreHealth(), false).listRevocations()) {
      listed.push(slice)
    }
  })()
  const rejected = t.rejects(listing, LATE)
  await settle()
  pass(5_000)
  await rejected
  t.strictSame(listed, [[REVOCATION]])
})

t.test('ends a list that is not read to its end', async (t) => {
  let ended = 0
  const store = Object.assign(memoryStore(), {
    async *listRevocations() {
      try {
        for (;;) yield [REVOCATION]
      } finally {
        ended++
        // A rejection that no caller awaits.
        await Promise.reject(new Error('no end'))
      }
    },
  })
  for await (const _ of observedStore(store, new StoreHealth(), false).listRevocations()) break
  await settle()
  t.equal(ended, 1)
})

t.test('each slice has its own deadline', async (t) => {
  withFakeTime(t)
  const store = Object.assign(memoryStore(), {
    async *listRevocations() {
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, 3_000))
        yield [REVOCATION]
      }
    },
  })
  const listing = revocationsIn(observedStore(store, new StoreHealth(), false))
  for (let i = 0; i < 40; i++) {
    await settle()
    pass(300)
  }
  t.equal((await listing).length, 4)
})

t.test('ends a subscription that is made after its deadline', async (t) => {
  withFakeTime(t)
  for (const comes of [true, false]) {
    let ended = 0
    let settleLate: () => void = t.fail
    const store: Store = Object.assign(faultyStore(), {
      subscribe: () =>
        new Promise<() => Promise<void>>((resolve, reject) => {
          settleLate = () => (comes ? resolve(async () => void ended++) : reject(new Error('late')))
        }),
    })
    const subscribing = observedStore(store, new StoreHealth(), false).subscribe(
      'a',
      t.fail,
      t.fail,
    )
    const rejected = t.rejects(subscribing, LATE)
    await settle()
    pass(5_000)
    await rejected
    settleLate()
    await settle()
    t.equal(ended, comes ? 1 : 0)
  }
})

t.test('get, set and delete have no deadline here, because their caller has one', async (t) => {
  withFakeTime(t)
  const inner = faultyStore()
  const store = observedStore(inner, new StoreHealth(), false)
  let settled = 0
  for (const method of ['get', 'set', 'delete'] as const) {
    inner.hanging.add(method)
    store[method]('a', '', 1_000).finally(() => settled++)
  }
  pass(60_000)
  await settle()
  t.equal(settled, 0)
})

t.test('uses callTimeout of the store, and rejects an invalid one', async (t) => {
  withFakeTime(t)
  const inner = Object.assign(faultyStore(), { callTimeout: 200 })
  inner.hanging.add('add')
  const adding = observedStore(inner, new StoreHealth(), false).add('a', '', 60_000)
  const rejected = t.rejects(adding, { message: /did not settle within 200 ms/ })
  await settle()
  pass(200)
  await rejected
  for (const callTimeout of [0, 9, 600_001, 10.5, Number.NaN, '5000', null]) {
    const store = Object.assign(memoryStore(), { callTimeout }) as unknown as Store
    await t.rejects(
      createResourceServer({
        ...(given() as ResourceServerOptions),
        stores: { revocations: store },
      }),
      {
        name: 'TypeError',
        message: /"stores\.revocations\.callTimeout" .*milliseconds from 10 to 600000/,
      },
    )
  }
})

t.test(
  'callTimeout of a Redis store is longer than the deadlines of all its commands',
  async (t) => {
    for (const timeout of [10, 500, 30_000]) {
      const store = redisStore({
        client: await connected(new FakeIoRedis(new FakeRedis())),
        timeout,
      })
      t.ok((store.callTimeout as number) > 4 * timeout)
      t.ok((store.callTimeout as number) <= 600_000)
    }
  },
)

async function serverOver(t: Test, store: FaultyStore, options: Partial<ResourceServerOptions>) {
  const warnings: unknown[] = []
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    logger: { warn: (details) => void warnings.push(details) },
    ...options,
  })
  t.teardown(() => {
    store.hanging.clear()
    return server.close()
  })
  return Object.assign(server, { warnings })
}

t.test('a request with a proof gets 503 if the replay store does not settle', async (t) => {
  const store = Object.assign(faultyStore(), { callTimeout: 50 })
  const server = await serverOver(t, store, { stores: { replay: store }, dpop: 'allowed' })
  store.hanging.add('add')
  await t.rejects(server.verify(await proofFor()), UNAVAILABLE)
  store.hanging.clear()
  await server.verify(await proofFor())
})

t.test('logs that revocations cannot be read, and reads them later', async (t) => {
  const store = Object.assign(faultyStore(), { callTimeout: 50, losesMessages: true })
  const server = await serverOver(t, store, { stores: { revocations: store } })
  const other = await serverOver(t, store, { stores: { revocations: store } })
  t.strictSame(server.warnings, [])
  store.hanging.add('revocationsSince')
  for (let i = 0; server.warnings.length === 0 && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal(server.warnings.length, 1)
  t.match(server.storeStatus(), [
    { state: 'unavailable', lastError: /did not settle within 50 ms/ },
  ])
  await other.revoke({ jti: 'a' })
  store.hanging.clear()
  const token = await tokenOf({ jti: 'a' })
  for (let i = 0; i < 200; i++) {
    const isValid = await server.verify(token).then(
      () => true,
      () => false,
    )
    if (!isValid) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await t.rejects(server.verify(token), {
    name: 'InvalidTokenError',
    check: 'revocation',
  })

  store.hanging.add('mergeRevocations')
  await t.rejects(server.revoke({ jti: 'b' }), UNAVAILABLE)
})
