/** `keySetStatus()` and `refreshKeys()`, as used by a readiness probe and an operator. */
import t from 'tap'
import { BackOff } from '../../src/http/back-off.js'
import { createResourceServer } from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'

async function setUp(jwks = {}) {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256', keySetMaxAge: 300 })
  const clock = { now: 1_800_000_000_000 }
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    now: () => clock.now,
    jwks,
  })
  t.teardown(async () => {
    server.close()
    await issuer.close()
  })
  return { issuer, clock, server }
}

t.test(
  'keySetStatus() reports the state of a key set over time, and fetches nothing',
  async (t) => {
    const { issuer, clock, server } = await setUp({ staleIfError: 60_000 })
    const nothing = {
      issuer: issuer.issuer,
      state: 'empty',
      keys: 0,
      ageMs: undefined,
      usableForMs: 0,
      lastAttemptAt: undefined,
      lastError: undefined,
    }
    t.strictSame(server.keySetStatus(), [nothing])
    t.equal(issuer.requests.discovery, 0)

    await server.refreshKeys()
    const loadedAt = clock.now
    t.match(server.keySetStatus(), [
      { state: 'fresh', keys: 1, ageMs: 0, usableForMs: 360_000, lastAttemptAt: loadedAt },
    ])

    issuer.fail({ status: 500 })
    clock.now += 300_000
    t.match(server.keySetStatus(), [
      { state: 'stale', keys: 1, ageMs: 300_000, usableForMs: 60_000 },
    ])
    await t.rejects(server.refreshKeys(), { code: 'temporarily_unavailable' })
    t.match(server.keySetStatus(), [
      { state: 'stale', keys: 1, lastAttemptAt: clock.now, lastError: /responded with 500/ },
    ])

    clock.now += 60_000
    t.match(server.keySetStatus(), [{ state: 'empty', keys: 0, ageMs: undefined, usableForMs: 0 }])
    issuer.recover()
    await server.refreshKeys()
    t.match(server.keySetStatus(), [{ state: 'fresh', lastError: undefined }])
  },
)

t.test('keySetStatus() handles any value thrown by a custom fetch', async (t) => {
  const { server } = await setUp({ fetch: () => Promise.reject('a string') })
  await t.rejects(server.refreshKeys(), { code: 'temporarily_unavailable' })
  t.match(server.keySetStatus(), [
    { state: 'empty', lastError: /sent no complete response: no response$/ },
  ])
})

t.test('keySetStatus() reports static keys', async (t) => {
  const { publicJwk } = await makeKey('ES256')
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: 'api',
    jwks: { keys: [publicJwk] },
  })
  await server.refreshKeys()
  t.match(server.keySetStatus(), [
    { issuer: ISSUER, state: 'static', keys: 1, usableForMs: Number.POSITIVE_INFINITY },
  ])
})

t.test(
  'refreshKeys() immediately ends the trust in a removed key, including cached results',
  async (t) => {
    const { issuer, server } = await setUp()
    const raw = await issuer.issueToken({ iat: 1_800_000_000, exp: 1_800_000_600 })
    await server.verify(raw)
    await issuer.rotateKeys({ keepOld: false })
    await server.verify(raw)
    await server.refreshKeys()
    await t.rejects(server.verify(raw), { code: 'invalid_token' })
  },
)

t.test('refreshKeys() sees changes after the response in flight was sent', async (t) => {
  const { issuer, server } = await setUp()
  const raw = await issuer.issueToken({ iat: 1_800_000_000, exp: 1_800_000_600 })
  await server.verify(raw)
  issuer.fail({ delay: 100 }, 'jwks')
  issuer.resetRequests()
  const underWay = server.refreshKeys()
  while (issuer.requests.jwks === 0) await new Promise((done) => setTimeout(done, 5))
  await issuer.rotateKeys({ keepOld: false })
  await Promise.all([underWay, server.refreshKeys(), server.refreshKeys()])
  t.equal(issuer.requests.jwks, 2)
  await t.rejects(server.verify(raw), { code: 'invalid_token' })
})

