import Fastify from 'fastify'
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import * as oauth from 'oauth4webapi'
import t, { type Test } from 'tap'
import resourceServer from '../../src/index.js'
import {
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type IssueTokenOptions,
  passwordGrant,
  type TokenProfileName,
  testClient,
} from '../../src/testing/index.js'

const iat = 1_800_000_000
const exp = iat + 3600
const scope = 'openid orders:read'
const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[89ab][\da-f]{3}-[\da-f]{12}$/

interface Shape {
  profile: TokenProfileName
  issuer: RegExp
  typ: string | undefined
  /** Patterns for all claims of the tokens of a user and of a client, except iss, iat and exp. */
  user: object
  client: object
  /** Claims of an ID token beside those of OpenID Connect. */
  idToken: object
}

const audience = 'api://default'
const roles = {
  realm_access: { roles: ['default-roles-demo', 'offline_access', 'uma_authorization'] },
  resource_access: {
    'demo-client': { roles: ['demo-role'] },
    account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] },
  },
}

const entra = { aud: uuid, nbf: iat, tid: uuid, oid: uuid, uti: /^[\w-]{22}$/ }
const cognito = { client_id: 'demo-client', auth_time: iat, version: 2, jti: uuid }
const keycloak = { aud: 'account', jti: uuid, typ: 'Bearer', azp: 'demo-client', acr: '1' }

const shapes: Shape[] = [
  {
    profile: 'standard',
    issuer: /\/oauth2\/default$/,
    typ: 'at+jwt',
    user: { aud: audience, jti: uuid, sub: 'jane', client_id: 'demo-client', scope, sid: uuid },
    client: {
      aud: audience,
      jti: uuid,
      sub: 'demo-client',
      client_id: 'demo-client',
      scope: 'orders:read',
    },
    idToken: { sid: uuid },
  },
  {
    profile: 'okta',
    issuer: /\/oauth2\/default$/,
    typ: undefined,
    user: {
      aud: audience,
      ver: 1,
      jti: /^AT\./,
      sub: 'jane',
      cid: 'demo-client',
      uid: /^00u[\da-f]{17}$/,
      auth_time: iat,
      scp: ['openid', 'orders:read'],
    },
    client: {
      aud: audience,
      ver: 1,
      jti: /^AT\./,
      sub: 'demo-client',
      cid: 'demo-client',
      scp: ['orders:read'],
    },
    idToken: { ver: 1, jti: /^ID\./, idp: String, amr: ['pwd'] },
  },
  {
    profile: 'auth0',
    issuer: /^http:\/\/127\.0\.0\.1:\d+\/$/,
    typ: 'JWT',
    user: {
      aud: [audience, /^http:\/\/127\.0\.0\.1:\d+\/userinfo$/],
      sub: /^auth0\|[\da-f]{24}$/,
      azp: 'demo-client',
      gty: 'password',
      scope,
      permissions: ['orders:read'],
    },
    client: {
      aud: audience,
      sub: 'demo-client@clients',
      azp: 'demo-client',
      gty: 'client-credentials',
      scope: 'orders:read',
      permissions: ['orders:read'],
    },
    idToken: { sid: uuid },
  },
  {
    profile: 'entra',
    issuer: /\/[\da-f-]{36}\/v2\.0$/,
    typ: 'JWT',
    user: {
      ...entra,
      sub: /^[\w-]{43}$/,
      ver: '2.0',
      azp: 'demo-client',
      azpacr: '1',
      preferred_username: 'jane',
      scp: 'orders:read',
      sid: uuid,
    },
    client: {
      ...entra,
      sub: uuid,
      ver: '2.0',
      azp: 'demo-client',
      azpacr: '1',
      idtyp: 'app',
      roles: ['orders:read'],
    },
    idToken: {
      nbf: iat,
      sid: uuid,
      tid: uuid,
      oid: uuid,
      uti: String,
      ver: '2.0',
      preferred_username: 'jane',
    },
  },
  {
    profile: 'entra-v1',
    issuer: /\/[\da-f-]{36}\/$/,
    typ: 'JWT',
    user: {
      ...entra,
      aud: audience,
      sub: /^[\w-]{43}$/,
      ver: '1.0',
      appid: 'demo-client',
      appidacr: '1',
      acr: '1',
      amr: ['pwd'],
      upn: 'jane',
      unique_name: 'jane',
      scp: 'orders:read',
      sid: uuid,
    },
    client: {
      ...entra,
      aud: audience,
      sub: uuid,
      ver: '1.0',
      appid: 'demo-client',
      appidacr: '1',
      idp: String,
      idtyp: 'app',
      roles: ['orders:read'],
    },
    idToken: {
      nbf: iat,
      sid: uuid,
      tid: uuid,
      oid: uuid,
      uti: String,
      ver: '1.0',
      amr: ['pwd'],
      upn: 'jane',
      unique_name: 'jane',
    },
  },
  {
    profile: 'cognito',
    issuer: /\/us-east-1_\w+$/,
    typ: undefined,
    user: {
      ...cognito,
      sub: uuid,
      token_use: 'access',
      scope,
      username: 'jane',
      origin_jti: uuid,
      event_id: uuid,
      'cognito:groups': ['demo-group'],
    },
    client: { ...cognito, sub: 'demo-client', token_use: 'access', scope: 'orders:read' },
    idToken: {
      token_use: 'id',
      jti: uuid,
      'cognito:username': 'jane',
      origin_jti: uuid,
      event_id: uuid,
      'cognito:groups': ['demo-group'],
    },
  },
  {
    profile: 'keycloak',
    issuer: /\/realms\/demo$/,
    typ: 'JWT',
    user: {
      ...keycloak,
      ...roles,
      sub: uuid,
      scope,
      preferred_username: 'jane',
      sid: uuid,
    },
    client: {
      ...keycloak,
      ...roles,
      sub: uuid,
      scope: 'orders:read',
      preferred_username: 'service-account-demo-client',
      client_id: 'demo-client',
      clientHost: '127.0.0.1',
      clientAddress: '127.0.0.1',
    },
    idToken: { jti: uuid, typ: 'ID', azp: 'demo-client', acr: '1', sid: uuid },
  },
]

