/** Sessions of the embedded server, and the logout tokens that it issues and sends. */
import { spawnSync } from 'node:child_process'
import type { RequestListener } from 'node:http'
import { mock } from 'node:test'
import Fastify from 'fastify'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import resourceServer from '../../src/index.js'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type EventTokenOptions,
  passwordGrant,
  type SessionSelector,
  type TokenProfileName,
} from '../../src/testing/index.js'
import { cannedServer, respondWith } from './fixtures/canned-server.js'
import { basic, postForm } from './fixtures/post-form.js'

const WEB = { clientId: 'web', clientSecret: 'web-secret' }
const JANE = { username: 'jane', password: 'pw' }
const JOE = { username: 'joe', password: 'pw', sub: 'u-joe' }
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const iat = 1_800_000_000

function start(t: Test, options: AuthorizationServerOptions = {}) {
  const accounts = { clients: [WEB], users: [JANE, JOE] }
  return createAuthorizationServer({ algorithm: 'ES256', ...accounts, ...options }).then(
    (server) => {
      t.teardown(() => server.close())
      return server
    },
  )
}

/** A client whose logout endpoint responds with the listener. */
async function startClient(t: Test, listener: RequestListener = respondWith(200, 'done')) {
  const { url, seen } = await cannedServer(t, listener)
  return { uri: `${url}/logout?x=1`, seen }
}

const signIn = ({ issuer }: AuthorizationServer, { username, password } = JANE) => {
  const scope = 'openid offline_access orders:read'
  return passwordGrant({ issuer, ...WEB, username, password, scope })
}

const refresh = (server: AuthorizationServer, token: string | undefined) =>
  postForm(
    server.tokenEndpoint,
    { grant_type: 'refresh_token', refresh_token: `${token}` },
    basic('web', 'web-secret'),
  )

const isActive = async (server: AuthorizationServer, token: string) =>
  (await postForm(server.introspectionEndpoint, { token }, basic('web', 'web-secret'))).body.active

t.test('issues logout tokens as Back-Channel Logout §2.4 requires', async (t) => {
  const server = await start(t, { now: () => iat * 1000 })
  const userOnly = decodeJwt(await server.issueLogoutToken())
  t.notOk('sid' in userOnly, 'without a session')
  const { sid } = decodeJwt(await server.issueToken())
  const token = await server.issueLogoutToken()
  t.same(decodeProtectedHeader(token), {
    alg: 'ES256',
    kid: server.keySet().keys[0]?.kid,
    typ: 'logout+jwt',
  })
  const { payload } = await jwtVerify(token, createLocalJWKSet(server.keySet()), {
    currentDate: new Date(iat * 1000),
  })
  t.match(payload.jti, /^[\da-f-]{36}$/)
  t.not(payload.jti, userOnly.jti)
  t.same(payload, {
    iss: server.issuer,
    aud: 'web',
    iat,
    exp: iat + 120,
    jti: payload.jti,
    events: { [EVENT]: {} },
    sub: 'jane',
    sid,
  })
  t.same(server.requests.other, 0)
  const { sid: latest } = decodeJwt(await server.issueToken())
  t.equal(decodeJwt(await server.issueLogoutToken()).sid, latest)
})

