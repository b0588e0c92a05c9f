/**
 * Gets a token and calls the API, in as few lines as possible. You can also use this example as a
 * model for a test of your own API. `npm run example token-to-api`.
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
})
app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async (request) => ({
  ordersOf: request.claims.sub,
}))

// A client requests its token over HTTP.
const { access_token } = await passwordGrant({
  issuer: authorizationServer.issuer,
  ...testUser,
  ...testClient,
  scope: 'orders:read',
})
const granted = await app.inject({
  url: '/orders',
  headers: { authorization: `Bearer ${access_token}` },
})
console.log('password grant:', granted.statusCode, granted.body)

// A test can also issue a token directly, with the claims that it needs.
const token = await authorizationServer.issueToken({ sub: 'ada' }, { scope: 'profile' })
const rejected = await app.inject({ url: '/orders', headers: { authorization: `Bearer ${token}` } })
console.log('without the scope:', rejected.statusCode, rejected.headers['www-authenticate'])

await app.close()
await authorizationServer.close()
