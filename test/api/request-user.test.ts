/** The getter of docs/migration/README.md, which keeps `request.user` after a migration. */
import t from 'tap'
import type { AccessTokenClaims } from '../../src/index.js'
import { bearer, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const headers = bearer(await tokenOf({ sub: 'alice' }))

t.test('a getter for request.user returns the claims, and open routes work', async (t) => {
  const app = await protectedApi(t)
  app.decorateRequest('user', {
    getter() {
      return this.claims
    },
  })
  const open = { config: { auth: false } }
  app.get('/me', (request) => request.getDecorator<AccessTokenClaims>('user').sub)
  app.get('/health', open, () => 'ok')
  app.get('/mistake', open, (request) => request.getDecorator<AccessTokenClaims>('user').sub)
  app.get('/assigned', (request) => Object.assign(request, { user: {} }))

  t.equal((await app.inject({ url: '/me', headers })).body, 'alice')
  t.equal((await app.inject('/me')).statusCode, 401)
  t.equal((await app.inject('/health')).body, 'ok')
  const mistake = await app.inject('/mistake')
  t.equal(mistake.statusCode, 500)
  t.match(mistake.body, 'request.claims was read on a request without a verified access token')
  const assigned = await app.inject({ url: '/assigned', headers })
  t.equal(assigned.statusCode, 500)
  t.match(assigned.body, 'which has only a getter')
})

t.test('a getter for request.user can return null without a token', async (t) => {
  const app = await protectedApi(t)
  app.decorateRequest('user', {
    getter() {
      return this.auth?.claims ?? null
    },
  })
  for (const [url, auth] of Object.entries({ '/open': false, '/optional': { optional: true } })) {
    app.get(url, { config: { auth } }, (request) => ({
      user: request.getDecorator<AccessTokenClaims | null>('user')?.sub ?? 'none',
    }))
  }

  t.same((await app.inject('/open')).json(), { user: 'none' })
  t.same((await app.inject('/optional')).json(), { user: 'none' })
  t.same((await app.inject({ url: '/optional', headers })).json(), { user: 'alice' })
})