t.test('issues wrong logout tokens on demand', async (t) => {
  const server = await start(t)
  const claims = { sub: undefined, events: undefined, nonce: 'n', aud: ['a', 'b'], exp: '1' }
  const options: EventTokenOptions = { header: { typ: undefined, kid: 'k' }, algorithm: 'EdDSA' }
  const token = await server.issueLogoutToken(claims, options)
  const { sub, events, ...rest } = decodeJwt<Record<string, unknown>>(token)
  t.match(rest, { nonce: 'n', aud: ['a', 'b'], exp: '1' })
  t.same([sub, events], [undefined, undefined])
  t.same(decodeProtectedHeader(token), { alg: 'EdDSA', kid: 'k' })
  const forged = await server.issueLogoutToken({}, { forged: true })
  t.equal(decodeProtectedHeader(forged).kid, server.keySet().keys[0]?.kid)
  await t.rejects(jwtVerify(forged, createLocalJWKSet(server.keySet())), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
  const before = server.keySet().keys.length
  const other = { forged: true, algorithm: 'ES384', header: { kid: 'k' } } as const
  t.same(decodeProtectedHeader(await server.issueLogoutToken({}, other)), {
    alg: 'ES384',
    kid: 'k',
    typ: 'logout+jwt',
  })
  t.equal(server.keySet().keys.length, before + 1, 'publishes the key with the kid')
  await using noUsers = await createAuthorizationServer({ algorithm: 'ES256', users: [] })
  t.same(Object.keys(decodeJwt(await noUsers.issueLogoutToken())).sort(), [
    'aud',
    'events',
    'exp',
    'iat',
    'iss',
    'jti',
  ])
})

t.test('names the invalid option of a logout token', async (t) => {
  const server = await start(t)
  const cases: [unknown, RegExp][] = [
    [{ typ: 'JWT' }, /Unknown option "typ" of issueLogoutToken/],
    [{ algorithm: 'HS256' }, /"algorithm" must be one of/],
    [{ forged: 1 }, /"forged" must be true or false/],
  ]
  for (const [options, message] of cases) {
    const issuing = server.issueLogoutToken({}, options as EventTokenOptions)
    await t.rejects(issuing, { name: 'TypeError', message })
  }
})

t.test('all tokens of a sign-in have its session ID', async (t) => {
  const server = await start(t)
  const { access_token, id_token, refresh_token } = await signIn(server)
  const { sid } = decodeJwt(access_token)
  t.match(sid, /^[\da-f-]{36}$/)
  t.equal(decodeJwt(`${id_token}`).sid, sid)
  const { body } = await refresh(server, refresh_token)
  t.equal(decodeJwt(`${body.access_token}`).sid, sid)
  const exchange = async (token: string) => {
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: type,
    }
    return (await postForm(server.tokenEndpoint, form, basic('web', 'web-secret'))).body
  }
  const exchanged = `${(await exchange(access_token)).access_token}`
  t.equal(decodeJwt(exchanged).sid, sid, 'after a token exchange')
  const custom = await exchange(await server.issueToken({ sub: 'ada', sid: 's-1' }))
  t.match(decodeJwt(`${custom.access_token}`), { sub: 'ada', sid: 's-1' })
  const none = await exchange(await server.issueToken({ sub: 'ada', sid: undefined }))
  t.notOk('sid' in decodeJwt(`${none.access_token}`))
  t.not(decodeJwt((await signIn(server)).access_token).sid, sid, 'another sign-in')
  t.notOk('sid' in decodeJwt(await server.issueToken({}, { subject: 'client' })))

  await server.endSession({ sid: `${sid}` })
  for (const token of [access_token, `${body.access_token}`, exchanged]) {
    t.equal(await isActive(server, token), false)
  }
  t.match((await refresh(server, body.refresh_token)).body, { error: 'invalid_grant' })
})

t.test('ends one session, and sends a logout token for it to each client', async (t) => {
  const [web, app] = [await startClient(t), await startClient(t, respondWith(400, 'no'))]
  const clients = [
    { ...WEB, backchannelLogoutUri: web.uri },
    { clientId: 'silent' },
    { clientId: 'app', backchannelLogoutUri: app.uri },
  ]
  const server = await start(t, { clients })
  const [ended, kept] = [await signIn(server), await signIn(server)]
  const { sid } = decodeJwt(ended.access_token)
  const sent = await server.endSession({ sid: `${sid}` })
  t.match(sent, [
    { clientId: 'web', uri: web.uri, status: 200, body: 'done', error: undefined },
    { clientId: 'app', uri: app.uri, status: 400, body: 'no', error: undefined },
  ])
  for (const [i, { clientId, logoutToken }] of sent.entries()) {
    t.match(decodeJwt(logoutToken), { aud: clientId, sid, sub: 'jane', events: { [EVENT]: {} } })
    const [request, ...others] = (i === 0 ? web : app).seen
    t.same(others, [])
    t.match(request, { method: 'POST', url: '/logout?x=1' })
    t.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded')
    t.same([...(request?.form ?? [])], [['logout_token', logoutToken]])
  }
  t.not(decodeJwt(`${sent[0]?.logoutToken}`).jti, decodeJwt(`${sent[1]?.logoutToken}`).jti)
  t.equal(await isActive(server, ended.access_token), false)
  t.equal(await isActive(server, kept.access_token), true)
  t.equal((await refresh(server, kept.refresh_token)).status, 200)
  await t.rejects(server.endSession({ sid: `${sid}` }), /"sid" must be the ID of an active session/)
})

