import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import t from 'tap'
import {
  createAuthorizationServer,
  type PasswordGrantOptions,
  passwordGrant,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { cannedServer, respondWith } from './fixtures/canned-server.js'

const user = testUser
const demo = { ...testUser, ...testClient }
const token = { access_token: 'opaque', token_type: 'Bearer', expires_in: 3600 }

t.test('gets tokens from an issuer with one metadata and one token request', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const { issuer } = server
  const response = await passwordGrant({ ...demo, issuer, scope: 'openid orders:read' })
  t.match(response, { token_type: 'bearer', expires_in: 3600, scope: 'openid orders:read' })
  t.same(server.requests, {
    discovery: 1,
    jwks: 0,
    token: 1,
    introspection: 0,
    revocation: 0,
    logout: 0,
    streams: 0,
    poll: 0,
    other: 0,
  })
  const keys = createLocalJWKSet(server.keySet())
  const { payload } = await jwtVerify(response.access_token, keys, {
    issuer,
    audience: 'api://default',
  })
  t.equal(payload.sub, testUser.username)
  t.equal(decodeJwt(response.id_token as string).aud, 'demo-client')
})

t.test('G1: posts the form of RFC 6749 §4.3.2, as Okta documents it', async (t) => {
  const server = await cannedServer(t, respondWith(200, token))
  await passwordGrant({
    tokenEndpoint: server.tokenEndpoint,
    clientId: 'id',
    clientSecret: 'secret',
    username: 'testuser1@example.com',
    password: '|mCovrlnU9oZU4qWGrhQSM=yd ü%+&',
    scope: ['openid', 'orders:read', 'openid'],
    parameters: { audience: 'api://x' },
  })
  const [request] = server.seen
  t.match(request, {
    method: 'POST',
    url: '/v1/token',
    headers: {
      accept: 'application/json',
      'content-type': /^application\/x-www-form-urlencoded/,
      authorization: `Basic ${btoa('id:secret')}`,
    },
  })
  t.same(Object.fromEntries(request?.form ?? []), {
    grant_type: 'password',
    username: 'testuser1@example.com',
    password: '|mCovrlnU9oZU4qWGrhQSM=yd ü%+&',
    scope: 'openid orders:read',
    audience: 'api://x',
  })
})

t.test('sends no scope if none, or an empty one, is requested', async (t) => {
  const server = await cannedServer(t, respondWith(200, token))
  const { tokenEndpoint } = server
  await passwordGrant({ ...user, clientId: 'id', tokenEndpoint })
  await passwordGrant({ ...user, clientId: 'id', tokenEndpoint, scope: '' })
  t.same(
    server.seen.map(({ form }) => form.has('scope')),
    [false, false],
  )
})

const odd = { clientId: 'a b%+ü-id', clientSecret: 'c:d%+é &~_' }

t.test('G2: form-encodes id and secret before base64', async (t) => {
  const server = await cannedServer(t, respondWith(200, token))
  const colon = { ...odd, clientId: `x:${odd.clientId}` }
  await passwordGrant({ ...user, ...colon, tokenEndpoint: server.tokenEndpoint })
  const pair = decodedBasic(server.seen[0]?.headers.authorization)
  const [id = '', secret = '', ...rest] = pair.split(':')
  t.same(rest, [], 'the only colon is the separator')
  t.equal(decodeURIComponent(id.replaceAll('+', ' ')), colon.clientId)
  t.equal(decodeURIComponent(secret.replaceAll('+', ' ')), colon.clientSecret)
})

t.test('G2: the embedded server decodes form-encoded credentials', async (t) => {
  const client = { ...odd, clientId: `x:${odd.clientId}` }
  await using server = await createAuthorizationServer({ algorithm: 'ES256', clients: [client] })
  const response = await passwordGrant({ ...user, ...client, issuer: server.issuer })
  t.equal(decodeJwt(response.access_token).client_id, client.clientId)
})

t.test('G2: sends id and secret unencoded with client_secret_basic_raw', async (t) => {
  const server = await cannedServer(t, respondWith(200, token))
  await passwordGrant({
    ...user,
    ...odd,
    clientAuthentication: 'client_secret_basic_raw',
    tokenEndpoint: server.tokenEndpoint,
  })
  t.equal(decodedBasic(server.seen[0]?.headers.authorization), 'a b%+ü-id:c:d%+é &~_')
})

t.test('authenticates with client_secret_post', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256', clients: [odd] })
  const response = await passwordGrant({
    ...user,
    ...odd,
    clientAuthentication: 'client_secret_post',
    issuer: server.issuer,
  })
  t.equal(decodeJwt(response.access_token).client_id, odd.clientId)
})

