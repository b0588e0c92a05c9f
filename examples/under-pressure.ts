/**
 * `@fastify/under-pressure`, which sheds load and tells a load balancer about it, asked about the
 * keys as well. `npm run example under-pressure`.
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
// After the resource server, which is asked at once.
await app.register(underPressure, {
  maxEventLoopDelay: 1_000,
  healthCheck: async () => {
    // Keeps to the back-off, however often it is called. The first time, it fetches the keys.
    if (!hasKeys()) await app.resourceServer.refreshKeys().catch(() => {})
    return hasKeys()
  },
  // Without it, a start during an outage would be for ever.
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

/** An issuer whose keys are old counts as well: with them tokens can be verified. */
function hasKeys(): boolean {
  return app.resourceServer.keySetStatus().every(({ state }) => state !== 'empty')
}

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
