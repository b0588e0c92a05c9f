import t from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { Counters } from '../../src/observability/statistics.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const NOTHING = {
  cacheHits: 0,
  cacheMisses: 0,
  signatureVerifications: 0,
  decryptions: 0,
  rejections: {},
  logoutTokens: { accepted: 0, rejected: 0, failed: 0 },
  securityEvents: {
    revoked: 0,
    unmapped: 0,
    ignored: 0,
    duplicates: 0,
    rejected: 0,
    failed: 0,
  },
  cacheSize: 0,
}

t.test('counts from zero, and returns snapshots', async (t) => {
  const counters = new Counters()
  const before = counters.read(0)
  t.strictSame(before, NOTHING)
  counters.cacheHits++
  counters.reject('invalid_token')
  counters.reject('invalid_token')
  counters.reject('__proto__')
  t.strictSame(before, NOTHING)
  const { rejections, cacheHits: hits, cacheSize } = counters.read(7)
  t.equal(hits, 1)
  t.equal(cacheSize, 7)
  t.equal(rejections.invalid_token, 2)
  t.equal(Object.getPrototypeOf(rejections), Object.prototype)
  t.ok(Object.hasOwn(rejections, '__proto__'), 'the code is a plain key')
})

t.test('createResourceServer() counts hits, misses, verifications and rejections', async (t) => {
  const good = await tokenOf()
  const server = await createResourceServer(given() as ResourceServerOptions)
  t.strictSame(server.statistics(), NOTHING)
  await server.verify(good)
  t.strictSame(
    server.statistics(),
    { ...NOTHING, cacheMisses: 1, signatureVerifications: 1 },
    'the first time',
  )
  await server.verify(good)
  await server.verify(good)
  const known = {
    ...NOTHING,
    cacheHits: 2,
    cacheMisses: 1,
    signatureVerifications: 1,
    cacheSize: 1,
  }
  t.strictSame(server.statistics(), known, 'and on a later use')

  const rejected = [
    ['missing_credentials', '', {}],
    ['insufficient_scope', good, { scope: 'admin' }],
    ['invalid_token', 'x', {}],
    ['invalid_token', await tokenOf({ exp: 1 }), {}],
    ['invalid_token', `${good.slice(0, -2)}${good.endsWith('AA') ? 'QQ' : 'AA'}`, {}],
  ] as const
  for (const [code, raw, requirement] of rejected) {
    t.match(await server.verify(raw, requirement).catch((error) => error), { code })
  }
  t.strictSame(
    server.statistics(),
    {
      cacheHits: 3,
      cacheMisses: 4,
      signatureVerifications: 2,
      decryptions: 0,
      rejections: { missing_credentials: 1, insufficient_scope: 1, invalid_token: 3 },
      logoutTokens: NOTHING.logoutTokens,
      securityEvents: NOTHING.securityEvents,
      cacheSize: 1,
    },
    'a rejection before the signature costs no verification',
  )
  await t.rejects(server.verify(good, { scope: '' }), TypeError)
  t.equal(
    Object.keys(server.statistics().rejections).length,
    3,
    'a configuration error is no rejection',
  )
})

t.test('without a cache, counts each verification as a miss', async (t) => {
  const good = await tokenOf()
  const server = await createResourceServer(given({ tokenCache: false }) as ResourceServerOptions)
  for (let i = 0; i < 3; i++) await server.verify(good)
  t.strictSame(server.statistics(), { ...NOTHING, cacheMisses: 3, signatureVerifications: 3 })
})

t.test('counts a signature verification for each key that was tried', async (t) => {
  const { makeKey, sign } = await import('../fixtures/issuer.js')
  const others = await Promise.all([makeKey('ES256', 'a'), makeKey('ES256', 'b')])
  const keys = [...others, key].map(({ publicJwk }) => publicJwk)
  const server = await createResourceServer(given({ jwks: { keys } }) as ResourceServerOptions)
  await server.verify(await sign(key, {}, { header: { kid: undefined } }))
  t.match(server.statistics(), { cacheMisses: 1, signatureVerifications: 3 })
})

t.test('the plugin counts rejected requests by code', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  t.teardown(() => issuer.close())
  const good = await tokenOf({ iss: issuer.issuer })
  const app = await protectedApi(t, { issuer: issuer.issuer, jwks: {} })
  app.get('/', async () => 'in')
  app.get('/open', { config: { auth: false } }, async () => 'in')
  app.get('/admin', { config: { auth: { scope: 'admin' } } }, async () => 'in')
  const statuses: number[] = []
  const send = async (url: string, headers: Record<string, string> = {}) => {
    statuses.push((await app.inject({ url, headers })).statusCode)
  }
  await send('/open')
  t.strictSame(app.resourceServer.statistics(), NOTHING, 'an open route counts nothing')
  for (let i = 0; i < 4; i++) await send('/', bearer(good))
  await send('/')
  await send('/', { authorization: 'Basic x' })
  await send('/', bearer('not a token'))
  await send('/', bearer('opaque'))
  await send('/admin', bearer(good))
  t.same(statuses, [200, 200, 200, 200, 200, 401, 401, 400, 401, 403])
  t.strictSame(app.resourceServer.statistics(), {
    cacheHits: 4,
    cacheMisses: 3,
    signatureVerifications: 1,
    decryptions: 0,
    rejections: {
      missing_credentials: 2,
      invalid_request: 1,
      invalid_token: 1,
      insufficient_scope: 1,
    },
    logoutTokens: NOTHING.logoutTokens,
    securityEvents: NOTHING.securityEvents,
    cacheSize: 1,
  })
})

t.test('B9: counts requests rejected with 503', async (t) => {
  const issuer = await startKeyServer()
  await issuer.close()
  const app = await protectedApi(t, { issuer: issuer.issuer, jwks: {} })
  app.get('/', async () => 'in')
  const token = await tokenOf({ iss: issuer.issuer })
  for (let i = 0; i < 2; i++) await app.inject({ url: '/', headers: bearer(token) })
  t.strictSame(app.resourceServer.statistics(), {
    ...NOTHING,
    cacheMisses: 2,
    rejections: { temporarily_unavailable: 2 },
  })
})
