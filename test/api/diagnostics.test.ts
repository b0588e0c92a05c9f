/** Messages on the diagnostics channels. */
import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type DiagnosticsMessages,
  type DiagnosticsName,
  onDiagnostics,
} from '../../src/index.js'
import {
  createAuthorizationServer,
  dpopProof,
  generateDPoPKey,
  testClient,
} from '../../src/testing/index.js'
import { bearer, protectedApi, tokenOf } from '../fixtures/protected-api.js'

type Published = { [Name in DiagnosticsName]: DiagnosticsMessages[Name][] }

function listen(t: Test): Published {
  const published: Published = {
    'token:accept': [],
    'token:reject': [],
    'jwks:fetch': [],
    'introspection:response': [],
    'dpop:replay': [],
    'logout:accept': [],
    'logout:reject': [],
    'security-event:accept': [],
    'security-event:reject': [],
  }
  for (const name of Object.keys(published) as DiagnosticsName[]) {
    t.teardown(onDiagnostics(name, (message) => void published[name].push(message as never)))
  }
  return published
}

t.test('publishes accepted and rejected requests', async (t) => {
  const published = listen(t)
  const app = await protectedApi(t)
  app.get('/', async () => 'ok')
  app.get('/open', { config: { auth: false } }, async () => 'ok')
  const token = await tokenOf()
  await app.inject({ url: '/', headers: bearer(token) })
  await app.inject({ url: '/', headers: bearer(token) })
  t.equal(published['token:accept'].length, 2, 'including the cached token')
  t.equal(published['token:accept'][0]?.token.subject, 'user-1')
  t.match(published['token:accept'][0]?.context, { url: '/' })
  t.notMatch(
    inspect(published['token:accept'][0]?.token, { depth: 9 }),
    token,
    'the token is not in the message',
  )
  await app.inject('/')
  await app.inject({ url: '/', headers: bearer(await tokenOf({ exp: 1 })) })
  t.strictSame(
    published['token:reject'].map(({ error }) => [error.code, error.check]),
    [
      ['missing_credentials', 'credentials'],
      ['invalid_token', 'expiry'],
    ],
  )
  await app.inject('/open')
  t.equal(
    published['token:accept'].length + published['token:reject'].length,
    4,
    'open routes publish nothing',
  )
})

t.test('verify() publishes the same messages', async (t) => {
  const published = listen(t)
  const app = await protectedApi(t)
  await app.ready()
  await app.resourceServer.verify(await tokenOf(), {}, { job: 7 } as never)
  await app.resourceServer.verify('x', {}, { job: 8 } as never).catch(() => {})
  t.match(published['token:accept'], [{ context: { job: 7 } }])
  t.match(published['token:reject'], [{ error: { check: 'token' }, context: { job: 8 } }])
})

t.test('publishes successful and failed key fetches', async (t) => {
  const published = listen(t)
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const server = await createResourceServer({ issuer: issuer.issuer, audience: 'api://default' })
  t.teardown(() => server.close())
  await server.refreshKeys()
  t.match(published['jwks:fetch'], [
    { issuer: issuer.issuer, outcome: 'fetched', keyCount: 1, durationMs: Number },
  ])
  issuer.fail('reset')
  await server.refreshKeys().catch(() => {})
  t.match(published['jwks:fetch'][1], {
    issuer: issuer.issuer,
    outcome: 'failed',
    retryInMs: Number,
  })
  t.type(published['jwks:fetch'][1]?.error, Error)
})

t.test('publishes introspection requests', async (t) => {
  const published = listen(t)
  const issuer = await createAuthorizationServer({
    algorithm: 'ES256',
    accessTokenFormat: 'opaque',
  })
  t.teardown(() => issuer.close())
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    introspection: { clientId: testClient.clientId, clientSecret: testClient.clientSecret },
  })
  t.teardown(() => server.close())
  await server.verify(await issuer.issueToken())
  await server.verify('unknown').catch(() => {})
  t.match(published['introspection:response'], [
    { issuer: issuer.issuer, outcome: 'active', durationMs: Number },
    { outcome: 'inactive' },
  ])
  await issuer.close()
  await server.verify('another').catch(() => {})
  t.match(published['introspection:response'][2], { outcome: 'failed' })
  t.type(published['introspection:response'][2]?.error, Error)
})

t.test('publishes a replayed proof', async (t) => {
  const published = listen(t)
  const key = await generateDPoPKey()
  const url = 'https://api.example/'
  const app = await protectedApi(t, { dpop: { baseUrl: url } })
  app.get('/', async () => 'ok')
  const accessToken = await tokenOf({ cnf: { jkt: key.thumbprint } })
  const dpop = await dpopProof({ key, url, accessToken })
  const headers = { authorization: `DPoP ${accessToken}`, dpop }
  await app.inject({ url: '/', headers })
  t.same(published['dpop:replay'], [])
  await app.inject({ url: '/', headers })
  t.same(published['dpop:replay'], [{ jkt: key.thumbprint }])
})

t.test('an unsubscribed listener gets no messages, and no subscriber costs nothing', async (t) => {
  const end = onDiagnostics('token:accept', () => t.fail('published'))
  t.ok(channel('fastify-resource-server:token:accept').hasSubscribers)
  end()
  t.notOk(channel('fastify-resource-server:token:accept').hasSubscribers)
  const app = await protectedApi(t)
  app.get('/', async () => 'ok')
  t.equal((await app.inject({ url: '/', headers: bearer(await tokenOf()) })).statusCode, 200)
  t.throws(() => onDiagnostics('unknown' as never, () => {}), {
    name: 'TypeError',
    message:
      /Unknown diagnostics channel "unknown"\. Channels: token:accept, token:reject, jwks:fetch, introspection:response, dpop:replay/,
  })
})
