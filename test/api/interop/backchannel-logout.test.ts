/** Logout tokens that oidc-provider creates and sends (OpenID Connect Back-Channel Logout 1.0). */
import t from 'tap'
import { memoryStore } from '../../../src/index.js'
import { passwordGrant } from '../../../src/testing/index.js'
import { startApi } from './fixtures/api.js'
import { testLogoutOnInstances } from './fixtures/logout-on-instances.js'
import { CLIENT, RESOURCE, startOidcProvider, USER } from './fixtures/oidc-provider.js'

for (const algorithm of ['RS256', 'ES256']) {
  t.test(`a logout at oidc-provider ends the access on two instances, ${algorithm}`, async (t) => {
    const { issuer, logOut } = await startOidcProvider(t, { algorithm })
    const options = {
      issuer,
      audience: RESOURCE,
      stores: { revocations: memoryStore() },
      backchannelLogout: { path: '/logout', clientIds: [CLIENT.clientId] },
    }
    const [one, two] = [await startApi(t, options), await startApi(t, options)]
    const grant = { issuer, ...CLIENT, ...USER, scope: 'orders:read' }
    const { access_token: token } = await passwordGrant(grant)
    for (const api of [one, two]) t.equal((await api.get('/me', token)).status, 200)

    await logOut(`${one.url}/logout`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const api of [one, two]) {
      t.equal((await api.get('/me', token)).status, 401)
      t.equal(api.lastReason?.check, 'revocation')
    }
    t.match(one.app.resourceServer.statistics().logoutTokens, { accepted: 1 })
    const { access_token: later } = await passwordGrant(grant)
    t.equal((await two.get('/me', later)).status, 200, 'after another sign-in')
  })
}

t.test('the end of one session at oidc-provider ends it on two instances', async (t) => {
  const stores = { revocations: memoryStore(), replay: memoryStore() }
  await testLogoutOnInstances(t, async () => stores)
})

t.test('oidc-provider is told that a logout token for another client is invalid', async (t) => {
  const { issuer, logOut } = await startOidcProvider(t, { algorithm: 'ES256' })
  const backchannelLogout = { path: '/logout', clientIds: ['other'] }
  const { url, app } = await startApi(t, { issuer, audience: RESOURCE, backchannelLogout })
  await t.rejects(logOut(`${url}/logout`), /got: 400/)
  t.match(app.resourceServer.statistics().logoutTokens, { accepted: 0, rejected: 1 })
})
