/**
 * Requests tokens from an OpenAuth issuer, and sends them to an API over HTTP. OpenAuth has a token
 * format of its own: `aud` is the client, there is no scope, and `mode` is the token type. The API
 * therefore has a custom profile.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { createResourceServer, type IssuerOptions, type Profile } from '../../src/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { CLIENT_ID, startOpenAuth } from './fixtures/openauth.js'

const server = await startOpenAuth(t)

const profile: Profile = {
  name: 'openauth',
  isAccessToken: (claims) => claims.mode === 'access',
  clientId: (claims) => claims.aud,
  roles: (claims) => (claims.properties as { roles?: unknown } | undefined)?.roles,
  subjectKind: (claims) => (claims.type === 'user' ? 'user' : 'client'),
}
const options: IssuerOptions = { issuer: server.issuer, audience: CLIENT_ID, profile }

t.test('accepts and reads an access token of the authorization code flow', async (t) => {
  const token = await server.codeFlow()
  t.match(decodeProtectedHeader(token), { alg: 'ES256', typ: 'JWT' })
  t.match(decodeJwt(token), { aud: CLIENT_ID, mode: 'access', iat: undefined })
  const { get } = await startApi(t, options)
  const body = { user: 'ada', client: CLIENT_ID, scope: [] }
  t.match(await get('/me', token), { status: 200, body })
  t.match((await get('/orders', token)).challenge, /error="insufficient_scope"/)

  const api = await createResourceServer(options)
  t.teardown(() => api.close())
  const verified = await api.verify(token)
  t.equal(verified.subjectKind, 'user')
  t.strictSame([...verified.roles], ['editor'])
})

t.test('accepts a token of the client credentials grant', async (t) => {
  const token = await server.clientCredentials()
  const api = await createResourceServer({ ...options, audience: 'nightly-job' })
  t.teardown(() => api.close())
  const verified = await api.verify(token)
  t.match(verified, { subjectKind: 'client', clientId: 'nightly-job', subject: 'nightly-job' })
})

t.test('J5: rejects a token of another client', async (t) => {
  const api = await startApi(t, options)
  t.equal((await api.get('/me', await server.clientCredentials())).status, 401)
  t.match(api.lastReason, { check: 'audience', found: '"nightly-job"' })
})

t.test('J2: profile rfc9068 rejects the tokens, because their typ is JWT', async (t) => {
  const api = await startApi(t, { ...options, profile: 'rfc9068' })
  t.equal((await api.get('/me', await server.codeFlow())).status, 401)
  t.match(api.lastReason, { check: 'type' })
})
