/**
 * Limits the requests of each client, regardless of its address, and the rejections of each
 * address. `npm run example rate-limit`.
 *
 * `@fastify/rate-limit` counts in a route hook that runs after the guard. The client is
 * authenticated by then, so that an attacker cannot use up another client's limit with a forged
 * token. Requests that the guard rejects never reach this hook, so they are counted in the error
 * handler.
 */
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import resourceServer, { ResourceServerError } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
})
await app.register(rateLimit, {
  max: 3,
  timeWindow: '1 minute',
  // The prefix prevents a collision between an address and a client id.
  keyGenerator: ({ auth, ip }) =>
    auth === null ? `ip ${ip}` : `client ${auth.clientId ?? auth.subject}`,
})
const limitRejections = app.createRateLimit({
  max: 2,
  timeWindow: '1 minute',
  keyGenerator: ({ ip }) => `rejected ${ip}`,
})
app.setErrorHandler(async (error, request, reply) => {
  if (!(error instanceof ResourceServerError) || error.statusCode >= 500) return reply.send(error)
  const limit = await limitRejections(request)
  if (limit.isAllowed || !limit.isExceeded) return reply.send(error)
  // Requests with a valid token still pass, because many users may share an address.
  return reply
    .code(429)
    .header('retry-after', limit.ttlInSeconds)
    .send({ statusCode: 429, error: 'Too Many Requests', message: 'Too many rejected requests' })
})
app.get('/orders', async () => [])

const tokenOf = (clientId: string) => authorizationServer.issueToken({ client_id: clientId })
const shop = await tokenOf('shop')
const desk = await tokenOf('desk')
console.log('shop:    ', await statusOf(shop, '10.0.0.1'), await statusOf(shop, '10.0.0.2'))
console.log(
  'shop:    ',
  await statusOf(shop, '10.0.0.3'),
  await statusOf(await tokenOf('shop'), '10.0.0.4'),
)
console.log('desk:    ', await statusOf(desk, '10.0.0.1'))
console.log('unknown: ', await statusOf('a.b.c', '10.0.0.9'), await statusOf('a.b.c', '10.0.0.9'))
console.log('unknown: ', await statusOf('a.b.c', '10.0.0.9'), await statusOf('a.b.c', '10.0.0.8'))
console.log('desk:    ', await statusOf(desk, '10.0.0.9'))

await app.close()
await authorizationServer.close()

async function statusOf(token: string, remoteAddress: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await app.inject({ url: '/orders', headers, remoteAddress })).statusCode
}
