/** Readiness of an instance: keys, stores and feeds. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type KeyStore,
  memoryStore,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { createAuthorizationServer, testClient } from '../../src/testing/index.js'
import { proofFor } from '../fixtures/bound-token.js'
import { eventually } from '../fixtures/eventually.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { ISSUER } from '../fixtures/issuer.js'
import { startPolledTransmitter } from '../fixtures/polled-transmitter.js'
import { given } from '../fixtures/protected-api.js'
import { STREAM } from '../fixtures/security-events.js'

async function issuerFor(t: Test) {
  const server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => server.close())
  return server
}

async function start(t: Test, options: Partial<ResourceServerOptions>): Promise<ResourceServer> {
  const server = await createResourceServer({ ...(given() as ResourceServerOptions), ...options })
  t.teardown(() => server.close())
  return server
}

const READY = { ready: true, reasons: [], warnings: [] }
const NO_KEYS =
  'no keys are cached; tokens of this issuer get 503 unless a fetch succeeds: check the issuer and the connection to it'

t.test('is ready with static keys', async (t) => {
  t.strictSame((await start(t, {})).ready(), READY)
})

t.test('becomes ready without requests, and says why it is not', async (t) => {
  const clock = { now: Date.now() }
  const issuer = await issuerFor(t)
  issuer.fail({ status: 500 })
  const server = await start(t, { issuer: issuer.issuer, jwks: {}, now: () => clock.now })
  const reason = { part: 'issuer', name: issuer.issuer, message: NO_KEYS }
  t.strictSame(server.ready(), {
    ready: false,
    reasons: [
      {
        ...reason,
        message: 'no keys are cached yet; a fetch was started: probe again',
        cause: undefined,
      },
    ],
    warnings: [],
  })
  await eventually(() => server.ready().reasons[0]?.cause !== undefined)
  t.match(server.ready().reasons, [{ ...reason, cause: / responded with 500/ }])
  const before = issuer.requests.discovery
  for (let probe = 0; probe < 100; probe++) server.ready()
  await sleep(50)
  t.equal(issuer.requests.discovery, before, 'probes cause no request during the back-off')

  issuer.recover()
  clock.now += 60_000
  await eventually(() => server.ready().ready)
  t.strictSame(server.ready(), READY)
  for (let probe = 0; probe < 100; probe++) server.ready()
  t.equal(issuer.requests.jwks, 1)

  issuer.fail({ status: 500 })
  await server.refreshKeys().catch(() => {})
  t.match(server.ready(), {
    ready: true,
    reasons: [],
    warnings: [
      {
        part: 'issuer',
        message:
          /^the last fetch of keys failed; cached keys are used for \d+ s at most: check the issuer$/,
        cause: / responded with 500/,
      },
    ],
  })
})

t.test('loads the keys of an issuer that also has a secret', async (t) => {
  const issuer = await issuerFor(t)
  const server = await start(t, {
    issuer: issuer.issuer,
    jwks: {},
    algorithms: ['ES256', 'HS256'],
    secret: 's'.repeat(32),
    dangerouslyAllowSecretWithKeys: true,
  })
  t.equal(server.ready().ready, false)
  await eventually(() => server.ready().ready)
  t.strictSame(server.ready(), READY)
})

t.test('becomes ready with saved keys while the issuer is down', async (t) => {
  const issuer = await issuerFor(t)
  let saved: Parameters<KeyStore['save']>[0] | undefined
  const store: KeyStore = {
    load: async () => saved,
    save: async (keySet) => {
      saved = keySet
    },
  }
  const options = { issuer: issuer.issuer, jwks: { store } }
  const first = await start(t, options)
  await first.refreshKeys()
  await first.close()
  await issuer.suspend()
  const second = await start(t, options)
  await second.refreshKeys().catch(() => {})
  second.ready()
  await eventually(() => second.ready().ready)
  t.match(second.ready(), { ready: true, warnings: [{ part: 'issuer' }] })
  t.match(second.keySetStatus(), [{ state: 'stale' }])
})

t.test('stays ready while a partner is down, unless its issuer is required', async (t) => {
  const own = await issuerFor(t)
  const partner = await issuerFor(t)
  await partner.suspend()
  const server = await createResourceServer({
    issuer: [own.issuer, partner.issuer],
    audience: 'api://default',
  })
  t.teardown(() => server.close())
  const unready = server.ready()
  t.equal(unready.ready, false)
  t.strictSame(
    unready.reasons.map(({ name }) => name),
    [own.issuer, partner.issuer],
    'no issuer has keys',
  )
  await eventually(() => server.ready().ready)
  t.match(server.ready(), {
    ready: true,
    reasons: [],
    warnings: [{ part: 'issuer', name: partner.issuer, message: NO_KEYS }],
  })
  t.match(server.ready({ requiredIssuers: [own.issuer] }), { ready: true })
  t.match(server.ready({ requiredIssuers: [partner.issuer] }), {
    ready: false,
    reasons: [{ name: partner.issuer }],
    warnings: [],
  })
  t.throws(() => server.ready({ requiredIssuers: ['https://other.example'] }), {
    name: 'TypeError',
    message:
      '"requiredIssuers" option must list issuers of the options, exactly as in "issuer": https://other.example',
  })
})

t.test('is ready before the first tenant', async (t) => {
  const server = await createResourceServer({ issuer: () => true, audience: 'api' })
  t.teardown(() => server.close())
  t.strictSame(server.ready(), READY)
})

t.test('tenants without keys do not affect the readiness', async (t) => {
  const issuer = await issuerFor(t)
  const server = await createResourceServer({ issuer: () => true, audience: 'api://default' })
  t.teardown(() => server.close())
  const token = await issuer.issueToken()
  issuer.fail({ status: 500 })
  await server.verify(token).catch(() => {})
  t.strictSame(server.ready(), READY)
})

t.test('reports an outage of introspection as a warning', async (t) => {
  const issuer = await createAuthorizationServer({ accessTokenFormat: 'opaque' })
  t.teardown(() => issuer.close())
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    introspection: { ...testClient },
  })
  t.teardown(() => server.close())
  await server.refreshKeys()
  t.strictSame(server.ready(), READY)
  issuer.fail({ status: 503 })
  await server.verify(await issuer.issueToken()).catch(() => {})
  t.match(server.ready(), {
    ready: true,
    warnings: [{ part: 'issuer', name: issuer.issuer, message: /^introspection fails; / }],
  })
})

t.test('is not ready until the revocations are loaded', async (t) => {
  const store = faultyStore()
  store.failing.add('revocationsSince')
  const server = await start(t, { stores: { revocations: store } })
  t.strictSame(server.ready(), {
    ready: false,
    reasons: [
      {
        part: 'store',
        name: 'revocations',
        message: 'the revocations are not loaded; every token gets 503: restore the store',
        cause: 'no revocationsSince',
      },
    ],
    warnings: [],
  })
  store.failing.clear()
  await eventually(() => server.ready().ready)
  t.strictSame(server.ready(), READY)
  store.failing.add('revocationsSince')
  await eventually(() => server.ready().warnings.length > 0)
  t.match(server.ready(), {
    ready: true,
    warnings: [{ name: 'revocations', message: /known revocations stay in force/ }],
  })
})

t.test('with DPoP required, is ready only while the replay store is available', async (t) => {
  const clock = { now: Date.now() }
  const store = faultyStore()
  const server = await start(t, {
    stores: { replay: store },
    dpop: 'required',
    now: () => clock.now,
  })
  t.match(server.ready(), {
    ready: false,
    reasons: [{ part: 'store', name: 'replay', message: /was not used yet/ }],
  })
  await eventually(() => server.ready().ready)
  t.strictSame(server.ready(), READY)
  t.equal(store.calls.length, 1, 'one check')

  store.failing.add('add')
  await server.verify(await proofFor()).catch(() => {})
  t.match(server.ready(), {
    ready: false,
    reasons: [{ name: 'replay', message: /DPoP proof get 503/, cause: 'no add' }],
  })
  t.match(server.storeStatus(), [{ rejects: 'all' }])
  const calls = store.calls.length
  for (let probe = 0; probe < 100; probe++) server.ready()
  await sleep(20)
  t.equal(store.calls.length, calls, 'one check per second')
  store.failing.clear()
  clock.now += 1_000
  server.ready()
  await eventually(() => server.ready().ready)
  t.strictSame(server.ready(), READY)
})

for (const [whenUnavailable, message] of [
  ['reject', /DPoP proof get 503/],
  ['dangerouslyAccept', /accepted without a replay check/],
] as const) {
  t.test(`stays ready without the replay store (allowed, ${whenUnavailable})`, async (t) => {
    const store = faultyStore()
    store.failing.add('add')
    const server = await start(t, {
      stores: { replay: store },
      dpop: { replay: { whenUnavailable } },
    })
    t.strictSame(server.ready(), READY)
    await server.verify(await proofFor()).catch(() => {})
    t.match(server.ready(), { ready: true, warnings: [{ name: 'replay', message }] })
  })
}

t.test('stays ready without the shared introspection cache', async (t) => {
  const issuer = await createAuthorizationServer({ accessTokenFormat: 'opaque' })
  t.teardown(() => issuer.close())
  const store = Object.assign(memoryStore(), { get: () => Promise.reject(new Error('no get')) })
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    introspection: { ...testClient },
    stores: { introspection: store, sealingSecret: 's'.repeat(32) },
  })
  t.teardown(() => server.close())
  await server.refreshKeys()
  store.set = () => Promise.reject(new Error('no set'))
  await server.verify(await issuer.issueToken())
  t.match(server.ready(), {
    ready: true,
    warnings: [{ part: 'store', name: 'introspection', message: /introspects on its own/ }],
  })
})

t.test('reports a feed that is silent or not polled as a warning', async (t) => {
  const transmitter = await startPolledTransmitter()
  t.teardown(() => transmitter.close())
  transmitter.respond = (response) => response.writeHead(500).end()
  const clock = { now: Date.now() }
  const server = await start(t, {
    securityEvents: {
      issuer: ISSUER,
      audience: STREAM,
      poll: { url: transmitter.url },
      maxSilence: 1_000,
    },
    now: () => clock.now,
  })
  await eventually(() => server.ready().warnings.length > 0)
  clock.now += 2_000
  t.match(server.ready(), {
    ready: true,
    reasons: [],
    warnings: [
      { part: 'feed', name: ISSUER, message: /^no event was accepted for "maxSilence"; / },
      {
        part: 'feed',
        name: ISSUER,
        message: /^the last poll failed; /,
        cause: /responded with 500/,
      },
    ],
  })
})

t.test('says that a store is being read for the first time', async (t) => {
  const store = faultyStore()
  store.hanging.add('revocationsSince')
  const server = await start(t, { stores: { revocations: store } })
  t.match(server.ready().reasons, [
    {
      name: 'revocations',
      message: 'the revocations are not loaded yet; every token gets 503 until then: probe again',
      cause: undefined,
    },
  ])
})
