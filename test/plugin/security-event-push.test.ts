/** P: the routes to which transmitters push security event tokens (RFC 8935). */
import Fastify from 'fastify'
import t from 'tap'
import resourceServer, {
  memoryStore,
  type PluginOptions,
  type PushedSecurityEventFeed,
} from '../../src/index.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { rawRequest } from '../fixtures/raw-http.js'
import { CAEP, eventToken, STREAM, USER } from '../fixtures/security-events.js'

const SET = { 'content-type': 'application/secevent+jwt' }
const OTHER = 'https://signals.example'
const other = await makeKey('ES256', 'other')
type Api = Awaited<ReturnType<typeof protectedApi>>

const post = (app: Api, payload: string, headers: Record<string, string> = SET, url = '/events') =>
  app.inject({ method: 'POST', url, headers, payload })

async function api(
  t: Parameters<typeof protectedApi>[0],
  feed: Partial<PushedSecurityEventFeed> = {},
  options: Partial<PluginOptions> = {},
  server = {},
) {
  const securityEvents = { issuer: ISSUER, audience: STREAM, push: { path: '/events' }, ...feed }
  const app = await protectedApi(t, { securityEvents, ...options }, server)
  app.get('/me', async () => 'in')
  return app
}

t.test('P1: responds with 202 and no body, and the session ended', async (t) => {
  const app = await api(t)
  const headers = bearer(await tokenOf({ sid: 'session-1' }))
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 200)
  const response = await post(app, await eventToken(key), {
    'content-type': 'Application/SecEvent+JWT; charset=utf-8',
  })
  t.equal(response.statusCode, 202)
  t.equal(response.body, '')
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 401)
})

t.test('P2: acknowledges a token that is sent again', async (t) => {
  const app = await api(t)
  const token = await eventToken(key)
  for (let i = 0; i < 3; i++) t.equal((await post(app, token)).statusCode, 202)
  t.match(app.resourceServer.statistics().securityEvents, { revoked: 1, duplicates: 2 })
})

t.test('P3: acknowledges events that revoke nothing', async (t) => {
  const app = await api(t)
  for (const overrides of [
    { events: { 'https://example.com/event': {} } },
    { sub_id: { format: 'email', email: 'a@example.com' } },
  ]) {
    t.equal((await post(app, await eventToken(key, overrides))).statusCode, 202)
  }
})

t.test('P4: responds with 400 and the error code of RFC 8935', async (t) => {
  const app = await api(t)
  const forged = await makeKey('ES256')
  const rs256 = await makeKey('RS256')
  for (const [err, token] of [
    ['invalid_request', 'x'],
    ['invalid_request', await eventToken(key, {}, { typ: 'JWT' })],
    ['invalid_request', await eventToken(key, { events: {} })],
    ['invalid_request', await eventToken(key, { iat: 1 })],
    ['invalid_request', await eventToken(key, { sub: 'user-1' })],
    ['invalid_request', await tokenOf()],
    ['invalid_issuer', await eventToken(key, { iss: OTHER })],
    ['invalid_audience', await eventToken(key, { aud: 'x' })],
    ['invalid_key', await eventToken(other)],
    ['invalid_key', await eventToken(rs256)],
    ['authentication_failed', await eventToken(forged)],
  ] as const) {
    const response = await post(app, token)
    t.equal(response.statusCode, 400, err)
    t.match(response.json(), { err, description: /security event token/ })
    t.strictSame(Object.keys(response.json()), ['err', 'description'])
    t.equal(response.headers['content-language'], 'en')
    t.match(response.headers['content-type'], /^application\/json/)
    t.equal(response.headers['cache-control'], 'no-store')
    t.notOk('www-authenticate' in response.headers)
  }
})

t.test('P5: responds with 400 to another body', async (t) => {
  const app = await api(t)
  const token = await eventToken(key)
  const wrong: [string, Record<string, string>?][] = [
    [''],
    ['x'.repeat(1_000_000)],
    [token, { 'content-type': 'application/jwt' }],
    [token, { 'content-type': 'text/plain' }],
    [JSON.stringify({ token }), { 'content-type': 'application/json' }],
    [token, {}],
  ]
  for (const [payload, headers] of wrong) {
    const response = await post(app, payload, headers)
    t.equal(response.statusCode, 400, JSON.stringify(headers))
    t.match(response.json(), { err: 'invalid_request', description: /^The body must be one/ })
  }
  t.equal((await post(app, token)).statusCode, 202, 'the token was not received yet')
  t.not((await app.inject({ url: '/events' })).statusCode, 202)
})

