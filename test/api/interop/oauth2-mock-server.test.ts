/** Tokens of oauth2-mock-server, which many test suites use, requested and used over real HTTP. */
import { decodeProtectedHeader } from 'jose'
import { type MutableToken, OAuth2Server } from 'oauth2-mock-server'
import t, { type Test } from 'tap'
import { passwordGrant } from '../../../src/testing/index.js'
import { startApi } from './fixtures/api.js'

const AUDIENCE = 'api://default'
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']

async function start(t: Test, algorithm = 'ES256', claims: Record<string, unknown> = {}) {
  const server = new OAuth2Server()
  await server.issuer.keys.generate(algorithm)
  await server.start(0, '127.0.0.1')
  t.teardown(() => server.stop())
  // The same event announces the ID token, which already has the client as audience.
  server.service.on('beforeTokenSigning', ({ payload }: MutableToken) => {
    if (payload.aud === undefined) Object.assign(payload, { aud: AUDIENCE, ...claims })
  })
  const issuer = server.issuer.url as string
  return {
    server,
    issuer,
    api: { issuer, audience: AUDIENCE },
    grant: {
      tokenEndpoint: `${issuer}/token`,
      clientId: 'interop-client',
      clientSecret: 'interop-secret',
      // This server reads the header without form decoding, despite RFC 6749 §2.3.1.
      clientAuthentication: 'client_secret_basic_raw',
      username: 'testuser1@example.com',
      password: 'any password will do',
      scope: 'openid orders:read',
    } as const,
  }
}

for (const algorithm of ALGORITHMS) {
  t.test(`accepts a token signed with ${algorithm}`, async (t) => {
    const { grant, api } = await start(t, algorithm)
    const { get } = await startApi(t, api)
    const { access_token, token_type, scope } = await passwordGrant(grant)
    t.strictSame({ token_type, scope }, { token_type: 'bearer', scope: grant.scope })
    t.match(decodeProtectedHeader(access_token), { alg: algorithm, typ: 'JWT' })
    t.match(await get('/me', access_token), { status: 200, body: { user: grant.username } })
    t.equal((await get('/orders', access_token)).status, 200)
    const { status, challenge } = await get('/refunds', access_token)
    t.equal(status, 403)
    t.match(challenge, 'error="insufficient_scope"')
  })

  t.test(`accepts a token of the discovered token endpoint, ${algorithm}`, async (t) => {
    const { grant, issuer, api } = await start(t, algorithm)
    const { get } = await startApi(t, api)
    const { tokenEndpoint, ...rest } = grant
    // The metadata lists RS256 for ID tokens, regardless of the signing algorithm.
    const { access_token, id_token } = await passwordGrant({ ...rest, issuer })
    t.type(id_token, 'string')
    t.equal((await get('/me', access_token)).status, 200)
  })
}

t.test('accepts a token signed with a key that was added later', async (t) => {
  const { server, grant, api } = await start(t, 'RS256')
  const { get } = await startApi(t, api)
  const first = (await passwordGrant(grant)).access_token
  t.equal((await get('/me', first)).status, 200)
  await server.issuer.keys.generate('ES256')
  // The server rotates among its keys; this key was used already.
  server.issuer.keys.get(decodeProtectedHeader(first).kid)
  const second = (await passwordGrant(grant)).access_token
  t.equal(decodeProtectedHeader(second).alg, 'ES256')
  t.equal((await get('/me', second)).status, 200)
  t.equal((await get('/me', first)).status, 200)
})

t.test('accepts a scope that is an array', async (t) => {
  const { grant, api } = await start(t, 'ES256', { scope: ['orders:read', 'orders refund'] })
  const { get } = await startApi(t, api)
  const { access_token } = await passwordGrant(grant)
  t.match(await get('/me', access_token), { body: { scope: ['orders:read', 'orders refund'] } })
})

t.test('rejects', async (t) => {
  const { grant, api } = await start(t)
  const { access_token, id_token } = await passwordGrant(grant)
  const cases = {
    'an expired token': {
      options: { now: () => Date.now() + 3_601_000, clockTolerance: 0 },
      token: access_token,
      check: 'expiry',
    },
    'a token for another audience': {
      options: { audience: 'api://other' },
      token: access_token,
      check: 'audience',
    },
    'a token of type JWT, profile rfc9068': {
      options: { profile: 'rfc9068' as const },
      token: access_token,
      check: 'type',
    },
    'an ID token': { options: {}, token: id_token, check: 'audience' },
    'a token without its last character': {
      options: {},
      token: access_token.slice(0, -1),
      check: 'token',
    },
  }
  for (const [name, { options, token, check }] of Object.entries(cases)) {
    t.test(name, async (t) => {
      const it = await startApi(t, { ...api, ...options })
      const { status, challenge } = await it.get('/me', token)
      t.equal(status, 401)
      t.match(challenge, 'error="invalid_token"')
      t.equal(it.lastReason?.check, check)
    })
  }

  t.test('no token', async (t) => {
    const { get } = await startApi(t, api)
    t.match(await get('/me'), { status: 401, challenge: 'Bearer realm="api"' })
  })

  t.test('a token without an audience', async (t) => {
    const { grant, api } = await start(t, 'ES256', { aud: undefined })
    const it = await startApi(t, api)
    t.equal((await it.get('/me', (await passwordGrant(grant)).access_token)).status, 401)
    t.equal(it.lastReason?.check, 'audience')
  })
})
