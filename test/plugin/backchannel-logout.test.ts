/** L2: the route for logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5, §2.8). */
import cors from '@fastify/cors'
import Fastify from 'fastify'
import t from 'tap'
import resourceServer, { memoryStore, type PluginOptions } from '../../src/index.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { makeKey } from '../fixtures/issuer.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const backchannelLogout = { path: '/logout', clientIds: [CLIENT_ID] }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
type Api = Awaited<ReturnType<typeof protectedApi>>

const post = (app: Api, payload: string, headers: Record<string, string> = FORM, url = '/logout') =>
  app.inject({ method: 'POST', url, headers, payload })
const form = (...tokens: string[]) =>
  new URLSearchParams(tokens.map((token): [string, string] => ['logout_token', token])).toString()

async function api(t: Parameters<typeof protectedApi>[0], options: Partial<PluginOptions> = {}) {
  const app = await protectedApi(t, { backchannelLogout, ...options })
  app.get('/me', async () => 'in')
  return app
}

t.test('L2: responds with 200 and no body, and the session ended', async (t) => {
  const app = await api(t)
  const headers = bearer(await tokenOf({ sid: 'session-1' }))
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 200)
  const response = await post(app, form(await logoutToken(key)), {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
  })
  t.equal(response.statusCode, 200)
  t.equal(response.body, '')
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal((await app.inject({ url: '/me', headers })).statusCode, 401)
})

t.test('ends the session on an instance that shares the store, without a request', async (t) => {
  const stores = { revocations: memoryStore() }
  const [one, two] = [await api(t, { stores }), await api(t, { stores })]
  const headers = bearer(await tokenOf({ sid: 'session-1' }))
  t.equal((await two.inject({ url: '/me', headers })).statusCode, 200)
  await post(one, form(await logoutToken(key)))
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  t.equal((await two.inject({ url: '/me', headers })).statusCode, 401)
})

t.test('L2: responds with 400 to anything but one logout token', async (t) => {
  const app = await api(t)
  const token = await logoutToken(key)
  const wrong: [string, Record<string, string>?][] = [
    [''],
    ['logout_token'],
    ['token=x'],
    [form(token, token)],
    [form('x'.repeat(1_000_000))],
    [`${form(token)}&x=${'x'.repeat(17_000)}`],
    [JSON.stringify({ logout_token: token }), { 'content-type': 'application/json' }],
    [form(token), { 'content-type': 'text/plain' }],
    ['', {}],
  ]
  for (const [payload, headers] of wrong) {
    const response = await post(app, payload, headers)
    t.equal(response.statusCode, 400, payload.slice(0, 20))
    t.equal(response.headers['cache-control'], 'no-store')
    t.match(response.json(), { error: 'invalid_request', error_description: /^The / })
    t.notOk('www-authenticate' in response.headers)
  }
  t.equal((await post(app, form(token))).statusCode, 200, 'the token was not used')
})

t.test('responds with 500 if no more revocations are possible', async (t) => {
  const app = await api(t, { revocations: { maxEntries: 1 } })
  await app.resourceServer.revoke({ jti: 'another' })
  const token = await logoutToken(key)
  const response = await post(app, form(token))
  t.equal(response.statusCode, 500, 'not 200: the session is not revoked')
  t.notMatch(response.body, token)
})

t.test('L2: responds with 400 to an invalid token, and shows nothing of it', async (t) => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const app = await protectedApi(t, { backchannelLogout }, { logger: { stream } })
  const evil = await makeKey('ES256', 'evil-kid')
  for (const token of [
    await logoutToken(evil, { sub: 'secret-sub', sid: 'secret-sid' }),
    await logoutToken(key, { sub: 'secret-sub', sid: 'secret-sid', nonce: 'secret-nonce' }),
  ]) {
    const response = await post(app, form(token))
    t.equal(response.statusCode, 400)
    t.match(response.json(), { error: 'invalid_request', error_description: /logout token/ })
    t.notMatch(response.body + lines.join(''), /secret-|evil-kid|eyJ/)
  }
  t.match(lines.join(''), /"check":"type".*"msg":"logout token rejected: The token is not a logout/)
})

