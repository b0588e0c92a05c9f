/** Dynamic client registration (RFC 7591), redirect URIs, and CORS for pages of loopback origins. */
import t from 'tap'
import { redirectUriProblem } from '../../src/testing/authorization-server/authorization/redirect-uris.js'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { authorizationUrl, CALLBACK, pkce, redeem } from './fixtures/authorization.js'
import { Browser } from './fixtures/browser.js'
import { basic, postForm } from './fixtures/post-form.js'

const server = await createAuthorizationServer({ algorithm: 'ES256', now: () => 1_800_000_000_500 })
t.teardown(() => server.close())
const { registrationEndpoint, authorizationEndpoint, tokenEndpoint } = server
const ada = testUser.username

async function register(
  metadata: unknown,
  headers: Record<string, string> = {},
  endpoint = registrationEndpoint,
) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
  })
  const body = (await response.json()) as Record<string, string>
  return { status: response.status, headers: response.headers, body }
}

const PUBLIC = { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' }

t.test('RFC 7591 §3.2.1: registers a public client', async (t) => {
  const { status, headers, body } = await register({
    ...PUBLIC,
    client_name: 'Editor',
    grant_types: ['authorization_code', 'refresh_token', 'urn:x:unknown'],
    response_types: ['code'],
    scope: 'orders:read',
    software_id: 'ignored',
  })
  t.equal(status, 201)
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(body.client_id, /^[\w-]{36}$/)
  t.same(body, {
    client_id: body.client_id,
    client_id_issued_at: 1_800_000_000,
    client_name: 'Editor',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'openid profile email offline_access orders:read orders:write',
  })
  const { verifier, challenge } = pkce()
  const client_id = `${body.client_id}`
  const url = authorizationUrl(authorizationEndpoint, challenge, { client_id })
  const browser = new Browser()
  const consent = await browser.submit(await browser.open(url), { user: ada })
  t.match(consent.text, /<strong>Editor<\/strong>.*This client registered itself/s)
  const { location } = await browser.submit(consent, { decision: 'allow' })
  const code = `${location?.searchParams.get('code')}`
  const tokens = await redeem(tokenEndpoint, code, verifier, { client_id })
  t.match(tokens.body, { access_token: String, id_token: String, refresh_token: String })
  const next = await postForm(tokenEndpoint, {
    grant_type: 'refresh_token',
    client_id,
    refresh_token: `${tokens.body.refresh_token}`,
  })
  t.equal(next.status, 200)

  const hint = new URLSearchParams({ id_token_hint: `${tokens.body.id_token}` })
  const loggedOut = await browser.open(`${server.endSessionEndpoint}?${hint}`)
  t.match(loggedOut.text, '<h1>Logged out</h1>')
})

t.test('RFC 7591 §2: registers a confidential client by default', async (t) => {
  const { body } = await register({
    redirect_uris: ['https://app.example/cb'],
    post_logout_redirect_uris: ['https://app.example/bye'],
  })
  t.match(body, {
    client_secret: /^[\w-]{43}$/,
    client_secret_expires_at: 0,
    token_endpoint_auth_method: 'client_secret_basic',
    post_logout_redirect_uris: ['https://app.example/bye'],
    grant_types: ['authorization_code'],
  })
  const authorization = basic(`${body.client_id}`, `${body.client_secret}`)
  for (const grant_type of ['client_credentials', 'password']) {
    const response = await postForm(
      tokenEndpoint,
      { grant_type, username: ada, password: testUser.password },
      authorization,
    )
    t.match(response.body, { error: 'unauthorized_client' }, 'it has registered another grant')
  }
  const wrong = await postForm(
    tokenEndpoint,
    { grant_type: 'authorization_code' },
    basic(`${body.client_id}`, 'x'),
  )
  t.match([wrong.status, wrong.body], [401, { error: 'invalid_client' }])
})

t.test('RFC 7591 §3.2.2: rejects invalid metadata', async (t) => {
  const invalid: [string, unknown][] = [
    ['invalid_redirect_uri', {}],
    ['invalid_redirect_uri', { redirect_uris: [] }],
    ['invalid_redirect_uri', { redirect_uris: CALLBACK }],
    ['invalid_redirect_uri', { redirect_uris: Array(11).fill(CALLBACK) }],
    ['invalid_redirect_uri', { redirect_uris: [CALLBACK, 7] }],
    ['invalid_redirect_uri', { redirect_uris: ['http://app.example/cb'] }],
    ['invalid_redirect_uri', { ...PUBLIC, post_logout_redirect_uris: ['javascript:alert(1)'] }],
    ['invalid_client_metadata', { ...PUBLIC, token_endpoint_auth_method: 'private_key_jwt' }],
    ['invalid_client_metadata', { ...PUBLIC, token_endpoint_auth_method: 7 }],
    ['invalid_client_metadata', { ...PUBLIC, grant_types: ['password'] }],
    ['invalid_client_metadata', { ...PUBLIC, grant_types: 'authorization_code' }],
    ['invalid_client_metadata', { ...PUBLIC, response_types: ['token'] }],
    ['invalid_client_metadata', { ...PUBLIC, client_name: 7 }],
    ['invalid_client_metadata', { ...PUBLIC, client_name: ' ' }],
    ['invalid_client_metadata', { ...PUBLIC, client_name: 'x'.repeat(101) }],
    ['invalid_client_metadata', { ...PUBLIC, client_name: 'a\u202Eb' }],
    ['invalid_client_metadata', []],
    ['invalid_client_metadata', '{'],
    ['invalid_client_metadata', '{"redirect_uris":[],"redirect_uris":[]}'],
  ]
  for (const [error, metadata] of invalid) {
    const { status, body } = await register(metadata)
    t.match([status, body], [400, { error, error_description: String }], JSON.stringify(metadata))
  }
  const large = await register({ ...PUBLIC, padding: 'x'.repeat(70_000) })
  t.equal(large.status, 413)
  t.equal((await fetch(registrationEndpoint)).status, 405)
})

t.test('pages of other machines cannot register clients', async (t) => {
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
    const { status, body } = await register(PUBLIC, { origin })
    t.match([status, body], [403, { error: 'access_denied' }], origin)
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
    const { status, body } = await register(PUBLIC, { 'content-type': type })
    t.match([status, body], [400, { error: 'invalid_client_metadata' }], 'needs no preflight')
  }
  t.equal((await register(PUBLIC, { origin: 'http://localhost:6274' })).status, 201)
})