function start(profile: TokenProfileName, options: AuthorizationServerOptions = {}) {
  return createAuthorizationServer({
    algorithm: 'ES256',
    now: () => iat * 1000,
    users: [{ username: 'jane', password: 'pw' }],
    profile,
    ...options,
  })
}

/** Compares all members, each with its pattern, and the times. */
function matchesWhole(t: Test, claims: JWTPayload, pattern: object, issuer: string) {
  const expected = { ...pattern, iss: issuer, iat, exp }
  t.match(claims, expected)
  t.same(Object.keys(claims).sort(), Object.keys(expected).sort())
}

for (const { profile, issuer, typ, user, client, idToken } of shapes) {
  t.test(`R5: issues tokens of users and clients in the format of ${profile}`, async (t) => {
    await using server = await start(profile)
    t.match(server.issuer, issuer)
    const ofUser = await server.issueToken({}, { scope })
    const [{ kid }] = server.keySet().keys as [{ kid: string }]
    t.same(decodeProtectedHeader(ofUser), { alg: 'ES256', kid, ...(typ && { typ }) })
    matchesWhole(t, decodeJwt(ofUser), user, server.issuer)
    const ofClient = await server.issueToken({}, { scope: 'orders:read', subject: 'client' })
    matchesWhole(t, decodeJwt(ofClient), client, server.issuer)
    t.not(decodeJwt(ofUser).sub, decodeJwt(ofClient).sub)
    const id = decodeJwt(await server.issueIdToken())
    const always = { aud: 'demo-client', sub: String, auth_time: iat }
    matchesWhole(t, id, { ...always, ...idToken }, server.issuer)
    const explicit = await server.issueToken({}, { scope, subject: 'user' })
    t.equal(decodeJwt(explicit).sub, decodeJwt(ofUser).sub, 'the same user, the same subject')
  })

  t.test(`serves metadata and introspection at the issuer of ${profile}`, async (t) => {
    await using server = await start(profile, { now: Date.now })
    const url = new URL(server.issuer)
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const response = await oauth.discoveryRequest(url, {
        algorithm,
        [oauth.allowInsecureRequests]: true,
      })
      const { jwks_uri } = await oauth.processDiscoveryResponse(url, response)
      t.equal(jwks_uri, server.jwksUri)
    }
    const granted = await passwordGrant({
      issuer: server.issuer,
      clientId: 'demo-client',
      clientSecret: 'demo-secret',
      username: 'jane',
      password: 'pw',
      scope,
    })
    const direct = decodeJwt(await server.issueToken({}, { scope }))
    const claims = decodeJwt(granted.access_token)
    t.same(Object.keys(claims).sort(), Object.keys(direct).sort())
    t.equal(claims.sub, direct.sub)
    const moved = server.moveKeySet()
    t.match(moved, /^http:\/\/127\.0\.0\.1:\d+\/([\w.-]+\/)*v1\/keys-2$/)
    t.equal((await fetch(moved)).status, 200)
  })
}

