/**
 * Uses `@fastify/under-pressure`, which sheds load and reports it to a load balancer, with a health
 * check of the keys. `npm run example under-pressure`.
 */
import { setTimeout } from 'node:timers/promises'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()
const token = await authorizationServer.issueToken()
await authorizationServer.suspend()

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
})
// Registered after the resource server, because the health check runs immediately.
await app.register(underPressure, {
  maxEventLoopDelay: 1_000,
  healthCheck: async () => {
    // Also starts a fetch of keys that are missing, unless the back-off after a failure delays it.
    return app.resourceServer.ready().ready
  },
  // Without this interval, an instance that starts during an outage would stay unhealthy forever.
  healthCheckInterval: 200,
  exposeStatusRoute: { url: '/status', routeOpts: { config: { auth: false } } },
})
app.get('/me', async (request) => ({ user: request.claims.sub }))
await app.listen()

await show('started in an outage:')
await authorizationServer.resume()
await untilReady()
await show('the issuer is back:  ')
await authorizationServer.suspend()
await show('the next outage:     ')

await app.close()
await authorizationServer.close()

async function untilReady(): Promise<void> {
  while ((await statusOf('/status')) !== 200) await setTimeout(100)
}

async function show(when: string): Promise<void> {
  console.log(when, '/status', await statusOf('/status'), '/me', await statusOf('/me'))
}

async function statusOf(path: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${app.listeningOrigin}${path}`, { headers })).status
}
