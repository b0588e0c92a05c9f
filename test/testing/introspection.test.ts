import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { createAuthorizationServer, type IntrospectionOverride } from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const signedMedia = 'application/token-introspection+jwt'
const keyed = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(keyed.publicKey)), kid: 'k1' }] }
const start = 1_800_000_000

async function setUp(options: Parameters<typeof createAuthorizationServer>[0] = {}) {
  const clock = { seconds: start }
  const server = await createAuthorizationServer({
    algorithm: 'ES256',
    now: () => clock.seconds * 1000,
    users: [{ username: 'jane', password: 'pw', sub: 'u1', claims: { tenant: 'acme' } }],
    clients: [
      { clientId: 'web', clientSecret: 'web-secret' },
      { clientId: 'api', clientSecret: 'api-secret' },
      { clientId: 'keyed', jwks },
      { clientId: 'cli' },
    ],
    ...options,
  })
  return {
    server,
    clock,
    introspect: (token: string, headers: Record<string, string> = {}) =>
      postForm(
        server.introspectionEndpoint,
        { token, token_type_hint: 'access_token' },
        { ...basic('api', 'api-secret'), ...headers },
      ),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

const expected = {
  active: true,
  scope: 'orders:read orders:write',
  client_id: 'web',
  username: 'jane',
  token_type: 'Bearer',
  sub: 'u1',
  aud: 'api://default',
  tenant: 'acme',
  iat: start,
  exp: start + 3600,
}

for (const format of ['jwt', 'opaque'] as const) {
  t.test(`I1: returns the members of RFC 7662 §2.2 for an active token (${format})`, async (t) => {
    await using setup = await setUp({ accessTokenFormat: format })
    const { server, introspect } = setup
    const { status, headers, body } = await introspect(await server.issueToken())
    t.equal(status, 200)
    t.equal(headers.get('content-type'), 'application/json')
    t.equal(headers.get('cache-control'), 'no-store')
    t.same(body, { ...expected, iss: server.issuer, jti: body.jti, sid: body.sid })
    t.match(body.jti, /^[\da-f-]{36}$/)
    t.match(server.requests, { introspection: 1, token: 0, other: 0 })
  })

  t.test(`reports expired and not yet valid tokens as inactive (${format})`, async (t) => {
    await using setup = await setUp({ accessTokenFormat: format })
    const { server, clock, introspect } = setup
    const usual = await server.issueToken()
    const later = await server.issueToken({ nbf: start + 10 })
    const endless = await server.issueToken({ exp: undefined })
    const odd = [{ exp: `${start + 60}` }, { nbf: 'now' }, { exp: null }]
    const responses = async () =>
      Promise.all([usual, later, endless].map(async (token) => (await introspect(token)).body))
    t.match(await responses(), [{ active: true }, { active: false }, { active: true }])
    clock.seconds = start + 10
    t.match(await responses(), [{ active: true }, { active: true }, { active: true }])
    clock.seconds = start + 3600
    const over = await responses()
    t.same(over[0], { active: false }, 'and nothing else')
    t.match(over[2], { active: true, exp: undefined })
    for (const claims of odd) {
      t.same((await introspect(await server.issueToken(claims))).body, { active: false })
    }
  })
}

t.test('issues opaque tokens if configured, also by the grants', async (t) => {
  await using setup = await setUp({ accessTokenFormat: 'opaque' })
  const { server, introspect } = setup
  const form = { grant_type: 'password', username: 'jane', password: 'pw', scope: 'openid' }
  const { body } = await postForm(server.tokenEndpoint, form, basic('web', 'web-secret'))
  t.match(body.access_token, /^[\w-]{43}$/)
  t.match((await introspect(body.access_token as string)).body, {
    active: true,
    scope: 'openid',
    sub: 'u1',
  })
  const alone = { grant_type: 'client_credentials', scope: 'orders:read' }
  const client = await postForm(server.tokenEndpoint, alone, basic('web', 'web-secret'))
  const about = (await introspect(client.body.access_token as string)).body
  t.match(about, { active: true, sub: 'web', client_id: 'web', scope: 'orders:read' })
  t.notOk('username' in about)
  const tokens = new Set<string>()
  for (let i = 0; i < 50; i += 1) tokens.add(await server.issueToken())
  t.equal(tokens.size, 50)
  t.match(await server.issueToken({}, { format: 'jwt' }), /^eyJ/)
})

t.test('issues an opaque token with any claims on demand', async (t) => {
  await using setup = await setUp()
  const { server, introspect } = setup
  const cnf = { jkt: 'thumbprint' }
  const without = { jti: undefined, sid: undefined }
  const claims = { sub: 'other', client_id: 'mobile', ...without, cnf, active: 'no' }
  const token = await server.issueToken(claims, { format: 'opaque', expiresIn: 60, scope: 'a b' })
  t.match(token, /^[\w-]{43}$/)
  const { body } = await introspect(token)
  t.same(body, {
    active: true,
    scope: 'a b',
    client_id: 'mobile',
    token_type: 'DPoP',
    sub: 'other',
    aud: 'api://default',
    iss: server.issuer,
    tenant: 'acme',
    iat: start,
    exp: start + 60,
    cnf,
  })
  t.notOk('username' in body, 'the subject is another user')
  const certificate = await server.issueToken({ cnf: { 'x5t#S256': 'x' }, client_id: 1 })
  const bound = { token_type: 'Bearer', client_id: 'web', cnf: { 'x5t#S256': 'x' } }
  t.match((await introspect(certificate)).body, bound)
})

t.test('describes tokens of the okta profile as Okta does', async (t) => {
  await using setup = await setUp({ profile: 'okta' })
  const { server, introspect } = setup
  const { body } = await introspect(await server.issueToken())
  t.match(body, { scope: 'orders:read orders:write', client_id: 'web', sub: 'jane', uid: 'u1' })
  t.equal(body.username, 'jane')
  t.notOk('scp' in body)
  t.notOk('cid' in body)
})

t.test('I2: returns only "active": false for everything else', async (t) => {
  await using setup = await setUp()
  await using otherIssuer = await setUp()
  const { server, introspect } = setup
  const token = await server.issueToken()
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const form = {
    grant_type: 'password',
    username: 'jane',
    password: 'pw',
    scope: 'openid offline_access',
  }
  const granted = await postForm(server.tokenEndpoint, form, basic('web', 'web-secret'))
  const accept = { ...basic('api', 'api-secret'), accept: signedMedia }
  const signed = await fetch(server.introspectionEndpoint, {
    method: 'POST',
    headers: accept,
    body: new URLSearchParams({ token }),
  })
  const anythingElse: Record<string, string> = {
    'an unknown token': 'unknown',
    'a token of another issuer': await otherIssuer.server.issueToken(),
    'an opaque token of another issuer': await otherIssuer.server.issueToken(
      {},
      { format: 'opaque' },
    ),
    'another payload': `${header}.${Buffer.from('{}').toString('base64url')}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'a signature of zeros': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'another spelling of the token': `${token}=`,
    'an ID token': await server.issueIdToken(),
    'an ID token that was granted': granted.body.id_token as string,
    'a refresh token': granted.body.refresh_token as string,
    'a signed introspection response': await signed.text(),
    'a token that was expired from the start': await server.issueToken({}, { expiresIn: 0 }),
  }
  for (const [what, value] of Object.entries(anythingElse)) {
    const { status, body } = await introspect(value)
    t.equal(status, 200, what)
    t.same(body, { active: false }, what)
  }
  t.match((await introspect(token)).body, { active: true })
})

t.test('reports a JWT as inactive once its key is no longer published', async (t) => {
  await using setup = await setUp()
  const { server, introspect } = setup
  const withoutKid = await server.issueToken({}, { header: { kid: undefined } })
  const opaque = await server.issueToken({}, { format: 'opaque' })
  const active = async (token: string) => (await introspect(token)).body.active
  await server.rotateKeys()
  t.equal(await active(withoutKid), true, 'the key is still published')
  await server.rotateKeys({ keepOld: false })
  t.equal(await active(withoutKid), false)
  t.equal(await active(opaque), true, 'an opaque token does not depend on the key')
})

t.test('evicts the oldest of more than 20,000 tokens', async (t) => {
  await using setup = await setUp()
  const { server, introspect } = setup
  const make = () => server.issueToken({}, { format: 'opaque' })
  const first = await make()
  const second = await make()
  for (let i = 0; i < 19_999; i += 1) await make()
  t.same((await introspect(first)).body, { active: false })
  t.match((await introspect(second)).body, { active: true })
})

t.test('I1: requires client authentication (RFC 7662 §2.3)', async (t) => {
  await using setup = await setUp()
  const { server } = setup
  const token = await server.issueToken()
  const request = (form: Record<string, string>, headers = {}) =>
    postForm(server.introspectionEndpoint, { token, ...form }, headers)
  const challenge = 'Basic realm="token", charset="UTF-8"'
  const cases: [string, Awaited<ReturnType<typeof request>>, number, string, string | null][] = [
    ['a wrong secret', await request({}, basic('api', 'x')), 401, 'invalid_client', challenge],
    [
      'a token instead of client credentials',
      await request({}, { authorization: `Bearer ${token}` }),
      401,
      'invalid_client',
      challenge,
    ],
    ['no client', await request({}), 401, 'invalid_client', null],
    ['a public client', await request({ client_id: 'cli' }), 401, 'invalid_client', null],
    [
      'a confidential client with only its id',
      await request({ client_id: 'api' }),
      401,
      'invalid_client',
      null,
    ],
    [
      'no token',
      await request({ token: '' }, basic('api', 'api-secret')),
      400,
      'invalid_request',
      null,
    ],
  ]
  for (const [what, { status, headers, body }, wanted, error, challenged] of cases) {
    t.equal(status, wanted, what)
    t.equal(body.error, error, what)
    t.equal(headers.get('www-authenticate'), challenged, what)
    t.notOk('active' in body, what)
  }
  const secret = { client_id: 'api', client_secret: 'api-secret' }
  t.match((await request(secret)).body, { active: true }, 'client_secret_post')
  const get = await fetch(`${server.introspectionEndpoint}?token=${token}`, {
    headers: basic('api', 'api-secret'),
  })
  t.equal(get.status, 405)
  t.equal(get.headers.get('allow'), 'POST')
})

t.test('accepts an assertion once across all endpoints', async (t) => {
  await using setup = await setUp()
  const { server } = setup
  const token = await server.issueToken()
  const { issuer, introspectionEndpoint, revocationEndpoint } = server
  let ids = 0
  const assertion = (aud: string) => {
    ids += 1
    return new SignJWT({ iss: 'keyed', sub: 'keyed', aud, exp: start + 60, jti: `${ids}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(keyed.privateKey)
  }
  const request = async (endpoint: string, client_assertion: string) => {
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return postForm(endpoint, { token, client_assertion, client_assertion_type })
  }
  const valid = await request(introspectionEndpoint, await assertion(issuer))
  t.match(valid.body, { active: true })
  const forEndpoint = await assertion(introspectionEndpoint)
  t.equal((await request(introspectionEndpoint, forEndpoint)).status, 401)
  const once = await assertion(issuer)
  t.equal((await request(introspectionEndpoint, once)).status, 200)
  t.equal((await request(introspectionEndpoint, once)).status, 401)
  t.equal((await request(revocationEndpoint, once)).status, 401)
})

t.test('I5: signs the response if the request accepts it (RFC 9701 §5)', async (t) => {
  await using setup = await setUp()
  const { server } = setup
  const request = async (token: string, accept: string) => {
    const response = await fetch(server.introspectionEndpoint, {
      method: 'POST',
      headers: { ...basic('api', 'api-secret'), accept },
      body: new URLSearchParams({ token }),
    })
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  const token = await server.issueToken()
  const { type, text } = await request(token, signedMedia)
  t.equal(type, signedMedia)
  const [{ kid }] = server.keySet().keys as [{ kid: string }]
  t.same(decodeProtectedHeader(text), { alg: 'ES256', kid, typ: 'token-introspection+jwt' })
  const { payload } = await jwtVerify(text, createLocalJWKSet(server.keySet()))
  const { jti, sid } = decodeJwt(token)
  t.same(payload, {
    iss: server.issuer,
    aud: 'api',
    iat: start,
    token_introspection: { ...expected, iss: server.issuer, jti, sid },
  })
  const unknown = decodeJwt((await request('unknown', signedMedia)).text)
  t.same(unknown.token_introspection, { active: false })

  const signed = [
    `application/json;q=0.5, ${signedMedia}`,
    'Application/Token-Introspection+JWT ; q=0.001',
  ]
  for (const accept of signed) t.equal((await request(token, accept)).type, signedMedia, accept)
  const json = ['*/*', 'application/json', 'application/*', `${signedMedia};q=0`, '']
  json.push(`text/html, ${signedMedia} ;Q=0.000`, `text/${signedMedia}`)
  for (const accept of json)
    t.equal((await request(token, accept)).type, 'application/json', accept)
})

t.test('is compatible with oauth4webapi: JSON and signed responses, revocation', async (t) => {
  await using server = await createAuthorizationServer({
    algorithm: 'ES256',
    clients: [
      { clientId: 'web', clientSecret: 'web-secret' },
      { clientId: 'keyed', jwks },
    ],
  })
  const issuer = new URL(server.issuer)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, insecure),
  )
  const clients: [oauth.Client, oauth.ClientAuth][] = [
    [{ client_id: 'web' }, oauth.ClientSecretBasic('web-secret')],
    [{ client_id: 'web' }, oauth.ClientSecretPost('web-secret')],
    [{ client_id: 'keyed' }, oauth.PrivateKeyJwt({ key: keyed.privateKey, kid: 'k1' })],
  ]
  for (const [client, authentication] of clients) {
    for (const format of ['jwt', 'opaque'] as const) {
      const token = await server.issueToken({ client_id: client.client_id }, { format })
      for (const requestJwtResponse of [false, true]) {
        const introspect = async () => {
          const options = { ...insecure, requestJwtResponse }
          const response = await oauth.introspectionRequest(
            as,
            client,
            authentication,
            token,
            options,
          )
          const members = await oauth.processIntrospectionResponse(as, client, response)
          if (requestJwtResponse) {
            await oauth.validateApplicationLevelSignature(as, response, insecure)
          }
          return members
        }
        t.match(await introspect(), { active: true, client_id: client.client_id })
        if (!requestJwtResponse) continue
        await oauth.processRevocationResponse(
          await oauth.revocationRequest(as, client, authentication, token, insecure),
        )
        t.same(await introspect(), { active: false })
      }
    }
  }
  const rejection = await oauth.introspectionRequest(
    as,
    { client_id: 'web' },
    oauth.ClientSecretPost('wrong'),
    'token',
    insecure,
  )
  await t.rejects(oauth.processIntrospectionResponse(as, { client_id: 'web' }, rejection), {
    name: 'ResponseBodyError',
    error: 'invalid_client',
    status: 401,
  })
})

t.test('I2: overrides the response on demand', async (t) => {
  await using setup = await setUp()
  const { server, introspect } = setup
  const token = await server.issueToken()
  const correct = (await introspect(token)).body
  server.answerIntrospectionWith({ active: 'true', aud: 'api://other', exp: undefined })
  const { exp, ...rest } = correct
  t.same((await introspect(token)).body, { ...rest, active: 'true', aud: 'api://other' })
  server.answerIntrospectionWith({ active: true })
  t.same((await introspect('unknown')).body, { active: true }, 'of an unknown token, too')
  server.answerIntrospectionWith((members) => [members])
  t.same((await introspect(token)).body, [correct])
  server.answerIntrospectionWith(async () => null)
  t.equal((await introspect(token)).body, null)
  const impossible: IntrospectionOverride[] = [
    () => undefined,
    () => 1n,
    () => {
      throw new Error('secret')
    },
  ]
  for (const override of impossible) {
    server.answerIntrospectionWith(override)
    const { status, body } = await introspect(token)
    t.equal(status, 500)
    t.same(body, { error: 'server_error' })
  }
  t.equal((await fetch(server.jwksUri)).status, 200)
  server.answerIntrospectionWith()
  t.same((await introspect(token)).body, correct)
  t.ok(exp)
})

t.test('I5: overrides the header and claims of a signed response on demand', async (t) => {
  await using setup = await setUp()
  const { server } = setup
  const token = await server.issueToken()
  const request = async (headers: Record<string, string> = { accept: signedMedia }) => {
    const response = await fetch(server.introspectionEndpoint, {
      method: 'POST',
      headers: { ...basic('api', 'api-secret'), ...headers },
      body: new URLSearchParams({ token }),
    })
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  const claims = { aud: 'other', iat: undefined, sub: 'u1' }
  server.answerIntrospectionWith({ active: 1 }, { claims, header: { typ: 'JWT' } })
  const overridden = await request()
  t.equal(decodeProtectedHeader(overridden.text).typ, 'JWT')
  const payload = decodeJwt(overridden.text)
  t.match(payload, { iss: server.issuer, aud: 'other', sub: 'u1' })
  t.match(payload.token_introspection, { active: 1, username: 'jane' })
  t.notOk('iat' in payload)
  server.answerIntrospectionWith(() => 'x', { claims: { token_introspection: 'y' } })
  t.equal(
    decodeJwt((await request()).text).token_introspection,
    'x',
    'the members are the override',
  )
  server.answerIntrospectionWith({}, { format: 'json' })
  t.equal((await request()).type, 'application/json')
  server.answerIntrospectionWith({}, { format: 'jwt' })
  t.equal((await request({})).type, signedMedia)
})

t.test('names the invalid part of an override', async (t) => {
  await using setup = await setUp()
  const { server } = setup
  const cases: [unknown, unknown, RegExp][] = [
    [5, {}, /"override" must be an object of members, or a function/],
    [null, {}, /"override" must be an object of members, or a function/],
    [{}, { typ: 'JWT' }, /Unknown option "typ" of answerIntrospectionWith/],
    [{}, { format: 'xml' }, /"format" must be "json" or "jwt"/],
  ]
  for (const [override, options, message] of cases) {
    const overrideResponse = () =>
      server.answerIntrospectionWith(override as IntrospectionOverride, options as object)
    t.throws(overrideResponse, { name: 'TypeError', message })
  }
})

t.test('injects faults at introspection and revocation', async (t) => {
  await using setup = await setUp()
  const { server, introspect } = setup
  const token = await server.issueToken()
  server.fail({ status: 503, retryAfter: 3 }, ['introspection', 'revocation'])
  const { status, headers } = await introspect(token)
  t.equal(status, 503)
  t.equal(headers.get('retry-after'), '3')
  t.equal((await fetch(server.jwksUri)).status, 200)
  const form = { token }
  const revoke = () =>
    fetch(server.revocationEndpoint, {
      method: 'POST',
      headers: basic('web', 'web-secret'),
      body: new URLSearchParams(form),
    })
  t.equal((await revoke()).status, 503)
  server.recover()
  t.match((await introspect(token)).body, { active: true }, 'a failed request has no effect')
  server.fail('oversized', ['introspection', 'revocation'])
  t.match((await introspect(token)).body, { active: true, padding: String })
  const { padding, ...rest } = (await (await revoke()).json()) as { padding: string }
  t.same(rest, {})
  t.equal(padding.length, 50_000_000 - '{"padding":""}'.length)
  server.recover()
  t.match(server.requests, { introspection: 3, revocation: 2 })
})
