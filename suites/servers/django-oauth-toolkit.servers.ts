/**
 * Requests opaque tokens from Django OAuth Toolkit, and sends them to an API that introspects them.
 * The introspection responses contain neither an audience nor an issuer, so the API compares the
 * client.
 */
import t from 'tap'
import type { IssuerOptions } from '../../src/index.js'
import { startApi } from '../../test/api/interop/fixtures/api.js'
import { API_CLIENT, CLIENT, startDjango } from './fixtures/django-oauth-toolkit.js'

const server = await startDjango(t)

const options: IssuerOptions = {
  issuer: server.issuer,
  audience: CLIENT.clientId,
  dangerouslyAudienceFrom: 'client_id',
  introspection: {
    ...API_CLIENT,
    endpoint: server.introspectionEndpoint,
    cacheMaxAge: 0,
  },
}

t.test('accepts and reads an opaque token of a user', async (t) => {
  const token = await server.passwordGrant()
  t.notMatch(token, /\./)
  const { get } = await startApi(t, options)
  const body = { client: CLIENT.clientId, scope: ['orders:read'] }
  t.match(await get('/me', token), { status: 200, body })
  t.equal((await get('/orders', token)).status, 200)
  t.match((await get('/refunds', token)).challenge, /error="insufficient_scope"/)
})

t.test('I2: rejects a revoked token and an unknown token', async (t) => {
  const { get } = await startApi(t, options)
  const token = await server.passwordGrant()
  t.equal((await get('/orders', token)).status, 200)
  t.equal((await server.revoke(token)).status, 200)
  t.match(await get('/orders', token), { status: 401, challenge: /not active/ })
  t.match(await get('/orders', 'unknown'), { status: 401, challenge: /not active/ })
})

t.test('J5: rejects a token of another client, and a token without an audience', async (t) => {
  const api = await startApi(t, options)
  t.equal((await api.get('/orders', await server.clientCredentials())).status, 401)
  t.match(api.lastReason, { check: 'audience', found: '"other"' })
  const { dangerouslyAudienceFrom, ...byAudience } = options
  const strict = await startApi(t, byAudience)
  t.equal((await strict.get('/orders', await server.passwordGrant())).status, 401)
  t.match(strict.lastReason, { check: 'audience' })
})

t.test('responds with 503 if Django rejects the credentials of the API', async (t) => {
  const introspection = { ...options.introspection, clientSecret: 'wrong' } as never
  const { get } = await startApi(t, { ...options, introspection })
  t.equal((await get('/orders', await server.passwordGrant())).status, 503)
})