t.test('ends all sessions of a user, and sends logout tokens without sid', async (t) => {
  const { uri, seen } = await startClient(t)
  const server = await start(t)
  server.setBackchannelLogoutUri(uri)
  const [one, two] = [await signIn(server), await signIn(server)]
  const other = await signIn(server, JOE)
  const [sent, ...more] = await server.endSession({ user: 'jane' })
  t.same(more, [])
  const claims = decodeJwt(`${sent?.logoutToken}`)
  t.equal(claims.sub, 'jane')
  t.notOk('sid' in claims)
  for (const { access_token, refresh_token } of [one, two]) {
    t.equal(await isActive(server, access_token), false)
    t.equal((await refresh(server, refresh_token)).status, 400)
  }
  t.equal(await isActive(server, other.access_token), true)
  const again = await signIn(server)
  t.equal(await isActive(server, again.access_token), true, 'the user can sign in again')

  server.setBackchannelLogoutUri(undefined, 'web')
  t.same(await server.endSession({ user: 'jane' }), [])
  t.equal(seen.length, 1)
})

t.test('disables a user, who then cannot sign in', async (t) => {
  const { uri } = await startClient(t)
  const server = await start(t, { clients: [{ ...WEB, backchannelLogoutUri: uri }] })
  const granted = await signIn(server, JOE)
  const [sent] = await server.disableUser('joe')
  t.match(sent, { status: 200 })
  t.equal(decodeJwt(`${sent?.logoutToken}`).sub, 'u-joe')
  t.equal(await isActive(server, granted.access_token), false)
  t.equal((await refresh(server, granted.refresh_token)).status, 400)
  await t.rejects(signIn(server, JOE), { message: /invalid_grant/ })
  await t.resolves(signIn(server))
  const wrong = { ...JOE, password: 'wrong' }
  const describe = async (user: typeof JOE) => {
    const form = { grant_type: 'password', ...user }
    return (await postForm(server.tokenEndpoint, form, basic('web', 'web-secret'))).body
  }
  t.match(await describe(wrong), { error_description: /credentials/ }, 'hides who is disabled')
  t.match(await describe(JOE), { error_description: 'The user is disabled.' })
})

t.test('issueToken issues tokens of disabled users and ended sessions, inactive', async (t) => {
  const server = await start(t)
  const active = await server.issueToken({ sid: 's-1' })
  t.equal(await isActive(server, active), true)
  await server.endSession({ sid: 's-1' })
  t.equal(await isActive(server, active), false)
  t.equal(await isActive(server, await server.issueToken({ sid: 's-1' })), false)
  t.equal(await isActive(server, await server.issueToken({ sid: 's-2' })), true)
  await server.disableUser('jane')
  t.equal(await isActive(server, await server.issueToken()), false)
  const client = await server.issueToken({ sid: 's-3' }, { subject: 'client' })
  t.equal(await isActive(server, client), true)
  await server.endSession({ sid: 's-3' })
  t.equal(await isActive(server, client), false)
})

t.test('a token request in flight does not survive the end of its session', async (t) => {
  const server = await start(t, { algorithm: 'RS256' })
  const { access_token } = await signIn(server)
  const { sid } = decodeJwt(access_token)
  const [late] = await Promise.all([
    server.issueToken({ sid }),
    server.endSession({ sid: `${sid}` }),
  ])
  t.equal(await isActive(server, `${late}`), false)
})

t.test('sessions of tokens with another subject name this subject', async (t) => {
  const { uri } = await startClient(t)
  const server = await start(t, { clients: [{ ...WEB, backchannelLogoutUri: uri }] })
  const { sid } = decodeJwt(await server.issueToken({ sub: 'ada' }))
  const [sent] = await server.endSession({ sid: `${sid}` })
  t.match(decodeJwt(`${sent?.logoutToken}`), { sub: 'ada', sid })
  const idToken = decodeJwt(await server.issueIdToken({ sub: 'bob', sid: 's-9' }))
  const [second] = await server.endSession({ sid: `${idToken.sid}` })
  t.match(decodeJwt(`${second?.logoutToken}`), { sub: 'bob', sid: 's-9' })
})