t.test('forgets the least recently used of more than 500 registered clients', async (t) => {
  await using other = await createAuthorizationServer({ algorithm: 'ES256' })
  const add = async () =>
    `${(await register(PUBLIC, {}, other.registrationEndpoint)).body.client_id}`
  const open = async (client_id: string) =>
    (
      await new Browser().open(
        authorizationUrl(other.authorizationEndpoint, pkce().challenge, { client_id }),
      )
    ).status
  const [used, unused] = [await add(), await add()]
  for (let i = 0; i < 49; i += 1) await Promise.all(Array.from({ length: 10 }, add))
  for (let i = 0; i < 8; i += 1) await add()
  t.equal(await open(used), 200)
  await add()
  t.equal(await open(used), 200)
  t.equal(await open(unused), 400)
  await t.resolves(
    passwordGrant({ issuer: other.issuer, ...testClient, ...testUser }),
    'and never a client of the options',
  )
})

t.test(
  'RFC 9700 §4.11.2: an error is no redirect for a client that registered itself',
  async (t) => {
    const remote = ['https://evil.example/cb', 'com.evil.app:/cb']
    const { body } = await register({ ...PUBLIC, redirect_uris: [...remote, CALLBACK] })
    const open = (redirect_uri: string) =>
      new Browser().open(
        authorizationUrl(authorizationEndpoint, pkce().challenge, {
          client_id: `${body.client_id}`,
          redirect_uri,
          scope: 'nope',
        }),
      )
    for (const redirect_uri of remote) {
      const { status, location, text } = await open(redirect_uri)
      t.match([status, location], [400, undefined])
      t.match(text, `<a href="${redirect_uri}?error=invalid_scope&amp;`)
    }
    const { location } = await open(CALLBACK)
    t.equal(location?.searchParams.get('error'), 'invalid_scope', 'loopback is this machine')
  },
)