t.test('refreshKeys() called often does not flood an unreachable issuer', async (t) => {
  const { issuer, clock, server } = await setUp()
  issuer.fail({ status: 500 }, 'discovery')
  for (let i = 0; i < 100; i++) {
    const first = server.refreshKeys()
    const begun = new Promise(setImmediate).then(() => server.refreshKeys())
    const both = await Promise.allSettled([first, begun])
    t.match(both, Array(2).fill({ reason: { code: 'temporarily_unavailable' } }))
    clock.now += 10
  }
  t.ok(issuer.requests.discovery <= 6, `${issuer.requests.discovery} requests in a second`)
})

t.test('refreshKeys() refreshes every issuer, even if one of them fails', async (t) => {
  const [a, b] = [
    await createAuthorizationServer({ algorithm: 'ES256' }),
    await createAuthorizationServer({ algorithm: 'ES256' }),
  ]
  t.teardown(() => Promise.all([a.close(), b.close()]))
  const server = await createResourceServer({
    issuer: [a.issuer, b.issuer],
    audience: 'api://default',
  })
  t.teardown(() => server.close())
  a.fail('reset')
  await t.rejects(server.refreshKeys(), { code: 'temporarily_unavailable' })
  t.match(server.keySetStatus(), [{ state: 'empty' }, { state: 'fresh' }])
})

t.test('the back-off doubles up to 30 s, or is the requested Retry-After', async (t) => {
  const backOff = new BackOff()
  for (const longest of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const pause = backOff.failed(5_000)
    t.ok(pause >= longest / 2 && pause <= longest, `${pause} of ${longest}`)
    t.equal(backOff.until, 5_000 + pause)
  }
  t.equal(backOff.failed(0, 45_000), 45_000)
  t.equal(backOff.failed(0, 3_600_000), 60_000, 'an issuer can request at most 60 s')
  t.ok(backOff.failed(0, 1) >= 15_000)
  t.equal(backOff.failing, true)
  backOff.succeeded()
  t.equal(backOff.failing, false)
  t.ok(backOff.failed(0) <= 1_000)
})

t.test('J15: accepts a token without kid of a new key on its first request', async (t) => {
  const { issuer, server } = await setUp()
  const times = { iat: 1_800_000_000, exp: 1_800_000_600 }
  const nameless = { header: { kid: undefined } }
  await server.verify(await issuer.issueToken(times, nameless))
  await issuer.rotateKeys({ keepOld: false })
  issuer.resetRequests()
  await server.verify(await issuer.issueToken(times, nameless))

  t.test('and forged ones cause one fetch per cooldown', async (t) => {
    const [header, payload] = (await issuer.issueToken(times, nameless)).split('.')
    const other = await createAuthorizationServer({ algorithm: 'ES256' })
    t.teardown(() => other.close())
    const [, , signature] = (await other.issueToken()).split('.')
    const forged = [header, payload, signature].join('.')
    for (let i = 0; i < 100; i++) {
      await t.rejects(server.verify(forged), { code: 'invalid_token' })
    }
    t.equal(issuer.requests.jwks, 1)
  })
})

t.test(
  'J15: a token without kid waits for more than a response sent before the rotation',
  async (t) => {
    const { issuer, server } = await setUp()
    const times = { iat: 1_800_000_000, exp: 1_800_000_600 }
    const nameless = { header: { kid: undefined } }
    await server.verify(await issuer.issueToken(times, nameless))
    issuer.fail({ delay: 100 }, 'jwks')
    issuer.resetRequests()
    const underWay = server.refreshKeys()
    while (issuer.requests.jwks === 0) await new Promise((done) => setTimeout(done, 5))
    await issuer.rotateKeys({ keepOld: false })
    const newToken = await issuer.issueToken(times, nameless)
    await Promise.all([underWay, server.verify(newToken)])
    t.equal(issuer.requests.jwks, 2)
  },
)

t.test('gives each waiter of a failed fetch a separate error', async (t) => {
  const { issuer, server } = await setUp()
  issuer.fail({ status: 500 })
  const errors = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const raw = await issuer.issueToken({ jti: `${i}`, iat: 1_800_000_000, exp: 1_800_000_600 })
      return server.verify(raw).catch((error) => error)
    }),
  )
  t.equal(new Set(errors).size, 5)
})