t.test('logout tokens identify the user and session as ID tokens of the profile do', async (t) => {
  const profiles: [TokenProfileName, boolean][] = [
    ['standard', true],
    ['okta', false],
    ['auth0', true],
    ['entra', true],
    ['entra-v1', true],
    ['cognito', false],
    ['keycloak', true],
  ]
  for (const [profile, hasSid] of profiles) {
    const server = await start(t, { profile })
    const idToken = decodeJwt(await server.issueIdToken())
    const logout = decodeJwt(await server.issueLogoutToken())
    t.same([logout.sub, logout.sid], [idToken.sub, idToken.sid], profile)
    t.equal('sid' in logout, hasSid, profile)
    const metadata = await fetch(
      `${server.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    )
    t.match(await metadata.json(), {
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: hasSid,
      end_session_endpoint: server.endSessionEndpoint,
    })
  }
})

t.test('a client that fails does not make the call fail', async (t) => {
  const clients = [
    await startClient(t, (request) => request.socket.destroy()),
    await startClient(t, respondWith(302, '', { location: 'http://127.0.0.1:1/' })),
    await startClient(t, (_request, response) => {
      response.writeHead(500)
      const timer = setInterval(() => response.write('x'.repeat(5_000)), 1)
      response.on('close', () => clearInterval(timer))
    }),
    await startClient(t, respondWith(204, '')),
  ]
  const server = await start(t, {
    clients: clients.map(({ uri }, i) => ({ clientId: `c${i}`, backchannelLogoutUri: uri })),
  })
  await server.issueToken({ sid: 's-1' })
  const [broken, moved, endless, empty] = await server.endSession({ sid: 's-1' })
  t.equal(broken?.status, undefined)
  t.type(broken?.error, Error)
  t.match(moved, { status: 302, error: undefined })
  t.match(endless, { status: 500, body: /^x{4096}$/ })
  t.match(empty, { status: 204, body: '' })
})

t.test('a client that never responds does not hang the call', async (t) => {
  const { uri, seen } = await startClient(t, () => {})
  const server = await start(t, { clients: [{ ...WEB, backchannelLogoutUri: uri }] })
  await server.issueToken({ sid: 's-1' })
  const { setTimeout: realTimeout } = globalThis
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const sending = server.endSession({ sid: 's-1' })
  while (seen.length === 0) await new Promise((resolve) => realTimeout(resolve, 2))
  for (let part = 0; part < 20; part++) mock.timers.tick(500)
  const message = 'no complete response within 5000 ms'
  t.match(await sending, [{ status: undefined, error: { message } }])
})

t.test('the end of the server ends requests to clients', async (t) => {
  let requests = 0
  const { uri } = await startClient(t, () => void requests++)
  const server = await start(t, { clients: [{ ...WEB, backchannelLogoutUri: uri }] })
  await server.issueToken({ sid: 's-1' })
  const sending = server.endSession({ sid: 's-1' })
  while (requests === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  await server.close()
  t.match(await sending, [{ error: { message: 'The server is closed' }, status: undefined }])
  t.match(await server.endSession({ user: 'jane' }), [{ error: Error }])
  t.equal(requests, 1, 'sends nothing after the end')
})

t.test('names the invalid argument', async (t) => {
  const server = await start(t)
  const cases: [unknown, RegExp][] = [
    [{}, /endSession requires either "sid" or "user"/],
    [{ sid: 's', user: 'jane' }, /endSession requires either "sid" or "user"/],
    [{ sid: 7 }, /"sid" must be the ID of an active session/],
    [{ sid: '__proto__' }, /"sid" must be the ID of an active session/],
    [{ user: 'other@example.com' }, /"user" must be the name of a user/],
    [{ session: 's' }, /Unknown option "session" of endSession/],
    [undefined, /The options of endSession must be an object/],
  ]
  for (const [selector, message] of cases) {
    const ending = server.endSession(selector as SessionSelector)
    await t.rejects(ending, { name: 'TypeError', message })
  }
  await t.rejects(server.disableUser('x'), { message: /"username" must be the name of a user/ })
  for (const uri of ['/logout', 'ftp://127.0.0.1/', 'http://127.0.0.1/#f', 7]) {
    const message = /must be an absolute http or https URL without a fragment/
    t.throws(() => server.setBackchannelLogoutUri(uri as string), { name: 'TypeError', message })
    const clients = [{ ...WEB, backchannelLogoutUri: uri as string }]
    await t.rejects(start(t, { clients }), { message: /^"clients\[\]\.backchannelLogoutUri" must/ })
  }
  const unknown = () => server.setBackchannelLogoutUri('http://127.0.0.1/', 'other')
  t.throws(unknown, { message: /"clientId" must be the ID of a client/ })
})

t.test('an ID token without sid ends the sessions of its user', async (t) => {
  for (const profile of ['okta', 'cognito'] as const) {
    const server = await start(t, { profile })
    const jane = await signIn(server)
    const joe = await signIn(server, JOE)
    const hint = (id_token_hint: string) =>
      postForm(server.endSessionEndpoint, { id_token_hint, client_id: 'web' })
    t.equal((await hint(`${jane.id_token}`)).status, 200, profile)
    t.equal(await isActive(server, jane.access_token), false)
    t.equal(await isActive(server, joe.access_token), true)
    t.equal((await hint(await server.issueIdToken({ sub: 'mallory' }))).status, 400)
    const unknown = await server.issueIdToken({ aud: 'gone' })
    const { status } = await postForm(server.endSessionEndpoint, {
      id_token_hint: unknown,
      client_id: 'gone',
    })
    t.equal(status, 400)
  }
})

t.test('RP-Initiated Logout §2: ends the session of an ID token', async (t) => {
  const { uri } = await startClient(t)
  const server = await start(t, {
    clients: [{ ...WEB, backchannelLogoutUri: uri }, { clientId: 'app' }],
  })
  const url = server.endSessionEndpoint
  const { access_token, id_token } = await signIn(server)
  const form = { id_token_hint: `${id_token}`, client_id: 'web', post_logout_redirect_uri: uri }
  const { status, headers, body } = await postForm(url, form)
  t.equal(status, 200, 'and does not redirect')
  t.equal(headers.get('cache-control'), 'no-store')
  t.same(body, { logout_tokens: [{ client_id: 'web', uri, status: 200 }] })
  t.equal(await isActive(server, access_token), false)
  t.same((await postForm(url, form)).body, { logout_tokens: [] }, 'a session that has ended')

  const expired = await server.issueIdToken({ sid: 's-2', exp: 1 })
  const response = await fetch(`${url}?id_token_hint=${expired}`)
  t.match(await response.json(), { logout_tokens: [{ status: 200 }] })

  server.setBackchannelLogoutUri('http://127.0.0.1:1/')
  const unsent = await postForm(url, { id_token_hint: await server.issueIdToken() })
  t.same(unsent.status, 200)
  t.match(unsent.body, { logout_tokens: [{ client_id: 'web', error: String, status: undefined }] })

  const wrong = {
    'no hint': {},
    'no token': { id_token_hint: 'x' },
    'an access token': { id_token_hint: await server.issueToken() },
    'a token without sid': { id_token_hint: await server.issueIdToken({ sid: undefined }) },
    'another issuer': { id_token_hint: await server.issueIdToken({ iss: 'https://x.example' }) },
    'another client': { id_token_hint: await server.issueIdToken(), client_id: 'app' },
  }
  for (const [title, form] of Object.entries(wrong)) {
    const { status, body } = await postForm(url, form as Record<string, string>)
    t.match([status, body], [400, { error: 'invalid_request' }], title)
  }
  t.equal((await fetch(url)).status, 400, 'without a query')
  t.equal(server.requests.logout, 11)
  t.equal((await fetch(url, { method: 'PUT' })).status, 405)
})

t.test('an API rejects the tokens of a session that ended at the server', async (t) => {
  const server = await start(t)
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: server.issuer,
    audience: 'api://default',
    backchannelLogout: { path: '/logout', clientIds: ['web'] },
  })
  app.get('/me', async ({ claims }) => claims.sub)
  server.setBackchannelLogoutUri(`${await app.listen({ host: '127.0.0.1', port: 0 })}/logout`)
  const statusOf = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await app.inject({ url: '/me', headers })).statusCode
  }
  const [ended, kept] = [await signIn(server), await signIn(server)]
  t.equal(await statusOf(ended.access_token), 200)
  t.match(await server.endSession({ sid: `${decodeJwt(ended.access_token).sid}` }), [
    { status: 200, body: '' },
  ])
  t.same([await statusOf(ended.access_token), await statusOf(kept.access_token)], [401, 200])
  t.match(await server.disableUser('jane'), [{ status: 200 }])
  t.equal(await statusOf(kept.access_token), 401)
})

t.test('a server with a request in flight does not keep the process alive', async (t) => {
  const program = `
    import { createServer } from 'node:http'
    import { createAuthorizationServer } from 'fastify-resource-server/testing'
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
    const client = createServer(() => {}).listen(0, '127.0.0.1', async () => {
      const backchannelLogoutUri = 'http://127.0.0.1:' + client.address().port
      const clients = [{ clientId: 'web', backchannelLogoutUri }]
      const server = await createAuthorizationServer({ algorithm: 'ES256', clients })
      server.endSession({ user: 'testuser1@example.com' })
      client.on('request', async () => {
        await server.close()
        client.close()
        client.closeAllConnections()
        setImmediate(() => process.stdout.write(String(timers().length)))
      })
    })`
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program],
    {
      env,
      timeout: 120_000,
      encoding: 'utf8',
    },
  )
  t.same([status, stdout, stderr], [0, '0', ''], 'no timer keeps it alive')
})
