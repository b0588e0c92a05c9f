/** Log lines about keys, and about issuers, stores and transmitters that work again. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type KeyStore,
  type Logger,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { OutageReports } from '../../src/observability/reports.js'
import { createAuthorizationServer, testClient } from '../../src/testing/index.js'
import { proofFor } from '../fixtures/bound-token.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'
import { startPolledTransmitter } from '../fixtures/polled-transmitter.js'
import { given } from '../fixtures/protected-api.js'
import { STREAM } from '../fixtures/security-events.js'

type Line = [level: string, message: string, details: object]

function recorder() {
  const lines: Line[] = []
  const write = (level: string) => (details: object, message: string) =>
    void lines.push([level, message, details])
  const logger: Logger = { warn: write('warn'), error: write('error'), info: write('info') }
  /** Returns the lines since the last call. */
  const taken = () => lines.splice(0)
  /** Waits until there are so many lines, and returns them. */
  const take = async (count: number) => {
    for (let i = 0; i < 300 && lines.length < count; i++) await sleep(10)
    return taken()
  }
  return { logger, taken, take }
}

async function start(t: Test, options: Partial<ResourceServerOptions>): Promise<ResourceServer> {
  const server = await createResourceServer({ ...(given() as ResourceServerOptions), ...options })
  t.teardown(() => server.close())
  return server
}

t.test('reports a recovery once, and only after a reported failure', async (t) => {
  const seen: unknown[] = []
  let now = 0
  const reports = new OutageReports<string>({
    onFailure: (failure) => seen.push(failure),
    onRecovery: (failedForMs) => seen.push(failedForMs),
    intervalMs: 1_000,
    monotonicNow: () => now,
  })
  const at = (time: number, failure?: string) => {
    now = time
    if (failure === undefined) reports.succeeded()
    else reports.failed(failure)
    return seen.splice(0)
  }
  t.strictSame(at(0), [])
  t.strictSame(at(10, 'a'), ['a'])
  t.strictSame(at(20, 'b'), [], 'within the interval')
  t.strictSame(at(60), [50], 'since the first failure')
  t.strictSame(at(70), [])
  t.strictSame(at(80, 'c'), [])
  t.strictSame(at(90), [], 'the failure was not reported')
  t.strictSame(at(900, 'd'), [])
  t.strictSame(at(1_100, 'e'), ['e'])
  t.strictSame(at(1_200), [300])
})

t.test('logs the first fetch of keys, their changes and the end of an outage', async (t) => {
  const clock = { now: Date.now() }
  const [one, two] = [await makeKey('ES256', 'one'), await makeKey('ES256', 'two\n')]
  const { kid: _, ...unnamed } = (await makeKey('ES256')).publicJwk
  const issuer = await startKeyServer([one.publicJwk])
  t.teardown(() => issuer.close())
  const { logger, taken } = recorder()
  const server = await start(t, { issuer: issuer.issuer, jwks: {}, now: () => clock.now, logger })
  const refresh = async () => {
    await server.refreshKeys().catch(() => {})
    return taken()
  }
  const fetched = 'JWKS fetched; tokens of this issuer can be verified'
  t.strictSame(await refresh(), [['info', fetched, { issuer: issuer.issuer, keys: ['"one"'] }]])
  t.strictSame(await refresh(), [], 'nothing changed')

  issuer.respond('/keys', json({ keys: [one.publicJwk, two.publicJwk, unnamed] }))
  const changed =
    'JWKS changed; tokens signed with added keys are accepted, those with removed keys rejected'
  t.strictSame(await refresh(), [
    ['info', changed, { issuer: issuer.issuer, added: ['"two\\n"', 'without "kid"'], removed: [] }],
  ])

  issuer.respond('/keys', (response) => response.writeHead(500).end())
  t.match(await refresh(), [['warn', 'JWKS fetch failed; serving cached keys', {}]])
  clock.now += 1_000
  t.match(await refresh(), [['warn', 'JWKS fetch failed; serving cached keys', {}]])
  clock.now += 4_000
  issuer.respond('/keys', json({ keys: [two.publicJwk] }))
  t.strictSame(await refresh(), [
    [
      'info',
      'JWKS fetch recovered; tokens are verified with fresh keys',
      { issuer: issuer.issuer, failedForMilliseconds: 5_000 },
    ],
    ['info', changed, { issuer: issuer.issuer, added: [], removed: ['"one"', 'without "kid"'] }],
  ])
})

t.test('logs the end of an outage at startup instead of the first fetch', async (t) => {
  const clock = { now: Date.now() }
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const { logger, taken } = recorder()
  const server = await start(t, { issuer: issuer.issuer, jwks: {}, now: () => clock.now, logger })
  issuer.fail({ status: 503 })
  await server.refreshKeys().catch(() => {})
  t.match(taken(), [['warn', /no keys are cached/]])
  issuer.recover()
  clock.now += 60_000
  await server.refreshKeys()
  t.match(taken(), [['info', /^JWKS fetch recovered/, { failedForMilliseconds: 60_000 }]])
})

t.test('lists at most ten keys', async (t) => {
  const { publicJwk } = await makeKey('ES256')
  const keys = Array.from({ length: 12 }, (_, at) => ({ ...publicJwk, kid: `k${at}` }))
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  const { logger, taken } = recorder()
  const server = await start(t, { issuer: issuer.issuer, jwks: {}, logger })
  await server.refreshKeys()
  const [[, , details]] = taken() as [Line]
  t.match(details, { keys: { length: 11, 9: '"k9"', 10: '2 more' } })
})

