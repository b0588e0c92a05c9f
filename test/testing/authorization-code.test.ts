/**
 * Authorization codes of the embedded server: RFC 6749 §4.1, PKCE (RFC 7636), `iss` (RFC 9207),
 * redirect URIs (RFC 8252 §7.3), resources (RFC 8707) and the attacks of RFC 9700 §4.
 */
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import t from 'tap'
import { createAuthorizationServer, dpopProof, generateDPoPKey } from '../../src/testing/index.js'
import { authorizationUrl, CALLBACK, pkce, redeem } from './fixtures/authorization.js'
import { Browser } from './fixtures/browser.js'
import { basic, postForm } from './fixtures/post-form.js'

let seconds = 1_800_000_000
const server = await createAuthorizationServer({
  algorithm: 'ES256',
  now: () => seconds * 1000,
  users: [
    { username: 'ada', password: 'demo-password', sub: 'u-ada' },
    { username: 'bob', password: 'demo-password', scope: ['openid', 'orders:read'] },
  ],
  clients: [
    { clientId: 'app', name: 'Orders app', redirectUris: [CALLBACK, 'https://app.example/cb?x=1'] },
    { clientId: 'web', clientSecret: 'web-secret', redirectUris: [CALLBACK] },
    {
      clientId: 'spa',
      redirectUris: [CALLBACK],
      grantTypes: ['authorization_code', 'refresh_token'],
    },
    { clientId: 'password-only', redirectUris: [CALLBACK], grantTypes: ['password'] },
    { clientId: 'no-redirect' },
    { clientId: 'reader', redirectUris: [CALLBACK], scope: 'orders:read' },
  ],
})
t.teardown(() => server.close())
const { authorizationEndpoint, tokenEndpoint, issuer } = server

function url(challenge: string, parameters: Record<string, string | undefined> = {}) {
  return authorizationUrl(authorizationEndpoint, challenge, parameters)
}

/** Gets a code as a client does. */
async function codeFor(parameters: Record<string, string | undefined> = {}, user = 'ada') {
  const { verifier, challenge } = pkce()
  const location = await new Browser().allow(url(challenge, parameters), user)
  return { verifier, location, code: location.searchParams.get('code') }
}

/** Returns the error that the server sends to the client, without a login. */
async function errorFor(parameters: Record<string, string | undefined>) {
  const { location } = await new Browser().open(url(pkce().challenge, parameters))
  return location?.searchParams.get('error')
}

async function isActive(token: string | undefined): Promise<boolean> {
  const { body } = await postForm(
    server.introspectionEndpoint,
    { token: `${token}` },
    basic('web', 'web-secret'),
  )
  return (body as Record<string, unknown>).active === true
}

t.test(
  'RFC 6749 §4.1: a user logs in, allows the access, and the client gets tokens',
  async (t) => {
    const { verifier, location, code } = await codeFor({ nonce: 'n-1' })
    t.equal(`${location.origin}${location.pathname}`, CALLBACK)
    t.match(code, /^[\w-]{43}$/)
    t.equal(location.searchParams.get('state'), 'state-1')
    t.equal(location.searchParams.get('iss'), issuer, 'RFC 9207 §2')
    const { status, headers, body } = await redeem(tokenEndpoint, code, verifier)
    t.equal(status, 200)
    t.equal(headers.get('cache-control'), 'no-store')
    t.match(body, { token_type: 'Bearer', expires_in: 3600, scope: 'openid orders:read' })
    t.notOk('refresh_token' in body, 'without offline_access')
    const { sid } = decodeJwt(`${body.access_token}`)
    t.match(decodeJwt(`${body.access_token}`), { sub: 'u-ada', client_id: 'app', sid: String })
    t.match(decodeJwt(`${body.id_token}`), {
      iss: issuer,
      sub: 'u-ada',
      aud: 'app',
      nonce: 'n-1',
      auth_time: seconds,
      at_hash: String,
      sid,
    })
  },
)