t.test('RFC 8252 §7: which redirect URIs a client may have', async (t) => {
  const valid = [
    'https://app.example/cb',
    'https://app.example:8443/cb?x=1&y=%20',
    'http://localhost:3000/',
    'http://127.0.0.1/cb',
    'http://[::1]:80/cb',
    'http://app.localhost/cb',
    'com.example.app:/cb',
    'com.example.app://cb',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'vscode://vscode.github-authentication/did-authenticate',
  ]
  const invalid = [
    undefined,
    7,
    '',
    '/cb',
    'app.example/cb',
    'https://',
    "https://app.example;frame-ancestors'/cb",
    'https://app.example,default-src/cb',
    'https://*.example/cb',
    'http://app.example/cb',
    'http://10.0.0.1/cb',
    'http://127.0.0.1.evil.example/cb',
    'https://user@app.example/cb',
    'https://user:pw@app.example/cb',
    'https://app.example/cb#x',
    'https://app.example/cb#',
    'https://app.example\\@evil.example/cb',
    'https://app.example/c b',
    'https://app.example/\r\nset-cookie:x',
    'https://münchen.example/cb',
    'https://app.example/<script>',
    'https://app.example/"',
    `https://app.example/${'x'.repeat(1_000)}`,
    'javascript:alert(1)',
    'javascript://x/%0aalert(1)',
    'JAVASCRIPT://x/%0aalert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://app.example/x',
    'ws://app.example/',
    'intent://x/',
    'chrome://settings',
    'ms-settings://x',
    'myapp:cb',
    'urn:ietf:wg:oauth:2.0:oob',
  ]
  for (const uri of valid) t.equal(redirectUriProblem(uri), undefined, uri)
  for (const uri of invalid) t.type(redirectUriProblem(uri), 'string', `${uri}`)
})

t.test('createAuthorizationServer names invalid redirect URIs of clients', async (t) => {
  const start = (client: object) =>
    createAuthorizationServer({ algorithm: 'ES256', clients: [{ clientId: 'a', ...client }] })
  await t.rejects(start({ redirectUris: ['http://app.example/'] }), {
    message: '"clients[].redirectUris[0]" must use https, unless its host is loopback',
  })
  await t.rejects(start({ redirectUris: CALLBACK }), /"clients\[\].redirectUris" must be an array/)
  await t.rejects(
    start({ postLogoutRedirectUris: ['x'] }),
    /"clients\[\].postLogoutRedirectUris\[0\]"/,
  )
  await t.rejects(start({ name: '' }), /"clients\[\].name" must be a non-empty string/)
})

t.test('pages of loopback origins may read metadata, keys, tokens and registrations', async (t) => {
  const { issuer, jwksUri, revocationEndpoint, url } = server
  const readable: [string, string][] = [
    ['GET', `${issuer}/.well-known/openid-configuration`],
    ['GET', `${url}/.well-known/oauth-authorization-server/oauth2/default`],
    ['GET', jwksUri],
    ['GET', server.userInfoEndpoint],
    ['POST', tokenEndpoint],
    ['POST', revocationEndpoint],
    ['POST', registrationEndpoint],
  ]
  const own = ['http://localhost:3000', 'http://127.0.0.1:8080', 'https://[::1]:8443']
  const foreign = [
    'https://evil.example',
    'null',
    'http://127.0.0.1.evil.example',
    'http://localhost:3000/',
  ]
  for (const [method, endpoint] of readable) {
    for (const origin of own) {
      const { headers } = await fetch(endpoint, { method, headers: { origin } })
      t.equal(headers.get('access-control-allow-origin'), origin, endpoint)
      t.equal(headers.get('access-control-allow-credentials'), 'true', 'keycloak-js sends cookies')
      t.equal(headers.get('vary'), 'Origin')
      const preflight = await fetch(endpoint, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': method },
      })
      t.equal(preflight.status, 204)
      t.equal(preflight.headers.get('access-control-allow-origin'), origin)
      t.match(preflight.headers.get('access-control-allow-methods'), method)
      t.equal(preflight.headers.get('access-control-allow-headers'), '*, authorization')
    }
    for (const origin of foreign) {
      for (const sent of [method, 'OPTIONS']) {
        const { headers } = await fetch(endpoint, { method: sent, headers: { origin } })
        t.equal(headers.get('access-control-allow-origin'), null, `${sent} ${origin}`)
      }
    }
    t.equal((await fetch(endpoint, { method })).headers.get('vary'), 'Origin')
  }
  const [origin = ''] = own
  for (const endpoint of [authorizationEndpoint, server.introspectionEndpoint]) {
    const { status, headers } = await fetch(endpoint, { method: 'OPTIONS', headers: { origin } })
    t.match([status, headers.get('access-control-allow-origin')], [405, null], endpoint)
  }
})