const claimsOf = async (
  profile: TokenProfileName,
  options: AuthorizationServerOptions,
  tokenOptions: IssueTokenOptions = {},
) => {
  await using server = await start(profile, options)
  return decodeJwt(await server.issueToken({}, tokenOptions))
}

t.test('uses the given audience, issuer and subject', async (t) => {
  for (const { profile } of shapes) {
    await using server = await start(profile, {
      issuerPath: '/here',
      audience: ['api://a', 'api://b'],
      users: [{ username: 'jane', password: 'pw', sub: 'u1' }],
    })
    t.equal(server.issuer, `${server.url}/here`)
    const claims = decodeJwt(await server.issueToken({}, { scope: 'orders:read' }))
    t.match(claims, { iss: server.issuer })
    t.same(claims.aud, ['api://a', 'api://b'], profile)
    t.equal(claims.sub, profile === 'okta' ? 'jane' : 'u1', profile)
  }
})

t.test("names Auth0's user info endpoint once, with any issuer", async (t) => {
  await using server = await start('auth0', { issuerPath: '', audience: ['api://a', 'api://b'] })
  const { aud } = decodeJwt(await server.issueToken({}, { scope: 'openid' }))
  t.same(aud, ['api://a', 'api://b', `${server.url}/userinfo`])
})

t.test("reports the client authentication in Entra's claims", async (t) => {
  const jwks = { keys: [] }
  const clients: [object, string][] = [
    [{ clientId: 'c' }, '0'],
    [{ clientId: 'c', clientSecret: 's' }, '1'],
    [{ clientId: 'c', jwks }, '2'],
  ]
  for (const [client, level] of clients) {
    const options = { clients: [client] } as AuthorizationServerOptions
    t.equal((await claimsOf('entra', options)).azpacr, level)
    t.equal((await claimsOf('entra-v1', options)).appidacr, level)
  }
})

t.test("omits Entra's permissions if there are none", async (t) => {
  t.notOk('scp' in (await claimsOf('entra', {}, { scope: 'openid' })))
  t.notOk('roles' in (await claimsOf('entra', {}, { scope: 'openid', subject: 'client' })))
})

t.test('lets the claims of a user replace groups and roles, not the protocol', async (t) => {
  const claims = {
    'cognito:groups': ['admins'],
    realm_access: { roles: ['boss'] },
    resource_access: {},
    token_use: 'id',
    typ: 'ID',
  }
  const options = { users: [{ username: 'jane', password: 'pw', claims }] }
  const cognito = await claimsOf('cognito', options)
  t.match(cognito, { 'cognito:groups': ['admins'], token_use: 'access' })
  const keycloak = await claimsOf('keycloak', options)
  t.match(keycloak, { realm_access: { roles: ['boss'] }, typ: 'Bearer' })
  t.same(keycloak.resource_access, {})
})

