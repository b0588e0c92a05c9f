/** Tokens of oidc-provider, a certified OpenID provider, requested and used over real HTTP. */
import { decodeProtectedHeader } from 'jose'
import t, { type Test } from 'tap'
import { type PasswordGrantError, passwordGrant } from '../../../src/testing/index.js'
import { startApi } from './fixtures/api.js'
import {
  CLIENT,
  type OidcProviderOptions,
  RESOURCE,
  startOidcProvider,
  USER,
} from './fixtures/oidc-provider.js'

async function start(t: Test, options: Partial<OidcProviderOptions> = {}) {
  const server = await startOidcProvider(t, { algorithm: 'ES256', ...options })
  const grant = { issuer: server.issuer, ...CLIENT, ...USER, scope: 'openid orders:read' }
  return { ...server, grant, api: { issuer: server.issuer, audience: RESOURCE } }
}

for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']) {
  t.test(`accepts a token signed with ${algorithm}`, async (t) => {
    const { grant, api } = await start(t, { algorithm })
    const { access_token, token_type, expires_in, scope } = await passwordGrant(grant)
    t.match(decodeProtectedHeader(access_token), { alg: algorithm, typ: 'at+jwt' })
    t.strictSame(
      { token_type, expires_in, scope },
      { token_type: 'bearer', expires_in: 600, scope: 'orders:read' },
    )
    for (const profile of ['standard', 'rfc9068'] as const) {
      const { get } = await startApi(t, { ...api, profile })
      const body = { user: USER.username, client: CLIENT.clientId, scope: ['orders:read'] }
      t.strictSame(await get('/me', access_token), { status: 200, challenge: null, body }, profile)
      t.equal((await get('/orders', access_token)).status, 200, profile)
    }
  })
}

t.test('accepts tokens signed with a new key, and with the old one', async (t) => {
  const { grant, api, rotateKeys } = await start(t)
  const { get } = await startApi(t, api)
  const before = (await passwordGrant(grant)).access_token
  t.equal((await get('/me', before)).status, 200)
  await rotateKeys()
  const after = (await passwordGrant(grant)).access_token
  t.not(decodeProtectedHeader(after).kid, decodeProtectedHeader(before).kid)
  t.equal((await get('/me', after)).status, 200)
  t.equal((await get('/me', before)).status, 200)
})

for (const [from, to] of [
  ['RS256', 'PS256'],
  ['PS256', 'ES256'],
  ['ES256', 'EdDSA'],
  ['EdDSA', 'RS256'],
] as const) {
  t.test(`J1: from ${from} to ${to}, until the old key is withdrawn`, async (t) => {
    const { grant, api, rotateKeys, withdrawOldKeys } = await start(t, { algorithm: from })
    const { app, get } = await startApi(t, api)
    const before = (await passwordGrant(grant)).access_token
    t.equal((await get('/me', before)).status, 200)
    await rotateKeys(to)
    const after = (await passwordGrant(grant)).access_token
    t.match(decodeProtectedHeader(after), { alg: to })
    t.equal((await get('/me', after)).status, 200, 'on its first request')
    t.equal((await get('/me', before)).status, 200, 'the old key is still published')
    withdrawOldKeys()
    await app.resourceServer.refreshKeys()
    t.equal((await get('/me', before)).status, 401, 'including a cached result')
    t.equal((await get('/me', after)).status, 200)
  })
}

t.test('responds with 403 that names a scope that was not granted', async (t) => {
  const { grant, api } = await start(t)
  const { get } = await startApi(t, api)
  const { access_token } = await passwordGrant(grant)
  const { status, challenge } = await get('/refunds', access_token)
  t.equal(status, 403)
  t.match(challenge, /error="insufficient_scope".*scope="orders:refund"/)
})

t.test('rejects', async (t) => {
  const { grant, api } = await start(t)
  const { access_token, id_token } = await passwordGrant(grant)

  t.test('an expired token', async (t) => {
    const now = () => Date.now() + 601_000
    const expired = await startApi(t, { ...api, clockTolerance: 0, now })
    const { status, challenge } = await expired.get('/me', access_token)
    t.equal(status, 401)
    t.match(challenge, 'error="invalid_token", error_description="The access token expired"')
    t.equal(expired.lastReason?.check, 'expiry')
  })

  t.test('a token for another audience', async (t) => {
    const other = await startApi(t, { ...api, audience: 'https://api.example.com/invoices' })
    const { status, challenge } = await other.get('/me', access_token)
    t.equal(status, 401)
    t.match(challenge, 'error="invalid_token"')
    t.match(other.lastReason, { check: 'audience', found: JSON.stringify(RESOURCE) })
  })

  t.test('an ID token', async (t) => {
    const { get } = await startApi(t, api)
    t.type(id_token, 'string')
    const { status, challenge } = await get('/me', id_token)
    t.equal(status, 401)
    t.match(challenge, 'error="invalid_token"')
  })

  t.test('an ID token although the audience is the client, profile rfc9068', async (t) => {
    const audience = [RESOURCE, CLIENT.clientId]
    const strict = await startApi(t, { ...api, audience, profile: 'rfc9068' })
    t.equal((await strict.get('/me', access_token)).status, 200)
    t.equal((await strict.get('/me', id_token)).status, 401)
    t.equal(strict.lastReason?.check, 'type')
  })

  t.test('a token of another server with the same audience', async (t) => {
    const untrusted = await start(t)
    const { get } = await startApi(t, api)
    const token = (await passwordGrant(untrusted.grant)).access_token
    t.equal((await get('/me', token)).status, 401)
  })
})

t.test('rejects an opaque token with a specific reason', async (t) => {
  const { grant, api } = await start(t, { accessTokenFormat: 'opaque' })
  const { access_token } = await passwordGrant(grant)
  t.notMatch(access_token, '.', 'is no JWT')
  const opaque = await startApi(t, api)
  const { status, challenge } = await opaque.get('/me', access_token)
  t.equal(status, 401)
  t.match(challenge, 'error="invalid_token"')
  t.match(opaque.lastReason, { check: 'token' })
  t.match(JSON.stringify(opaque.lastReason), /opaque/)
  t.notMatch(JSON.stringify(opaque.lastReason), access_token, 'does not reveal the token')
})

t.test('reports a wrong password as invalid_grant without disclosing it', async (t) => {
  const { grant } = await start(t)
  const password = 'a wrong password'
  const error: PasswordGrantError = await passwordGrant({ ...grant, password }).then(
    () => t.fail('got a token') as never,
    (reason) => reason,
  )
  t.match(error, { name: 'PasswordGrantError', error: 'invalid_grant', status: 400 })
  t.notMatch(`${error.stack}${JSON.stringify(error)}`, password)
})

t.test('reports a wrong client secret as invalid_client', async (t) => {
  const { grant } = await start(t)
  await t.rejects(passwordGrant({ ...grant, clientSecret: 'another-secret' }), {
    name: 'PasswordGrantError',
    error: 'invalid_client',
    status: 401,
  })
})