t.test('responds with 503 and Retry-After if the store is unavailable', async (t) => {
  const store = faultyStore()
  const app = await api(t, { stores: { revocations: store } })
  store.failing.add('mergeRevocations')
  const token = form(await logoutToken(key))
  const response = await post(app, token)
  t.equal(response.statusCode, 503)
  t.equal(response.headers['retry-after'], '1')
  t.equal(response.json().error, 'temporarily_unavailable')
  store.failing.clear()
  t.equal((await post(app, token)).statusCode, 200)
})

t.test('responds with 500 if the revocations are full', async (t) => {
  const app = await api(t, { revocations: { maxEntries: 1 } })
  app.resourceServer.revoke({ jti: 'x' })
  t.equal((await post(app, form(await logoutToken(key)))).statusCode, 500)
})

t.test('bounds the logout tokens in verification', async (t) => {
  const store = faultyStore()
  const app = await api(t, { stores: { replay: store } })
  store.hanging.add('get')
  for (let i = 0; i < 200; i++) void post(app, form(await logoutToken(key))).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 200))
  const response = await post(app, form(await logoutToken(key)))
  t.equal(response.statusCode, 503)
  t.equal(response.headers['retry-after'], '1')
  t.equal(store.calls.length, 200, 'the last token did not reach the store')
})

t.test('leaves the content types and the routes of the application alone', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cors, { origin: 'https://a.example' })
  await app.register(
    async (context) => {
      await context.register(resourceServer, { ...given(), backchannelLogout })
      context.post('/json', async (request) => request.body)
    },
    { prefix: '/v1' },
  )
  const headers = { ...bearer(await tokenOf()), 'content-type': 'application/json' }
  t.equal((await post(app, '{"a":1}', headers, '/v1/json')).body, '{"a":1}')
  t.equal((await post(app, 'a=1', { ...headers, ...FORM }, '/v1/json')).statusCode, 415)
  const logout = form(await logoutToken(key))
  t.equal(
    (await post(app, logout, { ...FORM, origin: 'https://b.example' }, '/v1/logout')).statusCode,
    200,
  )
  t.equal((await app.inject({ url: '/v1/json' })).statusCode, 404)
})

t.test('does not count as a route of the application', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (context) => {
    await context.register(resourceServer, { ...given(), backchannelLogout })
  })
  await t.rejects(async () => app.ready(), /guards nothing|no route/)
})

t.test('a polluted Object.prototype disables no route', async (t) => {
  const polluted = Object.prototype as { admits?: unknown }
  polluted.admits = 'x'
  t.teardown(() => {
    delete polluted.admits
  })
  const app = await api(t)
  await app.ready()
  delete polluted.admits
  t.equal((await post(app, form(await logoutToken(key)))).statusCode, 200)
})

t.test('names the option that is invalid', async (t) => {
  const invalid: [unknown, RegExp][] = [
    [true, /"backchannelLogout" option must be an object with path and clientIds/],
    [{ clientIds: ['a'] }, /"backchannelLogout.path" option must start with "\/"/],
    [{ path: 'logout', clientIds: ['a'] }, /"backchannelLogout.path" option must start with "\/"/],
    [{ path: '/:id', clientIds: ['a'] }, /"backchannelLogout.path" option must start with "\/"/],
    [{ path: '/a', clientIds: 'a' }, /"backchannelLogout.clientIds" option must be a non-empty/],
    [{ path: '/a', clientIds: [] }, /"backchannelLogout.clientIds" option must be/],
    [{ path: '/a', clientIds: ['a'], revokes: 'x' }, /"backchannelLogout.revokes" option must be/],
    [{ path: '/a', clientIds: ['a'], maxAge: 1 }, /"backchannelLogout.maxAge" option must be/],
    [{ path: '/a', clientIds: ['a'], clientId: 'a' }, /clientId/],
  ]
  for (const [option, message] of invalid) {
    const registering = protectedApi(t, { backchannelLogout: option as never })
    await t.rejects(registering, { name: 'TypeError', message })
  }
})
