/** On close, pending revocations are written, or the loss is logged. */
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  redisStore,
} from '../../src/index.js'
import { connected, FakeIoRedis, FakeRedis } from '../fixtures/fake-redis.js'
import { fakeTimers } from '../fixtures/fake-timers.js'
import { faultyStore, revocationsIn } from '../fixtures/faulty-store.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'

const UNAVAILABLE = { name: 'StoreUnavailableError' }
const LOST = /^revocations not shared before shutdown/

async function instance(t: Test, store = faultyStore()) {
  const lines: [details: { revocations?: number }, message: string][] = []
  const log = (details: object, message: string) => void lines.push([details, message])
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    stores: { revocations: store },
    logger: { warn: log, error: log },
  })
  t.teardown(() => server.close())
  return { server, store, lost: () => lines.filter(([, message]) => LOST.test(message)) }
}

t.test(
  'writes pending revocations before an onClose hook of the application disconnects the client',
  async (t) => {
    const redis = new FakeRedis()
    const client = await connected(new FakeIoRedis(redis))
    const app = Fastify()
    await app.register(resourceServer, {
      ...given(),
      stores: { revocations: redisStore({ client }) },
    })
    app.addHook('onClose', async () => client.disconnect())
    await app.ready()
    redis.onCommand = (command) => {
      if (command.startsWith('EVAL')) throw new Error('NOREPLICAS')
    }
    for (let i = 0; i < 1_200; i++) app.resourceServer.revoke({ sub: `user-${i}` })
    await t.rejects(app.resourceServer.revoke({ sub: 'eve' }), UNAVAILABLE)
    redis.onCommand = () => undefined
    await app.close()
    t.equal(
      [...redis.entries.keys()].filter((key) => key.startsWith('frs:revocation:')).length,
      1_201,
    )
  },
)

t.test('a request that is served while the API closes can revoke', async (t) => {
  const store = memoryStore()
  const app = Fastify()
  await app.register(resourceServer, { ...given(), stores: { revocations: store } })
  let closing: Promise<unknown> | undefined
  app.get('/logout', async (request) => {
    closing = app.close()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await app.resourceServer.revoke({ sub: request.claims.sub as string })
    return 'out'
  })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { ...bearer(await tokenOf()), connection: 'close' }
  const response = await fetch(`${address}/logout`, { headers })
  t.equal(response.status, 200)
  await closing
  t.equal((await revocationsIn(store)).length, 1)
})

t.test('retries after a transient failure of the store', async (t) => {
  const { server, store, lost } = await instance(t)
  store.failing.add('mergeRevocations')
  await t.rejects(server.revoke({ sub: 'ada' }), UNAVAILABLE)
  const closing = server.close()
  setTimeout(() => store.failing.clear(), 300)
  await closing
  t.equal((await revocationsIn(store)).length, 1)
  t.strictSame(lost(), [])
})

t.test('logs how many revocations could not be written', async (t) => {
  const timers = fakeTimers(t)
  for (const fault of ['failing', 'hanging'] as const) {
    const { server, store, lost } = await instance(t)
    store.failing.add('mergeRevocations')
    for (const sub of ['ada', 'bob', 'ada']) await t.rejects(server.revoke({ sub }), UNAVAILABLE)
    store.failing.clear()
    store[fault].add('mergeRevocations')
    t.equal(await timers.advanceUntil(server.close()), 2_000, `${fault}: without progress for 2 s`)
    await server.close()
    t.match(lost(), [[{ revocations: 2 }, LOST]], fault)
    t.equal(lost().length, 1)
  }
})

t.test('close does not wait for a subscription that does not end', async (t) => {
  const store = faultyStore()
  store.subscribe = async () => () => new Promise(() => {})
  const timers = fakeTimers(t)
  const { server } = await instance(t, store)
  t.equal(await timers.advanceUntil(server.close()), 2_000)
})

t.test('does not count revocations that another instance has written as lost', async (t) => {
  const inner = memoryStore()
  const [one, other] = [
    await instance(t, faultyStore(inner)),
    await instance(t, faultyStore(inner)),
  ]
  one.store.failing.add('mergeRevocations')
  const revoking = one.server.revoke({ sub: 'ada' })
  await t.rejects(revoking, UNAVAILABLE)
  await t.rejects(one.server.revoke({ sub: 'bob', before: 2_000 }), UNAVAILABLE)
  await other.server.revoke({ sub: 'ada', before: Number.POSITIVE_INFINITY })
  await other.server.revoke({ sub: 'bob', before: 1_000 })
  await new Promise((resolve) => setTimeout(resolve, 700))
  await one.server.close()
  t.match(one.lost(), [[{ revocations: 1 }, LOST]], 'only the wider revocation is lost')
})