t.test('keeps the session id over a refresh, and creates one for each sign-in', async (t) => {
  await using server = await start('keycloak', { now: Date.now })
  const signIn = () =>
    passwordGrant({
      issuer: server.issuer,
      clientId: 'demo-client',
      clientSecret: 'demo-secret',
      username: 'jane',
      password: 'pw',
      scope: 'openid offline_access',
    })
  const first = await signIn()
  const { sid } = decodeJwt(first.access_token)
  t.equal(decodeJwt(first.id_token as string).sid, sid)
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: first.refresh_token as string,
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  })
  const refreshed = await fetch(server.tokenEndpoint, { method: 'POST', body })
  const { access_token } = (await refreshed.json()) as { access_token: string }
  t.equal(decodeJwt(access_token).sid, sid)
  t.not(decodeJwt((await signIn()).access_token).sid, sid)
})

t.test('names the invalid option of issueToken', async (t) => {
  await using server = await start('standard')
  await using empty = await start('standard', { users: [] })
  const cases: [unknown, RegExp][] = [
    [{ shape: 'auth0' }, /Unknown option "shape" of issueToken/],
    [{ subject: 'jane' }, /"subject" must be "user" or "client"/],
    [{ format: 'JWT' }, /"format" must be "jwt" or "opaque"/],
    [{ format: 'opaque', header: {} }, /"header", "algorithm" and "encryption" must not be given/],
    [{ format: 'opaque', algorithm: 'ES256' }, /must not be given for an opaque token/],
  ]
  for (const [options, message] of cases) {
    const issuing = server.issueToken({}, options as IssueTokenOptions)
    await t.rejects(issuing, { name: 'TypeError', message })
  }
  await t.rejects(empty.issueToken({}, { subject: 'user' }), { message: /"users" is empty/ })
  t.equal(decodeJwt(await empty.issueToken()).sub, 'demo-client')
})

t.test('an API with the audience of the server and its profile accepts its tokens', async (t) => {
  const clients = [
    { clientId: 'web', clientSecret: 'secret' },
    { clientId: 'batch', clientSecret: 'secret' },
  ]
  const options = [{}, { clients }, { audience: 'https://api.example' }]
  for (const { profile } of shapes) {
    for (const own of options) {
      await using server = await start(profile, { now: Date.now, ...own })
      const { issuer, audience } = server
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(resourceServer, {
        issuer,
        audience: audience as string,
        profile: profile === 'entra-v1' ? 'entra' : profile,
      })
      app.get('/', async () => 'accepted')
      const statusOf = async (token: string) =>
        (await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })).statusCode
      const user = { username: 'jane', password: 'pw', scope }
      for (const client of own.clients ?? [testClient]) {
        const granted = await passwordGrant({ issuer, ...client, ...user })
        t.equal(
          await statusOf(granted.access_token),
          200,
          `${profile}, a user by ${client.clientId}`,
        )
      }
      for (const subject of ['user', 'client'] as const) {
        const token = await server.issueToken({}, { scope: 'orders:read', subject })
        t.equal(await statusOf(token), 200, `${profile}, ${subject}`)
      }
      t.equal(await statusOf(await server.issueIdToken()), 401, `${profile}, an ID token`)
    }
  }
})

t.test('tokens of Cognito have an audience only if one is configured', async (t) => {
  t.equal((await claimsOf('cognito', {})).aud, undefined)
  await using one = await start('cognito', {})
  t.equal(one.audience, 'demo-client')
  const clients = [{ clientId: 'a' }, { clientId: 'b' }]
  await using several = await start('cognito', { clients })
  t.strictSame(several.audience, ['a', 'b'])
  await using bound = await start('cognito', { audience: 'https://api.example' })
  t.equal(bound.audience, 'https://api.example')
})
