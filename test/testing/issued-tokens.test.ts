import { createHash } from 'node:crypto'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from 'jose'
import t from 'tap'
import {
  createAuthorizationServer,
  passwordGrant,
  type SigningAlgorithm,
  testUser,
} from '../../src/testing/index.js'

const now = () => 1_800_000_000_500
const iat = 1_800_000_000
const fixed = { algorithm: 'ES256', now } as const
const demo = {
  username: testUser.username,
  password: testUser.password,
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
}

t.test('issues access tokens in the format of RFC 9068 §2', async (t) => {
  await using server = await createAuthorizationServer(fixed)
  const token = await server.issueToken()
  const [{ kid }] = server.keySet().keys as [{ kid: string }]
  t.same(decodeProtectedHeader(token), { alg: 'ES256', kid, typ: 'at+jwt' })
  const claims = decodeJwt(token)
  t.match([claims.jti, claims.sid], [/^[\da-f-]{36}$/, /^[\da-f-]{36}$/])
  t.same(claims, {
    iss: server.issuer,
    aud: 'api://default',
    sub: 'testuser1@example.com',
    client_id: 'demo-client',
    iat,
    exp: iat + 3600,
    jti: claims.jti,
    sid: claims.sid,
    scope: 'orders:read orders:write',
  })
  t.not(decodeJwt(await server.issueToken()).jti, claims.jti)
  t.same(server.requests, {
    discovery: 0,
    jwks: 0,
    token: 0,
    introspection: 0,
    revocation: 0,
    logout: 0,
    streams: 0,
    poll: 0,
    other: 0,
  })
})

t.test('issues access tokens in the format of Okta', async (t) => {
  await using server = await createAuthorizationServer({ ...fixed, profile: 'okta' })
  const token = await server.issueToken()
  const [{ kid }] = server.keySet().keys as [{ kid: string }]
  t.same(decodeProtectedHeader(token), { alg: 'ES256', kid })
  const claims = decodeJwt(token)
  t.match(claims.jti, /^AT\.[\da-f-]{36}$/)
  t.match(claims.uid, /^00u[\da-f]{17}$/)
  t.same(claims, {
    ver: 1,
    jti: claims.jti,
    iss: server.issuer,
    aud: 'api://default',
    iat,
    exp: iat + 3600,
    cid: 'demo-client',
    uid: claims.uid,
    scp: ['orders:read', 'orders:write'],
    auth_time: iat,
    sub: 'testuser1@example.com',
  })
})

t.test('issues tokens of a client if there is no user', async (t) => {
  await using server = await createAuthorizationServer({ ...fixed, profile: 'okta', users: [] })
  const claims = decodeJwt(await server.issueToken())
  t.match(claims, { sub: 'demo-client', cid: 'demo-client', scp: ['orders:read', 'orders:write'] })
  t.notOk('uid' in claims)
  t.notOk('auth_time' in claims)
  await t.rejects(server.issueIdToken(), { name: 'TypeError', message: /"users" is empty/ })
})

t.test('issues tokens for the first user and the first client', async (t) => {
  const users = [
    { username: 'jane', password: 'p', sub: 'u1', scope: 'orders:read', claims: { groups: ['a'] } },
  ]
  const clients = [{ clientId: 'cli' }]
  const audience = ['api://a', 'api://b']
  const options = { ...fixed, users, clients, audience, accessTokenLifetime: 60 }
  await using server = await createAuthorizationServer(options)
  t.match(decodeJwt(await server.issueToken()), {
    sub: 'u1',
    client_id: 'cli',
    scope: 'orders:read',
    aud: audience,
    groups: ['a'],
    exp: iat + 60,
  })
  await using okta = await createAuthorizationServer({ ...options, profile: 'okta' })
  t.match(decodeJwt(await okta.issueToken()), { sub: 'jane', uid: 'u1', scp: ['orders:read'] })
  t.match(decodeJwt(await okta.issueIdToken()), { sub: 'u1' })
})

t.test('rejects claims that are no object, which would be ignored', async (t) => {
  await using server = await createAuthorizationServer(fixed)
  for (const claims of ['ada', null, ['ada']] as never[]) {
    const error = { name: 'TypeError', message: '"claims" must be an object' }
    await t.rejects(server.issueToken(claims), error)
    await t.rejects(server.issueIdToken(claims), error)
    await t.rejects(server.issueLogoutToken(claims), error)
  }
})

t.test('replaces and removes claims and header members on demand', async (t) => {
  await using server = await createAuthorizationServer(fixed)
  const claims = { sub: 'me', exp: undefined, 'x:y': { z: 1 } }
  const token = await server.issueToken(claims, { header: { typ: 'JWT', kid: undefined, x: 1 } })
  t.same(decodeProtectedHeader(token), { alg: 'ES256', typ: 'JWT', x: 1 })
  t.match(decodeJwt(token), { sub: 'me', 'x:y': { z: 1 } })
  t.notOk('exp' in decodeJwt(token))
})