t.test('P6: compares the Authorization header before it reads the body', async (t) => {
  const authorization = ['Bearer first-secret', 'Bearer second-secret']
  const app = await api(t, { push: { path: '/events', authorization } })
  const token = await eventToken(key)
  for (const wrong of [undefined, '', 'Bearer', 'bearer first-secret', 'Bearer first-secre', 'x']) {
    const headers = wrong === undefined ? SET : { ...SET, authorization: wrong }
    for (const payload of [token, 'x'.repeat(1_000_000)]) {
      const response = await post(app, payload, headers)
      t.equal(response.statusCode, 400)
      t.match(response.json(), {
        err: 'authentication_failed',
        description: /Authorization header/,
      })
      t.notMatch(response.body, /secret/)
    }
  }
  t.match(app.resourceServer.statistics().securityEvents, { rejected: 0, revoked: 0 })
  for (const right of authorization) {
    const response = await post(app, token, { ...SET, authorization: right })
    t.equal(response.statusCode, 202)
  }
})

t.test('P7: each route accepts only its own transmitter', async (t) => {
  const securityEvents = [
    { issuer: ISSUER, audience: STREAM, push: { path: '/events' } },
    {
      issuer: OTHER,
      audience: STREAM,
      tokenIssuers: ISSUER,
      jwks: { keys: [other.publicJwk] },
      push: { path: '/signals' },
    },
  ]
  const app = await protectedApi(t, { securityEvents })
  const foreign = await eventToken(other, { iss: OTHER })
  t.match((await post(app, foreign)).json(), { err: 'invalid_issuer' })
  t.match((await post(app, await eventToken(key), SET, '/signals')).json(), {
    err: 'invalid_issuer',
  })
  t.equal((await post(app, foreign, SET, '/signals')).statusCode, 202)
  t.equal((await post(app, await eventToken(key))).statusCode, 202)
  t.match(app.resourceServer.securityEventStatus(), [
    { issuer: ISSUER, revoked: 1, rejected: 0 },
    { issuer: OTHER, revoked: 1, rejected: 0 },
  ])
})

t.test('P8: responds with 503 while a store is unavailable, and never acknowledges', async (t) => {
  for (const method of ['mergeRevocations', 'get', 'set']) {
    const store = faultyStore()
    const use = method === 'mergeRevocations' ? 'revocations' : 'replay'
    const app = await api(t, {}, { stores: { revocations: memoryStore(), [use]: store } })
    const token = await eventToken(key)
    store.failing.add(method)
    const response = await post(app, token)
    t.equal(response.statusCode, 503)
    t.equal(response.headers['retry-after'], '1')
    t.match(response.json(), { err: 'temporarily_unavailable' })
    store.failing.clear()
    t.equal((await post(app, token)).statusCode, 202)
  }
})

t.test('P9: bounds the tokens in processing', async (t) => {
  const store = faultyStore()
  const app = await api(t, {}, { stores: { replay: store, revocations: memoryStore() } })
  store.hanging.add('get')
  for (let i = 0; i < 200; i++) void post(app, await eventToken(key)).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal((await post(app, await eventToken(key))).statusCode, 503)
  t.equal(store.calls.length, 200, 'the last token did not reach the store')
})

t.test('an error of the application is a 500, and no acknowledgement', async (t) => {
  const resolveSubject = () => {
    throw new Error('secret-connection-string')
  }
  const app = await api(t, { resolveSubject })
  const token = await eventToken(key, { sub_id: { format: 'email', email: 'x' } })
  const response = await post(app, token)
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, /secret/)
})

t.test('an application that rejects an event denies access', async (t) => {
  const { InvalidTokenError } = await import('../../src/index.js')
  const resolveSubject = () => {
    throw new InvalidTokenError('The tenant is suspended', { check: 'policy' })
  }
  const app = await api(t, { resolveSubject })
  const token = await eventToken(key, { sub_id: { format: 'email', email: 'x' } })
  t.match((await post(app, token)).json(), { err: 'access_denied' })
})