t.test(
  'RFC 6749 §4.1.1: accepts the request as a form, and redirect URIs with a query',
  async (t) => {
    const { challenge, verifier } = pkce()
    const redirect_uri = 'https://app.example/cb?x=1'
    const [, query = ''] = url(challenge, { redirect_uri, state: undefined }).split('?')
    const browser = new Browser()
    const page = await browser.open(authorizationEndpoint, {
      method: 'POST',
      body: new URLSearchParams(query),
    })
    t.equal(page.status, 200)
    const consent = await browser.submit(page, { user: 'ada' })
    const { location } = await browser.submit(consent, { decision: 'allow' })
    t.match(location?.href, /^https:\/\/app\.example\/cb\?x=1&code=[\w-]{43}&iss=/)
    const code = `${location?.searchParams.get('code')}`
    t.equal((await redeem(tokenEndpoint, code, verifier, { redirect_uri })).status, 200)
  },
)

t.test(
  'RFC 6749 §4.1.2.1: never redirects if the client or its redirect URI is unknown',
  async (t) => {
    const wrong: Record<string, Record<string, string | undefined>> = {
      'no client_id': { client_id: undefined },
      'an unknown client': { client_id: 'nope' },
      'a client without redirect URIs': { client_id: 'no-redirect' },
      'no redirect_uri': { redirect_uri: undefined },
      'another host': { redirect_uri: 'https://evil.example/callback' },
      'another path': { redirect_uri: `${CALLBACK}/x` },
      'a trailing slash': { redirect_uri: `${CALLBACK}/` },
      'an added query': { redirect_uri: `${CALLBACK}?x=1` },
      'a fragment': { redirect_uri: `${CALLBACK}#x` },
      'localhost for 127.0.0.1': { redirect_uri: 'http://localhost:4000/callback' },
      'https for http': { redirect_uri: 'https://127.0.0.1:4000/callback' },
      'credentials that look like a port': {
        redirect_uri: 'http://127.0.0.1:4000@evil.example/callback',
      },
      'another port of another host': { redirect_uri: 'https://app.example:444/cb?x=1' },
      'a port out of range': { redirect_uri: 'http://127.0.0.1:99999/callback' },
      'a case variant': { redirect_uri: 'https://APP.example/cb?x=1' },
      'a too long request': { state: 'x'.repeat(8_001) },
      script: { redirect_uri: 'javascript:alert(1)' },
    }
    for (const [title, parameters] of Object.entries(wrong)) {
      // A wrong parameter elsewhere must not lead to a redirect either.
      for (const more of [{}, { response_type: 'token' }, { prompt: 'none' }]) {
        const { status, headers, text, location } = await new Browser().open(
          url(pkce().challenge, { ...parameters, ...more }),
        )
        t.equal(status, 400, title)
        t.equal(location, undefined)
        t.match(headers.get('content-type'), 'text/html')
        t.notMatch(text, /href=|<form/, 'and the page leads nowhere')
      }
    }
    const twice = `${url(pkce().challenge)}&redirect_uri=${encodeURIComponent('https://evil.example/')}`
    t.equal((await new Browser().open(twice)).status, 400, 'RFC 6749 §3.1: a repeated parameter')
    t.equal((await new Browser().open(authorizationEndpoint)).status, 400, 'no query')
    const json = await new Browser().open(authorizationEndpoint, { method: 'POST', body: '{}' })
    t.equal(json.status, 400, 'another media type')
  },
)