t.test('issues expired and short-lived tokens', async (t) => {
  await using server = await createAuthorizationServer(fixed)
  t.equal(decodeJwt(await server.issueToken({}, { expiresIn: -10 })).exp, iat - 10)
  t.equal(decodeJwt(await server.issueToken({}, { expiresIn: 0 })).exp, iat)
})

t.test('writes the scope in the format of the profile', async (t) => {
  await using standard = await createAuthorizationServer(fixed)
  await using okta = await createAuthorizationServer({ ...fixed, profile: 'okta' })
  for (const scope of ['a b', ['a', 'b']]) {
    t.equal(decodeJwt(await standard.issueToken({}, { scope })).scope, 'a b')
    t.same(decodeJwt(await okta.issueToken({}, { scope })).scp, ['a', 'b'])
  }
})

const algorithms: SigningAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

for (const algorithm of algorithms) {
  t.test(`signs with ${algorithm} so that jose verifies token and at_hash`, async (t) => {
    await using server = await createAuthorizationServer({ algorithm })
    const { issuer } = server
    const response = await passwordGrant({ ...demo, issuer, scope: 'openid' })
    const keys = createRemoteJWKSet(new URL(server.jwksUri))
    const expected = { issuer, algorithms: [algorithm] }
    await t.resolves(
      jwtVerify(response.access_token, keys, { ...expected, audience: 'api://default' }),
    )
    const { payload } = await jwtVerify(response.id_token as string, keys, {
      ...expected,
      audience: 'demo-client',
    })
    const bits = algorithm.startsWith('Ed') ? '512' : algorithm.slice(-3)
    const hash = createHash(`sha${bits}`).update(response.access_token).digest()
    t.equal(payload.at_hash, hash.subarray(0, hash.length / 2).toString('base64url'))
  })
}

t.test('signs with another algorithm on demand, and publishes the key once', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  for (const algorithm of ['ES256', 'EdDSA', 'EdDSA'] as const) {
    const token = await server.issueToken({}, { algorithm })
    const keys = createLocalJWKSet(server.keySet())
    const { protectedHeader } = await jwtVerify(token, keys, { issuer: server.issuer })
    t.equal(protectedHeader.alg, algorithm)
  }
  t.same(
    server.keySet().keys.map(({ alg }) => alg),
    ['ES256', 'EdDSA'],
  )
  t.equal(decodeProtectedHeader(await server.issueToken()).alg, 'ES256')
})

t.test('issues ID tokens in the format of OpenID Connect Core §2', async (t) => {
  await using server = await createAuthorizationServer(fixed)
  const token = await server.issueIdToken({ nonce: 'n', auth_time: undefined, sid: 's' })
  t.equal(decodeProtectedHeader(token).typ, 'JWT')
  t.same(decodeJwt(token), {
    iss: server.issuer,
    aud: 'demo-client',
    sub: 'testuser1@example.com',
    iat,
    exp: iat + 3600,
    nonce: 'n',
    sid: 's',
  })
})

t.test('issues ID tokens in the format of Okta', async (t) => {
  await using server = await createAuthorizationServer({ ...fixed, profile: 'okta' })
  const token = await server.issueIdToken()
  t.notOk('typ' in decodeProtectedHeader(token))
  const claims = decodeJwt(token)
  t.match(claims, { ver: 1, jti: /^ID\./, idp: String, amr: ['pwd'], auth_time: iat })
  t.equal(claims.sub, decodeJwt(await server.issueToken()).uid)
})

t.test('adds profile and email claims to the ID token if granted', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  const { issuer } = server
  const { id_token } = await passwordGrant({ ...demo, issuer, scope: 'openid profile email' })
  t.match(decodeJwt(id_token as string), {
    preferred_username: 'testuser1@example.com',
    email: 'testuser1@example.com',
  })
  const emails = { ada: 'ada@example.com', 'Ada L.': undefined }
  for (const [username, email] of Object.entries(emails)) {
    const user = { username, password: 'pw' }
    await using other = await createAuthorizationServer({ algorithm: 'ES256', users: [user] })
    const granted = { ...demo, ...user, issuer: other.issuer, scope: 'openid email' }
    t.equal(decodeJwt(`${(await passwordGrant(granted)).id_token}`).email, email, username)
  }
  const bare = await passwordGrant({ ...demo, issuer, scope: 'openid' })
  t.notOk('email' in decodeJwt(bare.id_token as string))
})