t.test('logs the check, and nothing of the token', async (t) => {
  const lines: string[] = []
  const logger = { stream: { write: (line: string) => void lines.push(line) } }
  const app = await api(t, {}, {}, { logger })
  const evil = await makeKey('ES256', 'evil-kid')
  const secret = { jti: 'secret-jti', sub_id: { ...USER, sub: 'secret-sub' }, txn: 'secret-txn' }
  for (const token of [
    await eventToken(evil, secret),
    await eventToken(key, { ...secret, events: { [`${CAEP}secret-event`]: 'x' } }),
    await eventToken(key, { ...secret, sub: 'secret-sub' }),
    await eventToken(key, secret),
  ]) {
    const response = await post(app, token)
    t.notMatch(response.body + lines.join(''), /secret-|evil-kid|eyJ/)
  }
  t.match(lines.join(''), /"check":"key".*"msg":"security event token rejected: The security event/)
})

t.test('leaves the content types and the routes of the application alone', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(
    async (context) => {
      const securityEvents = { issuer: ISSUER, audience: STREAM, push: { path: '/events' } }
      await context.register(resourceServer, { ...given(), securityEvents })
      context.post('/json', async (request) => request.body)
    },
    { prefix: '/v1' },
  )
  const headers = { ...bearer(await tokenOf()), 'content-type': 'application/json' }
  t.equal((await post(app, '{"a":1}', headers, '/v1/json')).body, '{"a":1}')
  t.equal((await post(app, 'x', { ...headers, ...SET }, '/v1/json')).statusCode, 415)
  t.equal((await post(app, await eventToken(key), SET, '/v1/events')).statusCode, 202)
  t.equal((await app.inject({ url: '/v1/json' })).statusCode, 404)
})

t.test('with a second Authorization header, compares the first', async (t) => {
  const app = await api(t, { push: { path: '/events', authorization: 'Bearer right' } })
  const port = new URL(await app.listen({ port: 0 })).port
  const token = await eventToken(key)
  const statusFor = async (...values: string[]) => {
    const credentials = values.map((value) => `authorization: ${value}`)
    const lines = ['content-type: application/secevent+jwt', ...credentials]
    const request = { method: 'POST', path: '/events', lines, body: token }
    return (await rawRequest(Number(port), request)).status
  }
  t.equal(await statusFor('Bearer wrong', 'Bearer right'), 400)
  t.equal(await statusFor('Bearer right'), 202)
})

t.test('names the option that is invalid', async (t) => {
  const feed = { issuer: ISSUER, audience: STREAM }
  const push = { path: '/events' }
  const invalid: [unknown, RegExp][] = [
    [{ ...feed, push: true }, /^securityEvents: "push" option must be an object with path/],
    [
      [feed, { ...feed, push: {} }],
      /^securityEvents\[1\]: "push.path" option must start with "\/"/,
    ],
    [{ ...feed, push: { path: '/:id' } }, /"push.path" option must start with "\/"/],
    [{ ...feed, push: { ...push, secret: 'x' } }, /Unknown option "secret"/],
    [
      { ...feed, push: { ...push, authorization: '' } },
      /"push.authorization" option must be values/,
    ],
    [
      { ...feed, push: { ...push, authorization: [] } },
      /"push.authorization" option must be values/,
    ],
    [{ ...feed, push: { ...push, authorization: 'x\n' } }, /must be printable ASCII/],
    [{ ...feed, push: { ...push, authorization: ' x' } }, /must be printable ASCII/],
    [
      [
        { ...feed, push },
        { ...feed, issuer: OTHER, push },
      ],
      /"push.path" option must be a path of its own: \/events/,
    ],
    [{ ...feed, audience: undefined, push }, /"audience" option must be/],
    [null, /must be an object with issuer and audience/],
    [[null], /^securityEvents\[0\]: .*must be an object with issuer and audience/],
  ]
  for (const [securityEvents, message] of invalid) {
    const registering = protectedApi(t, { securityEvents: securityEvents as never })
    await t.rejects(registering, { name: 'TypeError', message }, String(message))
  }
  const taken = protectedApi(t, {
    securityEvents: { ...feed, push },
    backchannelLogout: { path: '/events', clientIds: ['x'] },
  })
  await t.rejects(taken, /"push.path" option must be a path of its own/)
  const { createResourceServer } = await import('../../src/index.js')
  const options = { ...given(), securityEvents: { ...feed, push } }
  await t.rejects(createResourceServer(options as never), {
    name: 'TypeError',
    message: /"push" option requires the Fastify plugin/,
  })
  await protectedApi(t, { securityEvents: { ...feed, push: undefined } as never })
})
