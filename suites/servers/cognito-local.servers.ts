/**
 * Requests tokens from cognito-local, which emulates Amazon Cognito user pools, and sends them to
 * an API with the profile `cognito` over HTTP.
 */
import { decodeJwt } from 'jose'
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { startCognitoLocal } from './fixtures/cognito-local.js'

const server = await startCognitoLocal(t)
const options = {
  issuer: server.issuer,
  // The emulator's metadata names its default port, whichever port it uses.
  jwksUri: `${server.issuer}/.well-known/jwks.json`,
  audience: server.clientId,
  profile: 'cognito',
} as const
const tokens = await server.signIn()

t.test('accepts and reads an access token', async (t) => {
  const { get } = await startApi(t, options)
  const { sub, aud } = decodeJwt(tokens.AccessToken)
  t.equal(aud, undefined)
  const scope = ['aws.cognito.signin.user.admin']
  const body = { user: sub, client: server.clientId, scope }
  t.match(await get('/me', tokens.AccessToken), { status: 200, body })
  t.match((await get('/orders', tokens.AccessToken)).challenge, /error="insufficient_scope"/)

  const api = await createResourceServer(options)
  t.teardown(() => api.close())
  const token = await api.verify(tokens.AccessToken)
  t.equal(token.subjectKind, 'user')
  t.strictSame([...token.groups], ['editors'])
})

t.test(
  'J8: rejects the ID token, whose audience is the client, and the refresh token',
  async (t) => {
    const api = await startApi(t, options)
    t.equal(decodeJwt(tokens.IdToken).aud, server.clientId)
    t.equal((await api.get('/me', tokens.IdToken)).status, 401)
    t.match(api.lastReason, { check: 'type' })
    t.equal((await api.get('/me', tokens.RefreshToken)).status, 401)
    t.match(api.lastReason, { check: 'claims' })
  },
)

t.test('J5: rejects the tokens of another app client', async (t) => {
  const api = await startApi(t, { ...options, audience: 'another-client' })
  t.equal((await api.get('/me', tokens.AccessToken)).status, 401)
  t.match(api.lastReason, { check: 'audience', found: `"${server.clientId}"` })
})