t.test('authenticates as a public client', async (t) => {
  const clients = [{ clientId: 'cli' }]
  await using server = await createAuthorizationServer({ algorithm: 'ES256', clients })
  const response = await passwordGrant({ ...user, clientId: 'cli', issuer: server.issuer })
  t.equal(decodeJwt(response.access_token).client_id, 'cli')
})

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']) {
  t.test(`authenticates with private_key_jwt and a JWK of ${alg}`, async (t) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg, kid: 'k1' }] }
    const clients = [{ clientId: 'keyed', jwks }]
    await using server = await createAuthorizationServer({ algorithm: 'ES256', clients })
    const jwk = { ...(await exportJWK(privateKey)), alg, kid: 'k1' }
    const { issuer, tokenEndpoint } = server
    await t.resolves(passwordGrant({ ...user, clientId: 'keyed', privateKey: jwk, issuer }))
    const { kid, ...withoutKid } = jwk
    const client = { ...user, clientId: 'keyed', privateKey: withoutKid }
    await t.resolves(passwordGrant({ ...client, issuer }))
    // The audience is the token endpoint (rfc7523bis §4).
    await t.rejects(passwordGrant({ ...client, tokenEndpoint }), { message: /invalid_client/ })
  })
}

t.test('authenticates with private_key_jwt and a CryptoKey', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const clients = [{ clientId: 'keyed', jwks: { keys: [await exportJWK(publicKey)] } }]
  await using server = await createAuthorizationServer({ algorithm: 'ES256', clients })
  const { issuer } = server
  const response = await passwordGrant({
    ...user,
    clientId: 'keyed',
    privateKey,
    clientAuthentication: 'private_key_jwt',
    issuer,
  })
  t.equal(decodeJwt(response.access_token).client_id, 'keyed')
})

t.test('G3: accepts token_type in any case, and returns it in lower case', async (t) => {
  for (const token_type of ['Bearer', 'BEARER', 'bearer']) {
    const server = await cannedServer(t, respondWith(200, { ...token, token_type }))
    const { tokenEndpoint } = server
    const response = await passwordGrant({ ...demo, tokenEndpoint })
    t.equal(response.token_type, 'bearer')
  }
})

t.test('returns the other members of the response', async (t) => {
  const body = { ...token, refresh_token: 'r', tenant: 'acme' }
  const server = await cannedServer(t, respondWith(200, body))
  const response = await passwordGrant({ ...demo, tokenEndpoint: server.tokenEndpoint })
  t.same(response, { ...body, token_type: 'bearer' })
})

t.test('returns the ID token unvalidated if the issuer is unknown', async (t) => {
  const server = await cannedServer(t, respondWith(200, { ...token, id_token: 'not.a.jwt' }))
  const response = await passwordGrant({ ...demo, tokenEndpoint: server.tokenEndpoint })
  t.equal(response.id_token, 'not.a.jwt')
  await using real = await createAuthorizationServer({ algorithm: 'ES256' })
  const { tokenEndpoint } = real
  const { id_token } = await passwordGrant({ ...demo, tokenEndpoint, scope: 'openid' })
  t.equal(decodeJwt(id_token as string).iss, real.issuer)
})

t.test('validates the ID token if the issuer is known', async (t) => {
  const server = await cannedServer(t, (request, response) => {
    const issuer = `http://${request.headers.host}`
    const claims = { iss: 'https://else.example', aud: 'demo-client', sub: 's', iat: 1, exp: 4e9 }
    const encoded = [{ alg: 'RS256' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    const body =
      request.method === 'GET'
        ? { issuer, token_endpoint: `${issuer}/v1/token` }
        : { ...token, id_token: `${encoded.join('.')}.c2ln` }
    respondWith(200, body)(request, response)
  })
  const caught = await passwordGrant({ ...demo, issuer: server.url }).catch((error) => error)
  t.match(caught, { error: 'invalid_response', status: 200, message: /"iss"/ })
})

t.test('falls back to the metadata of RFC 8414 if OpenID Connect has none', async (t) => {
  const server = await cannedServer(t, (request, response) => {
    const origin = `http://${request.headers.host}`
    if (request.method === 'POST') return respondWith(200, token)(request, response)
    if (request.url !== '/.well-known/oauth-authorization-server/tenant') {
      return respondWith(404, '')(request, response)
    }
    const body = { issuer: `${origin}/tenant`, token_endpoint: `${origin}/t` }
    return respondWith(200, body)(request, response)
  })
  await passwordGrant({ ...demo, issuer: new URL(`${server.url}/tenant`) })
  t.same(
    server.seen.map(({ url }) => url),
    [
      '/tenant/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/tenant',
      '/t',
    ],
  )
})

t.test('uses the given fetch for metadata and token requests', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const urls: string[] = []
  const options: PasswordGrantOptions = {
    ...demo,
    issuer: server.issuer,
    fetch: (url, init) => {
      urls.push(String(url))
      return fetch(url, init)
    },
  }
  await passwordGrant(options)
  t.same(urls, [`${server.issuer}/.well-known/openid-configuration`, server.tokenEndpoint])
})

t.test('leaves no listener on the given signal', async (t) => {
  const server = await cannedServer(t, respondWith(200, token))
  const { signal } = new AbortController()
  const { addEventListener, removeEventListener } = signal
  let listeners = 0
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    removeEventListener.apply(signal, args)
  }
  await passwordGrant({ ...demo, tokenEndpoint: server.tokenEndpoint, signal })
  t.equal(listeners, 0)
})

function decodedBasic(header = ''): string {
  return Buffer.from(header.replace('Basic ', ''), 'base64').toString('utf8')
}
