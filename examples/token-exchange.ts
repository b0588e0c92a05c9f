/**
 * Demonstrates token exchange (RFC 8693): the orders API calls the payments API on behalf of its
 * caller.
 * `npm run example token-exchange`.
 *
 * The orders API does not forward the token that it received: the payments API would reject it,
 * because its audience is the orders API. The exchanged token names the user as its subject, and
 * the orders API as the actor.
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createTokenExchanger, TokenExchangeError } from 'fastify-resource-server/exchange'
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

const ORDERS = 'https://orders.example'
const PAYMENTS = 'https://payments.example'
const ordersClient = { clientId: 'orders-api', clientSecret: 'orders-api-secret' }

const authorizationServer = await createAuthorizationServer({
  clients: [testClient, ordersClient],
  audience: ORDERS,
  scope: ['orders:read', 'payments:read'],
})
const { issuer } = authorizationServer

const payments = Fastify()
await payments.register(resourceServer, { issuer, audience: PAYMENTS })
payments.get('/', { config: { auth: { scope: 'payments:read' } } }, async ({ auth }) => ({
  payments: 3,
  user: auth?.subject,
  actor: auth?.actor?.subject,
}))
const paymentsUrl = await payments.listen({ port: 0, host: '127.0.0.1' })

const exchanger = await createTokenExchanger({ issuer, ...ordersClient })
const orders = Fastify()
orders.addHook('onClose', () => exchanger.close())
await orders.register(resourceServer, { issuer, audience: ORDERS })

orders.get('/payments', { config: { auth: { scope: 'orders:read' } } }, async (request) => {
  const token = await exchanger.exchange(request.token, {
    audience: PAYMENTS,
    scope: 'payments:read',
  })
  const headers = await token.headers({ url: paymentsUrl })
  const response = await fetch(paymentsUrl, { headers })
  return response.json()
})

orders.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof TokenExchangeError)) return reply.send(error)
  return reply.code(error.statusCode).send({ error: `no payments for you: ${error.error}` })
})

const ada = await authorizationServer.issueToken({ sub: 'ada' })
const bob = await authorizationServer.issueToken({ sub: 'bob' })

const forwarded = await payments.inject({ url: '/', headers: bearer(ada) })
console.log('forwarded token:'.padEnd(20), forwarded.statusCode)

authorizationServer.resetRequests()
await Promise.all(Array.from({ length: 10 }, () => call(ada)))
await show('ada:', ada)
await show('bob:', bob)
console.log('12 calls:'.padEnd(20), authorizationServer.requests.token, 'token requests')

const eve = await authorizationServer.issueToken({ sub: 'eve' })
authorizationServer.revoke(eve)
await show('revoked token:', eve)

await authorizationServer.suspend()
await show('outage, cached:', ada)
const mia = await authorizationServer.issueToken({ sub: 'mia' })
await show('outage, new:', mia)

await Promise.all([orders.close(), payments.close(), authorizationServer.close()])

function call(token: string) {
  return orders.inject({ url: '/payments', headers: bearer(token) })
}

async function show(what: string, token: string) {
  const { statusCode, body } = await call(token)
  console.log(what.padEnd(20), statusCode, body)
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}
