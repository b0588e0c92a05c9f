/** Status of the stores, for readiness probes. */
import t, { type Test } from 'tap'
import { createResourceServer, memoryStore, type ResourceServerOptions } from '../../src/index.js'
import { observedStore, StoreHealth } from '../../src/stores/observed-store.js'
import { proofFor } from '../fixtures/bound-token.js'
import { faultyStore, revocationsIn } from '../fixtures/faulty-store.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

async function start(t: Test, options: Partial<ResourceServerOptions>) {
  const server = await createResourceServer({ ...(given() as ResourceServerOptions), ...options })
  t.teardown(() => server.close())
  return server
}

t.test('is empty without stores', async (t) => {
  t.strictSame((await start(t, {})).storeStatus(), [])
})

t.test('reports that all requests are rejected until the revocations are loaded', async (t) => {
  const store = faultyStore()
  store.failing.add('revocationsSince')
  const server = await start(t, { stores: { revocations: store } })
  const accepting = await start(t, {
    stores: { revocations: store },
    revocations: { untilLoaded: 'dangerouslyAccept' },
  })
  const away = { use: 'revocations', state: 'unavailable', lastError: 'no revocationsSince' }
  t.match(server.storeStatus(), [{ ...away, rejects: 'all', pending: 0 }])
  t.match(accepting.storeStatus(), [{ ...away, rejects: 'none' }])
  t.match(server.keySetStatus(), [{ state: 'static' }], 'the status of the keys is independent')
  await t.rejects(server.verify(await tokenOf()), { name: 'StoreUnavailableError' })

  store.failing.clear()
  await new Promise((resolve) => setTimeout(resolve, 700))
  t.strictSame(server.storeStatus(), [
    { use: 'revocations', state: 'available', rejects: 'none', pending: 0, lastError: undefined },
  ])
  await server.verify(await tokenOf())

  store.failing.add('mergeRevocations')
  await t.rejects(server.revoke({ sub: 'ada' }), { name: 'StoreUnavailableError' })
  t.match(server.storeStatus(), [{ state: 'unavailable', rejects: 'none', pending: 1 }])
})

t.test('reports which requests are rejected while the replay store is unavailable', async (t) => {
  for (const [whenUnavailable, rejects] of [
    ['reject', 'proofs'],
    ['dangerouslyAccept', 'none'],
  ] as const) {
    const store = faultyStore()
    const server = await start(t, {
      stores: { replay: store },
      dpop: { replay: { whenUnavailable } },
    })
    t.match(server.storeStatus(), [{ use: 'replay', state: 'unused', rejects: 'none' }])
    await server.verify(await proofFor())
    t.match(server.storeStatus(), [{ state: 'available', rejects: 'none' }])
    store.add = () => Promise.reject('no error')
    await server.verify(await proofFor()).catch(() => {})
    t.match(server.storeStatus(), [{ state: 'unavailable', rejects, lastError: 'no reason given' }])
  }
})

t.test('reports that an outage of the introspection store rejects no request', async (t) => {
  const store = memoryStore()
  const server = await start(t, {
    introspection: { clientId: 'a', clientSecret: 'b', endpoint: 'https://issuer.example/ask' },
    stores: { introspection: store, sealingSecret: 's'.repeat(32) },
  })
  t.match(server.storeStatus(), [{ use: 'introspection', state: 'unused', rejects: 'none' }])
})

t.test('an observed store passes every call to the store', async (t) => {
  const longest: number[] = []
  const store = Object.assign(faultyStore(), { declareMaxTtl: (ttl: number) => longest.push(ttl) })
  const health = new StoreHealth()
  const observed = observedStore(store, health, false)
  t.equal(await observed.add('a', 'one', 60_000), true)
  t.equal(await observed.get('a'), 'one')
  await observed.set('a', 'two', 60_000)
  t.equal(await observed.get('a'), 'two')
  await observed.delete('a')
  t.equal(await observed.get('a'), undefined)
  const received: string[] = []
  const end = await observed.subscribe('b', (message) => received.push(message), t.fail)
  await observed.publish('b', 'news')
  await end()
  t.strictSame(received, ['news'])
  await observed.mergeRevocations([{ name: 'n', before: 1, lastIssued: 1, ttl: 60_000 }])
  t.ok(await observed.revocationsSince(undefined))
  t.equal((await revocationsIn(observed)).length, 1)
  observed.declareMaxTtl?.(5)
  observedStore(memoryStore(), health, false).declareMaxTtl?.(5)
  t.strictSame(longest, [5])
  t.equal(health.state, 'available')
})
