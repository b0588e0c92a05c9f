/** The UserInfo endpoint of the embedded authorization server (OpenID Connect Core §5.3). */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import {
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type TokenProfileName,
  testClient,
} from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const ADA = {
  username: 'ada',
  password: 'demo-password',
  claims: { name: 'Ada', email: 'ada@example.com', phone_number: '+1', groups: ['Admins'] },
}

async function start(t: Test, options: AuthorizationServerOptions = {}) {
  const server = await createAuthorizationServer({ algorithm: 'ES256', users: [ADA], ...options })
  t.teardown(() => server.close())
  const { userInfoEndpoint } = server
  return {
    server,
    async logIn(scope: string) {
      const { username, password } = ADA
      const form = { grant_type: 'password', username, password, scope }
      const client = basic(testClient.clientId, testClient.clientSecret)
      const { body } = await postForm(server.tokenEndpoint, form, client)
      return body as { access_token: string; id_token: string }
    },
    async ask(init: RequestInit = {}) {
      const response = await fetch(userInfoEndpoint, init)
      const { status, headers } = response
      const body = (await response.json()) as Record<string, unknown>
      return { status, headers, body, challenge: headers.get('www-authenticate') }
    },
  }
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const posted = (access_token: string, init: RequestInit = {}) => ({
  method: 'POST',
  body: new URLSearchParams({ access_token }),
  ...init,
})

t.test('releases the claims of the user by scope (§5.4)', async (t) => {
  const { server, logIn, ask } = await start(t)
  const document = `${server.issuer}/.well-known/openid-configuration`
  t.match(await (await fetch(document)).json(), { userinfo_endpoint: server.userInfoEndpoint })
  const always = { sub: 'ada', groups: ['Admins'] }
  const cases = {
    openid: always,
    'openid profile': { ...always, name: 'Ada', preferred_username: 'ada' },
    'openid email orders:read': { ...always, email: 'ada@example.com' },
  }
  for (const [scope, claims] of Object.entries(cases)) {
    const { status, headers, body } = await ask(bearer((await logIn(scope)).access_token))
    t.equal(status, 200)
    t.same(body, claims, scope)
    t.match(headers.get('content-type'), 'application/json')
    t.equal(headers.get('cache-control'), 'no-store')
  }
})

for (const accessTokenFormat of ['jwt', 'opaque'] as const) {
  t.test(
    `accepts GET and POST, with the token in a header or a form (${accessTokenFormat})`,
    async (t) => {
      const { logIn, ask } = await start(t, { accessTokenFormat })
      const { access_token } = await logIn('openid')
      const { headers } = bearer(access_token)
      for (const init of [{ headers }, { method: 'POST', headers }, posted(access_token)]) {
        t.match(await ask(init), { status: 200, body: { sub: 'ada' } })
      }
    },
  )
}

t.test('the sub is that of the ID token (§5.3.2)', async (t) => {
  const profiles: TokenProfileName[] = ['standard', 'okta', 'auth0', 'entra', 'cognito', 'keycloak']
  for (const profile of profiles) {
    const { logIn, ask } = await start(t, { profile })
    const { access_token, id_token } = await logIn('openid')
    const { body } = await ask(bearer(access_token))
    t.equal(body.sub, decodeJwt(id_token).sub, profile)
    t.type(body.sub, 'string')
  }
})

t.test('rejects requests as RFC 6750 §3.1 requires', async (t) => {
  const { server, logIn, ask } = await start(t)
  const { access_token } = await logIn('openid')
  const issue = (claims = {}, options = {}) =>
    server.issueToken(claims, { scope: 'openid', ...options })
  const invalid = 'error="invalid_token", '
  const revoked = await issue()
  server.revoke(revoked)
  const cases: Record<string, [RequestInit, number, string]> = {
    'no token': [{}, 401, 'Bearer realm="userinfo", scope="openid"'],
    'another scheme': [{ headers: { authorization: 'Basic YTpi' } }, 401, 'userinfo", scope='],
    'a token in two places': [posted(access_token, bearer(access_token)), 400, 'invalid_request'],
    'two words': [bearer('a b'), 400, 'error="invalid_request"'],
    'unknown token': [bearer('unknown'), 401, invalid],
    'expired token': [bearer(await issue({ exp: 1 })), 401, invalid],
    'revoked token': [bearer(revoked), 401, invalid],
    'sender-constrained token': [bearer(await issue({ cnf: { jkt: 'x' } })), 401, invalid],
    'another subject': [bearer(await issue({ sub: 'mallory' })), 401, invalid],
    'token of a client': [bearer(await issue({}, { subject: 'client' })), 401, invalid],
    'no openid': [
      bearer((await logIn('profile orders:read')).access_token),
      403,
      'error="insufficient_scope", error_description="The access token lacks the scope openid", scope="openid"',
    ],
  }
  for (const [name, [init, status, challenge]] of Object.entries(cases)) {
    const response = await ask(init)
    t.equal(response.status, status, name)
    t.match(response.challenge, challenge, name)
    t.notMatch(JSON.stringify([...response.headers, response.body]), access_token)
  }
  t.match(await ask(posted(access_token, { method: 'PUT' })), { status: 405 })
  t.match(await ask(posted('a'.repeat(70_000))), {
    status: 413,
    body: { error: 'invalid_request' },
  })
})

t.test('rejects tokens of an ended session', async (t) => {
  const { server, logIn, ask } = await start(t)
  const { access_token } = await logIn('openid')
  await server.endSession({ user: 'ada' })
  t.match(await ask(bearer(access_token)), { status: 401, body: { error: 'invalid_token' } })
})
