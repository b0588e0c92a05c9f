/** Tokens of LemonLDAP::NG, a web SSO in Perl that Debian has, got and used over real HTTP. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { passwordGrant } from '../../src/testing/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { CLIENT, OPAQUE_CLIENT, RESOURCE, startLemonldap, USER } from './fixtures/lemonldap-ng.js'

const { issuer, rotateKeys } = await startLemonldap(t)
const api = { issuer, audience: RESOURCE }
const grant = { issuer, ...CLIENT, ...USER, scope: 'openid orders:read' }

t.test('G1: a token of the password grant opens a route', async (t) => {
  const { access_token, id_token } = await passwordGrant(grant)
  t.match(decodeProtectedHeader(access_token), { alg: 'RS256', typ: 'JWT' })
  const it = await startApi(t, api)
  const body = { user: USER.username, client: CLIENT.clientId, scope: grant.scope.split(' ') }
  t.match(await it.get('/me', access_token), { status: 200, body })
  t.equal((await it.get('/orders', access_token)).status, 200)
  t.match((await it.get('/refunds', access_token)).challenge, /error="insufficient_scope"/)
  t.ok(
    [decodeJwt(`${id_token}`).aud].flat().includes(RESOURCE),
    'its ID token names the API as well',
  )
  t.equal((await it.get('/me', id_token)).status, 401, 'J8: but is rejected')
})

t.test('a token of the client credentials grant opens a route', async (t) => {
  const config = await client.discovery(
    new URL(issuer),
    CLIENT.clientId,
    undefined,
    client.ClientSecretBasic(CLIENT.clientSecret),
    { execute: [client.allowInsecureRequests] },
  )
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
  const { get } = await startApi(t, api)
  t.match(await get('/me', access_token), { status: 200, body: { user: CLIENT.clientId } })
})

t.test('J5: a token for another audience is refused', async (t) => {
  const { access_token } = await passwordGrant(grant)
  const it = await startApi(t, { issuer, audience: 'https://api.example.com/invoices' })
  t.equal((await it.get('/me', access_token)).status, 401)
  t.match(it.lastReason, { check: 'audience' })
})

t.test('J2: profile rfc9068 refuses its tokens, whose typ is JWT', async (t) => {
  const { access_token } = await passwordGrant(grant)
  const it = await startApi(t, { ...api, profile: 'rfc9068' })
  t.equal((await it.get('/me', access_token)).status, 401)
  t.match(it.lastReason, { check: 'type' })
})

t.test('I2: its answers about opaque tokens name no audience, and do not do', async (t) => {
  const { access_token } = await passwordGrant({ ...grant, ...OPAQUE_CLIENT })
  t.notMatch(access_token, /\./)
  const it = await startApi(t, { ...api, introspection: CLIENT })
  t.match(await it.get('/me', access_token), { status: 401, challenge: /not meant for this/ })
  t.match(it.lastReason, { check: 'audience' })
  t.match(await it.get('/me', 'another-token'), { status: 401, challenge: /not active/ })
})

t.test('a token signed with a new key opens a route', async (t) => {
  const { app, get } = await startApi(t, api)
  const before = (await passwordGrant(grant)).access_token
  t.equal((await get('/me', before)).status, 200)
  await rotateKeys()
  const { kid } = decodeProtectedHeader(before)
  let after = before
  while (decodeProtectedHeader(after).kid === kid) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    after = (await passwordGrant(grant)).access_token
  }
  t.equal((await get('/me', after)).status, 200, 'its first request')
  await app.resourceServer.refreshKeys()
  t.equal((await get('/me', before)).status, 401, 'it publishes one key, so the old one is gone')
})
