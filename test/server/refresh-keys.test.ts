/** K: refreshing the keys of every instance through the store. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createResourceServer, memoryStore, type ResourceServerOptions } from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { eventually } from '../fixtures/eventually.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { given } from '../fixtures/protected-api.js'
import { REMOVED_KEY, untilRejected } from '../fixtures/removed-key.js'

const EVERYWHERE = { everywhere: true }

async function issuerFor(t: Test) {
  const server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => server.close())
  return server
}

async function instance(
  t: Test,
  issuer: string | ((iss: string) => boolean),
  options: Partial<ResourceServerOptions>,
) {
  const lines: string[] = []
  const write = (_: object, message: string) => void lines.push(message)
  const server = await createResourceServer({
    issuer: issuer as string,
    audience: 'api://default',
    logger: { warn: write, info: write },
    ...options,
  })
  t.teardown(() => server.close())
  return Object.assign(server, { lines })
}

/** Starts two instances with one store, which trust the issuer. */
async function startPair(t: Test, issuer: string, store = faultyStore()) {
  const stores = { revocations: store }
  const [one, other] = [
    await instance(t, issuer, { stores }),
    await instance(t, issuer, { stores }),
  ]
  return { one, other, store }
}

t.test('K1: every instance rejects the tokens of a removed key after its next read', async (t) => {
  const issuer = await issuerFor(t)
  for (const losesMessages of [false, true]) {
    const store = Object.assign(faultyStore(), { losesMessages })
    const { one, other } = await startPair(t, issuer.issuer, store)
    const token = await issuer.issueToken()
    await one.verify(token)
    await other.verify(token)
    await other.verify(token)
    await issuer.rotateKeys({ keepOld: false })
    await one.verify(token)
    await one.refreshKeys(EVERYWHERE)
    await t.rejects(one.verify(token), REMOVED_KEY)
    await untilRejected(t, other, token)
    t.equal(
      other.lines.filter((line) => line.startsWith('key refresh requested by another')).length,
      1,
    )
    t.notOk(one.lines.some((line) => line.startsWith('key refresh requested')))
  }
})

t.test('K2: calls at the same time share one marker and one fetch', async (t) => {
  const issuer = await issuerFor(t)
  const store = faultyStore()
  const server = await instance(t, issuer.issuer, { stores: { revocations: store } })
  await server.refreshKeys()
  const before = issuer.requests.jwks
  await Promise.all(Array.from({ length: 100 }, () => server.refreshKeys(EVERYWHERE)))
  t.equal(store.calls.filter((call) => call === 'set key-refresh').length, 1)
  t.equal(issuer.requests.jwks, before + 1)
})

t.test('K3: rejects if the store is unavailable, and informs the others later', async (t) => {
  const issuer = await issuerFor(t)
  const { one, other, store } = await startPair(t, issuer.issuer)
  const token = await issuer.issueToken()
  await other.verify(token)
  await issuer.rotateKeys({ keepOld: false })
  store.failing.add('set')
  await t.rejects(one.refreshKeys(EVERYWHERE), {
    name: 'StoreUnavailableError',
    message:
      'The key refresh was not shared, because "stores.revocations" is unavailable: every instance except this one may still trust removed keys. Retry, or call refreshKeys() on each instance',
  })
  await t.rejects(one.verify(token), REMOVED_KEY, 'this instance has refreshed its keys')
  await other.verify(token)
  store.failing.clear()
  await eventually(() => other.lines.some((line) => line.startsWith('key refresh requested')))
  await untilRejected(t, other, token)
})

t.test('K4: an instance that cannot fetch keeps its keys and repeats the fetch', async (t) => {
  const issuer = await issuerFor(t)
  const { one, other, store } = await startPair(t, issuer.issuer)
  const token = await issuer.issueToken()
  await one.verify(token)
  await other.verify(token)
  await issuer.rotateKeys({ keepOld: false })
  issuer.fail({ status: 500 })
  await t.rejects(one.refreshKeys(EVERYWHERE), { name: 'KeysUnavailableError' })
  await eventually(() => other.lines.some((line) => line.startsWith('JWKS fetch failed')))
  await other.verify(token)
  issuer.recover()
  await untilRejected(t, other, token)

  store.failing.add('set')
  issuer.fail({ status: 500 })
  await t.rejects(one.refreshKeys(EVERYWHERE), {
    name: 'AggregateError',
    message: /not shared.*; this instance could not fetch/,
    errors: [{ name: 'StoreUnavailableError' }, { name: 'KeysUnavailableError' }],
  })
})

t.test('K5: refreshes this instance only, with a memory store', async (t) => {
  const issuer = await issuerFor(t)
  const server = await instance(t, issuer.issuer, { stores: { revocations: memoryStore() } })
  const token = await issuer.issueToken()
  await server.verify(token)
  await issuer.rotateKeys({ keepOld: false })
  await server.refreshKeys(EVERYWHERE)
  await t.rejects(server.verify(token), REMOVED_KEY)
})

t.test('K6: needs a shared store', async (t) => {
  const issuer = await issuerFor(t)
  const server = await instance(t, issuer.issuer, {})
  await t.rejects(server.refreshKeys(EVERYWHERE), {
    name: 'TypeError',
    message: /needs the option "stores.revocations"/,
  })
  t.equal(issuer.requests.jwks, 1, 'this instance has refreshed its keys')
})

t.test('K7: refreshes the cached keys of tenants, and of issuers with a secret', async (t) => {
  const issuer = await issuerFor(t)
  const stores = { revocations: faultyStore() }
  const one = await createResourceServer({
    ...(given() as ResourceServerOptions),
    stores,
  })
  t.teardown(() => one.close())
  const tenants = await instance(t, (iss) => iss === issuer.issuer, { stores })
  const migrating = await instance(t, issuer.issuer, {
    stores,
    algorithms: ['ES256', 'HS256'],
    secret: 's'.repeat(32),
    dangerouslyAllowSecretWithKeys: true,
  })
  const unused = await instance(t, issuer.issuer, { stores })
  const token = await issuer.issueToken()
  await tenants.verify(token)
  await migrating.verify(token)
  const before = issuer.requests.jwks
  await one.refreshKeys(EVERYWHERE)
  await eventually(() => issuer.requests.jwks === before + 2)
  await eventually(() => unused.lines.length > 0)
  await sleep(50)
  t.equal(issuer.requests.jwks, before + 2, 'an instance without keys fetches none')
})