t.test('does not log the first fetch for each tenant', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const { logger, taken } = recorder()
  const server = await createResourceServer({
    issuer: (iss) => iss === issuer.issuer,
    audience: 'api://default',
    logger,
  })
  t.teardown(() => server.close())
  await server.verify(await issuer.issueToken())
  t.strictSame(taken(), [])
})

t.test('logs that introspection works again', async (t) => {
  const clock = { now: Date.now() }
  const issuer = await createAuthorizationServer({ accessTokenFormat: 'opaque' })
  t.teardown(() => issuer.close())
  const { logger, taken } = recorder()
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    introspection: { ...testClient, cacheMaxAge: 0 },
    now: () => clock.now,
    logger,
  })
  t.teardown(() => server.close())
  const verify = async () => server.verify(await issuer.issueToken()).catch(() => {})
  await verify()
  t.strictSame(taken(), [])
  issuer.fail({ status: 503 })
  await verify()
  t.match(taken(), [['warn', 'token introspection failed', {}]])
  issuer.recover()
  clock.now += 60_000
  await verify()
  t.strictSame(taken(), [
    [
      'info',
      'token introspection recovered; tokens are introspected again',
      { issuer: issuer.issuer, failedForMilliseconds: 60_000 },
    ],
  ])
})

t.test('logs that the store of the revocations works again', async (t) => {
  const store = faultyStore()
  const { logger, take } = recorder()
  await start(t, { stores: { revocations: store }, logger })
  store.failing.add('revocationsSince')
  t.match(await take(1), [['warn', /^revocation store unavailable/]])
  store.failing.clear()
  const [[level, message, details]] = (await take(1)) as [Line]
  t.strictSame(
    [level, message],
    ['info', 'revocation store recovered; revocations are shared again'],
  )
  t.match(details, { failedForMilliseconds: Number })
})

t.test('logs no recovery of that store as long as it accepts no subscription', async (t) => {
  const store = faultyStore()
  store.failing.add('subscribe')
  const { logger, take } = recorder()
  await start(t, { stores: { revocations: store }, logger })
  t.match(await take(2), [['warn', /^revocation store unavailable/]])
})

t.test('logs that the replay store works again', async (t) => {
  const store = faultyStore()
  const { logger, taken } = recorder()
  const server = await start(t, { stores: { replay: store }, dpop: {}, logger })
  const verify = async () => server.verify(await proofFor()).catch(() => {})
  await verify()
  store.failing.add('add')
  await verify()
  t.match(taken(), [['warn', /^DPoP replay store unavailable/]])
  store.failing.clear()
  await verify()
  t.match(taken(), [
    [
      'info',
      'replay store recovered; replays are detected again',
      { failedForMilliseconds: Number },
    ],
  ])
})

t.test('logs that the shared introspection cache works again', async (t) => {
  const issuer = await createAuthorizationServer({ accessTokenFormat: 'opaque' })
  t.teardown(() => issuer.close())
  const store = faultyStore()
  const { logger, take } = recorder()
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    introspection: { ...testClient },
    stores: { introspection: store, sealingSecret: 's'.repeat(32) },
    logger,
  })
  t.teardown(() => server.close())
  store.failing.add('get').add('set')
  await server.verify(await issuer.issueToken())
  t.match(await take(1), [['warn', /^shared introspection cache failed/]])
  store.failing.clear()
  await server.verify(await issuer.issueToken())
  t.match(await take(1), [
    [
      'info',
      'shared introspection cache recovered; responses are shared again',
      { issuer: issuer.issuer, failedForMilliseconds: Number },
    ],
  ])
})

t.test('logs that the key store works again', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  let isFailing = true
  const store: KeyStore = {
    load: async () => undefined,
    save: async () => {
      if (isFailing) throw new Error('the disk is full')
    },
  }
  const { logger, take } = recorder()
  const server = await start(t, { issuer: issuer.issuer, jwks: { store }, logger })
  await server.refreshKeys()
  t.match(await take(2), [
    ['info', /^JWKS fetched/],
    ['warn', /^key store save failed/],
  ])
  isFailing = false
  await server.refreshKeys()
  t.strictSame(await take(1), [
    ['info', 'key store recovered; fetched keys are saved', { issuer: issuer.issuer }],
  ])
  await server.refreshKeys()
  t.strictSame(await take(0), [])
})

t.test('logs that polling for security events works again', async (t) => {
  const transmitter = await startPolledTransmitter()
  t.teardown(() => transmitter.close())
  const { logger, take } = recorder()
  transmitter.respond = (response) => response.writeHead(500).end()
  await start(t, {
    securityEvents: { issuer: ISSUER, audience: STREAM, poll: { url: transmitter.url } },
    logger,
  })
  t.match(await take(1), [['warn', /^polling for security events failed/]])
  transmitter.respond = (response) => response.end('{"sets":{}}')
  t.match(await take(1), [
    [
      'info',
      'polling for security events recovered; events arrive in time again',
      { issuer: ISSUER, failedForMilliseconds: Number },
    ],
  ])
})

t.test('a logger without "info" receives no line about a recovery', async (t) => {
  const issuer = await startKeyServer([(await makeKey('ES256')).publicJwk])
  t.teardown(() => issuer.close())
  const lines: unknown[] = []
  const logger = { warn: (...line: unknown[]) => void lines.push(line) }
  const server = await start(t, { issuer: issuer.issuer, jwks: {}, logger })
  await server.refreshKeys()
  t.strictSame(lines, [])
})
