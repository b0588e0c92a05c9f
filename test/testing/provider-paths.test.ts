/** The endpoints at the paths that auth0-spa-js and keycloak-js use without reading the metadata. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { authorizationUrl, CALLBACK, pkce, redeem } from './fixtures/authorization.js'
import { Browser } from './fixtures/browser.js'
import { postForm } from './fixtures/post-form.js'

const BYE = 'http://127.0.0.1:4000/'

const cases = [
  {
    profile: 'auth0',
    cookiePath: '/',
    authorize: '/authorize',
    token: '/oauth/token',
    userInfo: '/userinfo',
    logout: `/v2/logout?client_id=app&returnTo=${encodeURIComponent(BYE)}`,
  },
  {
    profile: 'keycloak',
    cookiePath: '/realms/demo',
    authorize: '/protocol/openid-connect/auth',
    token: '/protocol/openid-connect/token',
    userInfo: '/protocol/openid-connect/userinfo',
    logout: `/protocol/openid-connect/logout?client_id=app&post_logout_redirect_uri=${encodeURIComponent(BYE)}`,
  },
] as const

for (const { profile, cookiePath, authorize, token, userInfo, logout } of cases) {
  t.test(`serves login, tokens, UserInfo and logout at the paths of ${profile}`, async (t) => {
    const grantTypes = ['authorization_code', 'refresh_token'] as const
    const client = { clientId: 'app', redirectUris: [CALLBACK], postLogoutRedirectUris: [BYE] }
    await using server = await createAuthorizationServer({
      algorithm: 'ES256',
      profile,
      users: [{ username: 'ada', password: 'demo-password' }],
      clients: [{ ...client, grantTypes }],
    })
    const at = (path: string) => `${server.issuer.replace(/\/$/, '')}${path}`
    const browser = new Browser()
    const { verifier, challenge } = pkce()
    const url = authorizationUrl(at(authorize), challenge)
    const cookie = (await new Browser().open(url)).headers.get('set-cookie')
    t.match(cookie, `Path=${cookiePath};`, 'the browser sends it to all paths')
    const location = await browser.allow(url, 'ada')
    const { body } = await redeem(at(token), location.searchParams.get('code'), verifier)
    const authorization = `Bearer ${body.access_token}`
    const response = await fetch(at(userInfo), { headers: { authorization } })
    t.match(await response.json(), { sub: decodeJwt(`${body.id_token}`).sub })

    if (profile === 'keycloak') {
      t.match(decodeProtectedHeader(`${body.refresh_token}`), { alg: 'HS512' })
      t.match(decodeJwt(`${body.refresh_token}`), { typ: 'Refresh', azp: 'app', sid: String })
    }
    const refresh = (refresh_token: string) =>
      postForm(at(token), { grant_type: 'refresh_token', client_id: 'app', refresh_token })
    t.match(body.refresh_token, /(^|\.)[\w-]{43}$/, '256 random bits')
    const cut = `${body.refresh_token}`.slice(0, -1)
    t.equal((await refresh(cut)).status, 400, 'the last part is compared as well')
    const refreshed = await refresh(`${body.refresh_token}`)
    t.equal(refreshed.status, 200)
    t.not(refreshed.body.refresh_token, body.refresh_token)

    const question = await browser.open(at(logout))
    t.equal((await browser.submit(question)).location?.href, BYE)
    t.match((await browser.open(url)).text, '<h1>Log in</h1>')
  })
}

t.test('other profiles have no such paths', async (t) => {
  await using server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.equal((await fetch(`${server.issuer}/authorize`)).status, 404)
})
