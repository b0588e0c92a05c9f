/**
 * Requests tokens from Better Auth, a library that the suite installs from npm, and sends them to
 * an API over HTTP: access tokens of the plugin oauth-provider, and tokens of the plugin jwt.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { createResourceServer, type IssuerOptions } from '../../src/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { RESOURCE, startBetterAuth } from './fixtures/better-auth.js'

const server = await startBetterAuth(t)
const { origin, issuer, clientId } = server
const profile = 'better-auth'
const oauth: IssuerOptions = { issuer, audience: RESOURCE, profile }
// Tokens of the plugin jwt have the origin as issuer and audience, which has no metadata.
const sessions: IssuerOptions = { issuer: origin, audience: origin, profile }

t.test('accepts an access token of the authorization code flow', async (t) => {
  const { access_token, id_token } = await server.codeFlow(await server.signInUser())
  t.match(decodeProtectedHeader(access_token), { alg: 'EdDSA', typ: 'at+jwt' })
  const { get } = await startApi(t, oauth)
  const { sub } = decodeJwt(access_token)
  const body = { user: sub, client: clientId, scope: ['openid', 'orders:read'] }
  t.match(await get('/me', access_token), { status: 200, body })
  t.equal((await get('/orders', access_token)).status, 200)
  t.match((await get('/refunds', access_token)).challenge, /error="insufficient_scope"/)
  t.equal((await get('/me', id_token)).status, 401, 'J8: rejects the ID token')
  const asClient = await startApi(t, { ...oauth, audience: clientId })
  t.equal((await asClient.get('/me', id_token)).status, 401, 'J8: even with its audience')
  t.match(asClient.lastReason, { check: 'type' })
})

t.test('accepts an access token of the client credentials grant', async (t) => {
  const { access_token } = await server.clientCredentials()
  const { get } = await startApi(t, oauth)
  t.match(await get('/me', access_token), { status: 200, body: { user: clientId } })
  t.equal((await get('/orders', access_token)).status, 200)
})

t.test('J5: rejects a token for another audience', async (t) => {
  const { access_token } = await server.codeFlow(await server.signInUser())
  const api = await startApi(t, { ...oauth, audience: 'https://api.example.com/invoices' })
  t.equal((await api.get('/me', access_token)).status, 401)
  t.match(api.lastReason, { check: 'audience' })
})

t.test('accepts a token of the plugin jwt, whose issuer is the origin', async (t) => {
  const token = await server.sessionToken(await server.signInUser())
  t.equal(decodeProtectedHeader(token).typ, undefined)
  const { get } = await startApi(t, sessions)
  t.match(await get('/me', token), { status: 200, body: { user: decodeJwt(token).sub } })
  t.match((await get('/orders', token)).challenge, /error="insufficient_scope"/)
  const thisApi = await startApi(t, oauth)
  t.equal((await thisApi.get('/me', token)).status, 401)
  t.match(thisApi.lastReason, { check: 'issuer' })
})

t.test('accepts both tokens with both issuers', async (t) => {
  const cookie = await server.signInUser()
  const { get } = await startApi(t, { issuer: [oauth, sessions] })
  t.equal((await get('/me', await server.sessionToken(cookie))).status, 200)
  t.equal((await get('/me', (await server.codeFlow(cookie)).access_token)).status, 200)
})

t.test('tells anonymous users from users, and reads roles and the session', async (t) => {
  const [user, visitor] = [await server.signInUser(), await server.signInAnonymously()]
  const forSessions = await createResourceServer(sessions)
  const forOauth = await createResourceServer(oauth)
  t.teardown(() => Promise.all([forSessions.close(), forOauth.close()]))
  const sessionOf = async (cookie: string) => forSessions.verify(await server.sessionToken(cookie))
  t.match(await sessionOf(user), { subjectKind: 'user', roles: new Set(['user']) })
  t.match(await sessionOf(visitor), { subjectKind: 'anonymous' })
  const grantOf = async (cookie: string) =>
    forOauth.verify((await server.codeFlow(cookie)).access_token)
  t.match(await grantOf(user), { subjectKind: 'user', sessionId: String })
  t.match(await grantOf(visitor), { subjectKind: 'anonymous' })
  const { access_token } = await server.clientCredentials()
  t.match(await forOauth.verify(access_token), { subjectKind: 'client', sessionId: undefined })
})
