/** K: refreshing the keys of every instance through the store. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { SharedKeyRefresh } from '../../src/keys/shared-key-refresh.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { eventually } from '../fixtures/eventually.js'
import { type FaultyStore, faultyStore } from '../fixtures/faulty-store.js'
import { given } from '../fixtures/protected-api.js'

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

/** Asserts that the server rejects the token eventually, and prints when. */
async function untilRejected(t: Test, server: ResourceServer, token: string): Promise<void> {
  const startedAt = performance.now()
  const isValid = () => server.verify(token).then(Boolean, () => false)
  for (let i = 0; i < 2_000 && (await isValid()); i++) await sleep(5)
  await t.rejects(server.verify(token), UNKNOWN_KEY)
  t.comment(`after ${Math.round(performance.now() - startedAt)} ms`)
}

const UNKNOWN_KEY = { code: 'invalid_token', check: 'key' }

t.test('K1: every instance rejects the tokens of a removed key after its next read', async (t) => {
  const issuer = await issuerFor(t)
  for (const losesMessages of [false, true]) {
    const store = Object.assign(faultyStore(), { losesMessages })
    const stores = { revocations: store }
    const [one, other] = [
      await instance(t, issuer.issuer, { stores }),
      await instance(t, issuer.issuer, { stores }),
    ]
    const token = await issuer.issueToken()
    await one.verify(token)
    await other.verify(token)
    await other.verify(token)
    await issuer.rotateKeys({ keepOld: false })
    await one.verify(token)
    await one.refreshKeys(EVERYWHERE)
    await t.rejects(one.verify(token), UNKNOWN_KEY)
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
  const store = faultyStore()
  const stores = { revocations: store }
  const one = await instance(t, issuer.issuer, { stores })
  const other = await instance(t, issuer.issuer, { stores })
  const token = await issuer.issueToken()
  await other.verify(token)
  await issuer.rotateKeys({ keepOld: false })
  store.failing.add('set')
  await t.rejects(one.refreshKeys(EVERYWHERE), {
    name: 'StoreUnavailableError',
    message:
      'The key refresh was not shared, because "stores.revocations" is unavailable: every instance except this one may still trust removed keys. Retry, or call refreshKeys() on each instance',
  })
  await t.rejects(one.verify(token), UNKNOWN_KEY, 'this instance has refreshed its keys')
  await other.verify(token)
  store.failing.clear()
  await eventually(() => other.lines.some((line) => line.startsWith('key refresh requested')))
  await untilRejected(t, other, token)
})

t.test('K4: an instance that cannot fetch keeps its keys and repeats the fetch', async (t) => {
  const issuer = await issuerFor(t)
  const store = faultyStore()
  const stores = { revocations: store }
  const one = await instance(t, issuer.issuer, { stores })
  const other = await instance(t, issuer.issuer, { stores })
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
  await t.rejects(server.verify(token), UNKNOWN_KEY)
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

/** Instances without a timer, which share a store; `refreshes` counts those of each. */
function instances(count: number, store: FaultyStore = faultyStore()) {
  const clock = { now: 0 }
  const all = Array.from({ length: count }, () => {
    const it = {
      refreshes: 0,
      keyRefresh: new SharedKeyRefresh({
        store,
        refresh: () => it.refreshes++,
        onWritten: () => {},
        monotonicNow: () => clock.now,
      }),
    }
    return it
  }) as [Instance, Instance, ...Instance[]]
  const sync = async () => {
    for (const { keyRefresh } of all) await keyRefresh.sync()
    return all.map(({ refreshes }) => refreshes)
  }
  return { clock, store, all, sync }
}

interface Instance {
  readonly refreshes: number
  readonly keyRefresh: SharedKeyRefresh
}

t.test('K8: refreshes once for each marker, at most once a second', async (t) => {
  const { clock, store, all, sync } = instances(2)
  const [one] = all
  t.strictSame(await sync(), [0, 0])
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1])
  t.strictSame(await sync(), [0, 1])
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1], 'within a second')
  clock.now += 1_000
  t.strictSame(await sync(), [0, 2])
  for (let i = 0; i < 50; i++) {
    await store.set('key-refresh', `99 00000000-0000-0000-0000-0000000000${10 + i}`, 1_000)
    await sync()
  }
  t.strictSame(await sync(), [1, 2], 'a writer of the store')
  for (const value of ['', '7', 'x 00000000-0000-0000-0000-000000000000', `${10 ** 15} x`]) {
    clock.now += 100_000
    await store.set('key-refresh', value, 1_000)
    t.strictSame(await sync(), [1, 2], `malformed: ${value}`)
  }
})

t.test('K9: announcements that replace each other reach every instance', async (t) => {
  const { clock, all, sync } = instances(3)
  const [one, two] = all
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1, 1])
  clock.now += 1_000
  await Promise.all([one.keyRefresh.announce(), two.keyRefresh.announce()])
  clock.now += 1_000
  const [first, second, third] = await sync()
  t.equal(third, 2)
  t.ok((first as number) + (second as number) >= 2, 'the instance whose marker was replaced')
})

t.test('K13: an instance that starts after a refresh hears of the next one', async (t) => {
  const { store, all, sync } = instances(2)
  const [one] = all
  await one.keyRefresh.announce()
  const isFirst: boolean[] = []
  const late = new SharedKeyRefresh({
    store,
    refresh: (first) => isFirst.push(first),
    onWritten: () => {},
    monotonicNow: () => 0,
  })
  await late.sync()
  t.strictSame(isFirst, [true], 'keys that were fetched before may be older than the marker')
  await one.keyRefresh.announce()
  await late.sync()
  t.strictSame(isFirst, [true, false], 'at the same time')
  t.strictSame(await sync(), [0, 1])
})

t.test('K10: an announcement during a write causes another write', async (t) => {
  const { store, all } = instances(2)
  const [one] = all
  const first = one.keyRefresh.announce()
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, one.keyRefresh.announce(), one.keyRefresh.announce()])
  t.strictSame(store.calls, ['set key-refresh', 'set key-refresh'])
})

t.test('K11: a marker that the store lost is written again for a minute', async (t) => {
  const { clock, store, all, sync } = instances(2)
  const [one, two] = all
  await one.keyRefresh.announce()
  store.lose()
  await one.keyRefresh.sync()
  await two.keyRefresh.sync()
  t.equal(two.refreshes, 1)
  clock.now += 60_000
  store.lose()
  await sync()
  t.equal(await store.get('key-refresh'), undefined)
})

t.test('K12: an announcement that was not written follows markers of others', async (t) => {
  const { clock, store, all, sync } = instances(3)
  const [one, two, three] = all as [Instance, Instance, Instance]
  store.failing.add('set')
  await t.rejects(one.keyRefresh.announce())
  await t.rejects(one.keyRefresh.sync())
  store.failing.clear()
  await two.keyRefresh.announce()
  await three.keyRefresh.sync()
  t.equal(three.refreshes, 1)
  clock.now += 1_000
  await one.keyRefresh.sync()
  t.equal(one.refreshes, 1, 'after the marker of another instance')
  t.strictSame(await sync(), [1, 1, 2])
})