t.test('the page for an unknown client or redirect URI says what to change', async (t) => {
  const textOf = async (parameters: Record<string, string | undefined>) =>
    (await new Browser().open(url(pkce().challenge, parameters))).text
  const unknown = await textOf({ client_id: 'gone<' })
  t.match(unknown, '<code>gone&lt;</code>')
  t.match(unknown, 'let the client forget its login')
  const other = await textOf({ redirect_uri: `${CALLBACK}/` })
  t.match(other, `<dt>In the request</dt>\n<dd><code>${CALLBACK}/</code></dd>`)
  t.match(other, `<li><code>${CALLBACK}</code></li>`)
  t.match(await textOf({ client_id: 'no-redirect' }), '<dt>Registered</dt>\n<dd>none</dd>')
  for (const parameters of [
    { redirect_uri: undefined },
    { client_id: undefined },
    { state: 'x'.repeat(8_001) },
  ]) {
    const text = await textOf(parameters)
    t.match(text, 'Cannot log in')
    t.notMatch(text, /Registered|forget/)
  }
})

t.test('RFC 8252 §7.3: the port of a loopback address may be another one', async (t) => {
  const redirect_uri = 'http://127.0.0.1:51234/callback'
  const { code, verifier, location } = await codeFor({ redirect_uri })
  t.equal(location.host, '127.0.0.1:51234')
  t.match((await redeem(tokenEndpoint, code, verifier)).body, { error: 'invalid_grant' })
  const again = await codeFor({ redirect_uri })
  const { status } = await redeem(tokenEndpoint, again.code, again.verifier, { redirect_uri })
  t.equal(status, 200, 'if the client repeats the URI that it has used')
})

t.test('RFC 6749 §4.1.2.1: sends other errors to the client, with state and iss', async (t) => {
  const { location } = await new Browser().open(url(pkce().challenge, { response_type: 'token' }))
  t.equal(`${location?.origin}${location?.pathname}`, CALLBACK)
  t.match(Object.fromEntries(location?.searchParams ?? []), {
    error: 'unsupported_response_type',
    error_description: String,
    state: 'state-1',
    iss: issuer,
  })
  const errors: [string, Record<string, string | undefined>][] = [
    ['invalid_request', { response_type: undefined }],
    ['unsupported_response_type', { response_type: 'code id_token' }],
    ['invalid_request', { response_mode: 'form_post' }],
    ['unauthorized_client', { client_id: 'password-only' }],
    ['invalid_scope', { scope: 'openid nope' }],
    ['invalid_target', { resource: 'not-absolute' }],
    ['invalid_target', { resource: `https://api.example/${'x'.repeat(2_000)}` }],
    ['request_not_supported', { request: 'eyJ' }],
    ['request_uri_not_supported', { request_uri: 'urn:x' }],
    ['invalid_request', { prompt: 'none login' }],
    ['invalid_request', { prompt: 'create' }],
    ['invalid_request', { max_age: '-1' }],
    ['invalid_request', { dpop_jkt: 'short' }],
    ['login_required', { prompt: 'none' }],
  ]
  for (const [error, parameters] of errors) t.equal(await errorFor(parameters), error, error)
  const denied = new Browser()
  const page = await denied.submit(await denied.open(url(pkce().challenge)), { user: 'ada' })
  const response = await denied.submit(page, { decision: 'deny' })
  t.equal(response.status, 303, 'RFC 9700 §4.12: not 307')
  t.equal(response.location?.searchParams.get('error'), 'access_denied')
  t.notOk(response.location?.searchParams.has('code'))
})

