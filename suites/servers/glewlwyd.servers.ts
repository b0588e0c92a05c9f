/**
 * Requests tokens from glewlwyd, an authorization server in C, and sends them to an API over HTTP.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import t, { type Test } from 'tap'
import { passwordGrant } from '../../src/testing/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { API_CLIENT, CLIENT, RESOURCE, startGlewlwyd, USER } from './fixtures/glewlwyd.js'

async function start(t: Test, algorithm = 'RS256') {
  const server = await startGlewlwyd(t, algorithm)
  const config = await client.discovery(
    new URL(server.issuer),
    CLIENT.clientId,
    undefined,
    client.ClientSecretBasic(CLIENT.clientSecret),
    { execute: [client.allowInsecureRequests] },
  )
  return {
    ...server,
    config,
    api: { issuer: server.issuer, audience: RESOURCE },
    grant: { issuer: server.issuer, ...CLIENT, ...USER, scope: 'openid orders:read' },
    async machineToken() {
      const parameters = { scope: 'orders:read', resource: RESOURCE }
      const { access_token } = await client.clientCredentialsGrant(config, parameters)
      return access_token
    },
  }
}

for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
  t.test(`accepts a token signed with ${algorithm}`, async (t) => {
    const { api, machineToken } = await start(t, algorithm)
    const token = await machineToken()
    t.match(decodeProtectedHeader(token), { alg: algorithm, typ: 'at+jwt' })
    for (const profile of ['standard', 'rfc9068'] as const) {
      const { get } = await startApi(t, { ...api, profile })
      const body = { user: CLIENT.clientId, client: CLIENT.clientId, scope: ['orders:read'] }
      t.match(await get('/me', token), { status: 200, body })
      t.equal((await get('/orders', token)).status, 200)
      t.match((await get('/refunds', token)).challenge, /error="insufficient_scope"/)
    }
  })
}

t.test('J5: rejects a token for another audience, and a token without a resource', async (t) => {
  const { api, config, machineToken } = await start(t)
  const other = await startApi(t, { ...api, audience: 'https://api.example.com/invoices' })
  t.equal((await other.get('/me', await machineToken())).status, 401)
  const thisApi = await startApi(t, api)
  const parameters = { scope: 'orders:read' }
  const { access_token } = await client.clientCredentialsGrant(config, parameters)
  t.equal((await thisApi.get('/me', access_token)).status, 401)
  t.match(thisApi.lastReason, { check: 'audience', found: '"orders:read"' })
})

t.test(
  'G1: the password grant issues tokens with the scope as audience, regardless of `resource`',
  async (t) => {
    const { api, grant, issuer } = await start(t)
    const parameters = { resource: RESOURCE }
    const { access_token, id_token } = await passwordGrant({ ...grant, parameters })
    const { aud, sub } = decodeJwt(access_token)
    t.equal(aud, grant.scope)
    const { get } = await startApi(t, { issuer, audience: grant.scope })
    t.match(await get('/orders', access_token), { status: 200 })
    t.match(await get('/me', access_token), { body: { user: sub, client: CLIENT.clientId } })
    const thisApi = await startApi(t, api)
    t.equal((await thisApi.get('/me', access_token)).status, 401)
    t.equal((await get('/me', id_token)).status, 401, 'J8')
  },
)

t.test(
  'accepts both keys of a rotation from RS256 to ES256, until the old key is withdrawn',
  async (t) => {
    const { api, machineToken, rotateKeys, withdrawOldKeys } = await start(t)
    const { app, get } = await startApi(t, api)
    const before = await machineToken()
    t.equal((await get('/me', before)).status, 200)
    await rotateKeys('ES256')
    const after = await machineToken()
    t.match(decodeProtectedHeader(after), { alg: 'ES256' })
    t.equal((await get('/me', after)).status, 200, 'the first request with the new key')
    t.equal((await get('/me', before)).status, 200)
    await withdrawOldKeys()
    await app.resourceServer.refreshKeys()
    t.equal((await get('/me', before)).status, 401)
    t.equal((await get('/me', after)).status, 200)
  },
)

t.test(
  'I2: rejects a revoked token if the API introspects as the client of the token',
  async (t) => {
    const { api, config, machineToken } = await start(t)
    const always = { mode: 'always', cacheMaxAge: 0 } as const
    const asSameClient = await startApi(t, { ...api, introspection: { ...CLIENT, ...always } })
    const asOtherClient = await startApi(t, { ...api, introspection: { ...API_CLIENT, ...always } })
    const token = await machineToken()
    t.equal((await asSameClient.get('/orders', token)).status, 200)
    // glewlwyd reports the token as inactive to any other client, which RFC 7662 §4 allows.
    t.match(await asOtherClient.get('/orders', token), { status: 401, challenge: /not active/ })
    await client.tokenRevocation(config, token)
    t.match(await asSameClient.get('/orders', token), { status: 401, challenge: /not active/ })
  },
)
