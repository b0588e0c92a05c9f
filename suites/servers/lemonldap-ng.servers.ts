/** Requests tokens from LemonLDAP::NG, a web SSO in Perl, and sends them to an API over HTTP. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { passwordGrant } from '../../src/testing/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { CLIENT, OPAQUE_CLIENT, RESOURCE, startLemonldap, USER } from './fixtures/lemonldap-ng.js'

const { issuer, rotateKeys } = await startLemonldap(t)
const options = { issuer, audience: RESOURCE }
const grant = { issuer, ...CLIENT, ...USER, scope: 'openid orders:read' }

t.test('G1: accepts a token of the password grant', async (t) => {
  const { access_token, id_token } = await passwordGrant(grant)
  t.match(decodeProtectedHeader(access_token), { alg: 'RS256', typ: 'JWT' })
  const api = await startApi(t, options)
  const body = { user: USER.username, client: CLIENT.clientId, scope: grant.scope.split(' ') }
  t.match(await api.get('/me', access_token), { status: 200, body })
  t.equal((await api.get('/orders', access_token)).status, 200)
  t.match((await api.get('/refunds', access_token)).challenge, /error="insufficient_scope"/)
  t.ok(
    [decodeJwt(`${id_token}`).aud].flat().includes(RESOURCE),
    'the ID token has the audience of the API as well',
  )
  t.equal((await api.get('/me', id_token)).status, 401, 'J8: rejects the ID token')
})

t.test('accepts a token of the client credentials grant', async (t) => {
  const config = await client.discovery(
    new URL(issuer),
    CLIENT.clientId,
    undefined,
    client.ClientSecretBasic(CLIENT.clientSecret),
    { execute: [client.allowInsecureRequests] },
  )
  const { access_token } = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
  const { get } = await startApi(t, options)
  t.match(await get('/me', access_token), { status: 200, body: { user: CLIENT.clientId } })
})

t.test('J5: rejects a token for another audience', async (t) => {
  const { access_token } = await passwordGrant(grant)
  const api = await startApi(t, { issuer, audience: 'https://api.example.com/invoices' })
  t.equal((await api.get('/me', access_token)).status, 401)
  t.match(api.lastReason, { check: 'audience' })
})

t.test('J2: profile rfc9068 rejects the tokens, because their typ is JWT', async (t) => {
  const { access_token } = await passwordGrant(grant)
  const api = await startApi(t, { ...options, profile: 'rfc9068' })
  t.equal((await api.get('/me', access_token)).status, 401)
  t.match(api.lastReason, { check: 'type' })
})

t.test(
  'I2: rejects opaque tokens, because the introspection responses contain no audience',
  async (t) => {
    const { access_token } = await passwordGrant({ ...grant, ...OPAQUE_CLIENT })
    t.notMatch(access_token, /\./)
    const api = await startApi(t, { ...options, introspection: CLIENT })
    t.match(await api.get('/me', access_token), { status: 401, challenge: /not meant for this/ })
    t.match(api.lastReason, { check: 'audience' })
    t.match(await api.get('/me', 'another-token'), { status: 401, challenge: /not active/ })
  },
)

t.test('accepts a token signed with a new key', async (t) => {
  const { app, get } = await startApi(t, options)
  const before = (await passwordGrant(grant)).access_token
  t.equal((await get('/me', before)).status, 200)
  await rotateKeys()
  const { kid } = decodeProtectedHeader(before)
  let after = before
  while (decodeProtectedHeader(after).kid === kid) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    after = (await passwordGrant(grant)).access_token
  }
  t.equal((await get('/me', after)).status, 200, 'the first request with the new key')
  await app.resourceServer.refreshKeys()
  t.equal((await get('/me', before)).status, 401, 'the portal publishes only the new key')
})