t.test('sends the response in the fragment if the client asks for it', async (t) => {
  const inFragment = { response_mode: 'fragment' }
  const { verifier, challenge } = pkce()
  const location = await new Browser().allow(url(challenge, inFragment), 'ada')
  t.equal(location.search, '')
  const { code, ...rest } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
  t.same(rest, { state: 'state-1', iss: issuer })
  t.equal((await redeem(tokenEndpoint, `${code}`, verifier)).status, 200)
  const wrong = await new Browser().open(url(challenge, { ...inFragment, prompt: 'none' }))
  t.match(wrong.location?.hash, /^#error=login_required&/)
})

t.test('RFC 7636: requires PKCE with S256 of public clients', async (t) => {
  const { verifier, challenge } = pkce()
  t.equal(await errorFor({ code_challenge: undefined }), 'invalid_request')
  const none = { code_challenge: undefined, code_challenge_method: undefined }
  t.equal(await errorFor(none), 'invalid_request')
  t.equal(
    await errorFor({ code_challenge: verifier, code_challenge_method: 'plain' }),
    'invalid_request',
  )
  t.equal(
    await errorFor({ code_challenge_method: undefined }),
    'invalid_request',
    'plain by default',
  )
  t.equal(await errorFor({ code_challenge: `${challenge}=` }), 'invalid_request')
  for (const [title, parameters] of Object.entries({
    'another verifier': { code_verifier: pkce().verifier },
    'no verifier': { code_verifier: '' },
    'the challenge': { code_verifier: challenge },
    'a short verifier': { code_verifier: 'short' },
  })) {
    const { code } = await codeFor()
    const { status, body } = await redeem(tokenEndpoint, code, verifier, parameters)
    t.match([status, body], [400, { error: 'invalid_grant' }], title)
  }
})

t.test('a confidential client needs no PKCE, but its secret', async (t) => {
  const none = { code_challenge: undefined, code_challenge_method: undefined, client_id: 'web' }
  const { code } = await codeFor(none)
  const form = { grant_type: 'authorization_code', redirect_uri: CALLBACK, code: `${code}` }
  const anonymous = await postForm(tokenEndpoint, { ...form, client_id: 'web' })
  t.match([anonymous.status, anonymous.body], [401, { error: 'invalid_client' }])
  t.equal((await postForm(tokenEndpoint, form, basic('web', 'web-secret'))).status, 200)

  t.equal(await errorFor({ ...none, code_challenge_method: 'S256' }), 'invalid_request')
  const downgraded = await codeFor(none)
  const injected = await postForm(
    tokenEndpoint,
    { ...form, code: `${downgraded.code}`, code_verifier: pkce().verifier },
    basic('web', 'web-secret'),
  )
  t.match(injected.body, { error: 'invalid_grant' }, 'RFC 9700 §4.8.2: PKCE downgrade')
})

t.test('RFC 6749 §4.1.3: a code is for one client, one redirect URI and one minute', async (t) => {
  const wrong: Record<string, Record<string, string>> = {
    'another client': { client_id: 'spa' },
    'another redirect URI': { redirect_uri: 'https://app.example/cb?x=1' },
    'an unknown code': { code: 'x'.repeat(43) },
  }
  for (const [title, parameters] of Object.entries(wrong)) {
    const { code, verifier } = await codeFor()
    const { status, body } = await redeem(tokenEndpoint, code, verifier, parameters)
    t.match([status, body], [400, { error: 'invalid_grant' }], title)
  }
  for (const name of ['code', 'redirect_uri']) {
    const { code, verifier } = await codeFor()
    const { body } = await redeem(tokenEndpoint, code, verifier, { [name]: '' })
    t.match(body, { error: 'invalid_request' }, name)
    t.equal(
      (await redeem(tokenEndpoint, code, verifier)).status,
      200,
      'and the code is still valid',
    )
  }
  const { code, verifier } = await codeFor()
  seconds += 60
  t.match((await redeem(tokenEndpoint, code, verifier)).body, { error: 'invalid_grant' }, 'late')
  const inTime = await codeFor()
  seconds += 59
  t.equal((await redeem(tokenEndpoint, inTime.code, inTime.verifier)).status, 200)
})

t.test(
  'RFC 6749 §4.1.2: a code that is used twice revokes its tokens, and no others',
  async (t) => {
    const scope = 'openid orders:read offline_access'
    const other = await codeFor({ scope })
    const others = (await redeem(tokenEndpoint, other.code, other.verifier)).body
    const { code, verifier } = await codeFor({ scope })
    const { body } = await redeem(tokenEndpoint, code, verifier)
    t.equal(await isActive(body.access_token), true)
    t.match((await redeem(tokenEndpoint, code, verifier, { client_id: 'spa' })).body, {
      error: 'invalid_grant',
    })
    t.equal(await isActive(body.access_token), true, 'another client revokes nothing')
    t.match((await redeem(tokenEndpoint, code, verifier)).body, { error: 'invalid_grant' })
    t.equal(await isActive(body.access_token), false)
    const refresh = { grant_type: 'refresh_token', client_id: 'app' }
    const used = { ...refresh, refresh_token: `${body.refresh_token}` }
    t.match((await postForm(tokenEndpoint, used)).body, { error: 'invalid_grant' })
    t.equal(await isActive(others.access_token), true)
    const valid = { ...refresh, refresh_token: `${others.refresh_token}` }
    t.equal((await postForm(tokenEndpoint, valid)).status, 200)

    const raced = await codeFor({ scope })
    const results = await Promise.all(
      [1, 2, 3].map(() => redeem(tokenEndpoint, raced.code, raced.verifier)),
    )
    t.equal(results.filter(({ status }) => status === 200).length, 1, 'concurrent requests, too')
    const [winner] = results.filter(({ status }) => status === 200)
    t.equal(await isActive(winner?.body.access_token), false)
  },
)

t.test(
  'issues refresh tokens, rotates them, and detects their reuse (RFC 9700 §4.14)',
  async (t) => {
    const { code, verifier } = await codeFor({ client_id: 'spa', nonce: 'n-1' })
    const { body } = await redeem(tokenEndpoint, code, verifier, { client_id: 'spa' })
    t.match(body, { refresh_token: String }, 'the client has registered the grant type')
    const refresh = (token: string | undefined) =>
      postForm(tokenEndpoint, {
        grant_type: 'refresh_token',
        client_id: 'spa',
        refresh_token: `${token}`,
      })
    const second = await refresh(body.refresh_token)
    t.equal(second.status, 200)
    t.not(second.body.refresh_token, body.refresh_token)
    t.match(decodeJwt(`${second.body.id_token}`), { sub: 'u-ada', nonce: undefined })
    t.match((await refresh(body.refresh_token)).body, { error: 'invalid_grant' }, 'reuse')
    t.match(
      (await refresh(second.body.refresh_token)).body,
      { error: 'invalid_grant' },
      'revokes all',
    )
    t.equal(await isActive(second.body.access_token), false)
  },
)

t.test('RFC 8707: the token is for the requested resource only', async (t) => {
  const resource = 'https://api.example/mcp'
  const { code, verifier } = await codeFor({ resource })
  const { body } = await redeem(tokenEndpoint, code, verifier, { resource })
  t.equal(decodeJwt(`${body.access_token}`).aud, resource)
  for (const granted of [undefined, 'https://api.example/other']) {
    const again = await codeFor({ resource: granted })
    const refused = await redeem(tokenEndpoint, again.code, again.verifier, { resource })
    t.match(refused.body, { error: 'invalid_target' }, `${granted}`)
  }
  const silent = await codeFor({ resource })
  const kept = await redeem(tokenEndpoint, silent.code, silent.verifier)
  t.equal(decodeJwt(`${kept.body.access_token}`).aud, resource, 'without resource, the granted one')
})

t.test('grants the part of the scope that client and user may have', async (t) => {
  const scopeOf = async (parameters: Record<string, string | undefined>, user = 'ada') => {
    const { code, verifier } = await codeFor(parameters, user)
    const { client_id = 'app' } = parameters
    return (await redeem(tokenEndpoint, code, verifier, { client_id })).body.scope
  }
  t.equal(await scopeOf({ scope: undefined }), 'orders:read orders:write')
  t.equal(await scopeOf({ scope: 'openid orders:write orders:read' }, 'bob'), 'openid orders:read')
  t.equal(await scopeOf({ client_id: 'reader', scope: 'openid orders:read' }), 'orders:read')
  const browser = new Browser()
  const forWriter = await browser.open(url(pkce().challenge, { scope: 'orders:write' }))
  const { location } = await browser.submit(forWriter, { user: 'bob' })
  t.equal(location?.searchParams.get('error'), 'invalid_scope', 'nothing may be granted')
})

t.test('RFC 9449 §10: binds a code to a DPoP key', async (t) => {
  const key = await generateDPoPKey()
  const proof = () =>
    dpopProof({ key, url: tokenEndpoint, method: 'POST', claims: { iat: seconds } })
  const { code, verifier } = await codeFor({ client_id: 'spa', dpop_jkt: key.thumbprint })
  const client_id = 'spa'
  t.match((await redeem(tokenEndpoint, code, verifier, { client_id })).body, {
    error: 'invalid_grant',
  })
  const bound = await codeFor({ client_id, dpop_jkt: key.thumbprint })
  const { body } = await redeem(
    tokenEndpoint,
    bound.code,
    bound.verifier,
    { client_id },
    { dpop: await proof() },
  )
  t.match(body, { token_type: 'DPoP' })
  t.match(decodeJwt(`${body.access_token}`), { cnf: { jkt: key.thumbprint } })
})

t.test('the end of a session ends codes and the login', async (t) => {
  const browser = new Browser()
  const { challenge, verifier } = pkce()
  const location = await browser.allow(url(challenge), 'bob')
  await server.endSession({ user: 'bob' })
  const { body } = await redeem(tokenEndpoint, location.searchParams.get('code'), verifier)
  t.match(body, { error: 'invalid_grant' }, 'a code that was not redeemed yet')
  t.match((await browser.open(url(challenge))).text, '<h1>Log in</h1>')
})

t.test('forgets the oldest of more than 1,000 codes', async (t) => {
  const first = await codeFor()
  const browser = new Browser()
  const { challenge } = pkce()
  const consent = await browser.submit(await browser.open(url(challenge)), { user: 'ada' })
  for (let i = 0; i < 100; i += 1) {
    await Promise.all(
      Array.from({ length: 10 }, () => browser.submit(consent, { decision: 'allow' })),
    )
  }
  const { body } = await redeem(tokenEndpoint, first.code, first.verifier)
  t.match(body, { error: 'invalid_grant' })
})

t.test('with the profile auth0, the token of a code has no "gty"', async (t) => {
  await using auth0 = await createAuthorizationServer({
    algorithm: 'ES256',
    profile: 'auth0',
    clients: [{ clientId: 'app', redirectUris: [CALLBACK] }],
  })
  const { verifier, challenge } = pkce()
  const request = authorizationUrl(auth0.authorizationEndpoint, challenge)
  const location = await new Browser().allow(request, 'testuser1@example.com')
  t.equal(location.searchParams.get('iss'), `${auth0.url}/`)
  const code = location.searchParams.get('code')
  const { body } = await redeem(auth0.tokenEndpoint, code, verifier)
  t.match(decodeJwt(`${body.access_token}`), { azp: 'app', gty: undefined })
  t.match(decodeJwt(await auth0.issueToken()), { gty: 'password' })
})

t.test('arbitrary requests neither redirect elsewhere nor fail', async (t) => {
  const name = fc.constantFrom(
    ...[
      'client_id',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
      'nonce',
      'prompt',
      'request',
    ],
    ...[
      'code_challenge',
      'code_challenge_method',
      'max_age',
      'resource',
      'response_mode',
      'login_hint',
    ],
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(CALLBACK, `${CALLBACK}.evil.example`, 'none', 'code', 'app', 'web', '\r\nx: y'),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
  )
  const hosts = new Set<string | undefined>()
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 6 }), async (parameters) => {
      const { status, location, headers } = await new Browser().open(
        url(pkce().challenge, parameters),
      )
      hosts.add(location?.host)
      const isKnown = [undefined, '127.0.0.1:4000'].includes(location?.host)
      return isKnown && [200, 303, 400].includes(status) && headers.has('cache-control')
    }),
    { numRuns: 300 },
  )
  t.equal(hosts.size, 2, 'some requests redirect, others do not')
})
