/**
 * Implements a readiness probe, with which the load balancer sends requests to this process only
 * while it can verify tokens, and a liveness probe. `npm run example readiness`.
 *
 * Keys are fetched before the first request, so that no caller waits for them, and saved in a
 * folder, so that a process that restarts while the authorization server is down can verify tokens
 * immediately.
 *
 * A feed of security events that has gone silent is a warning. The instance stays ready, because it
 * still verifies tokens, and another instance would not receive the events either: an operator must
 * restore the feed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Fastify from 'fastify'
import resourceServer, { fileKeyStore } from 'fastify-resource-server'
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()
const folder = await mkdtemp(join(tmpdir(), 'keys-'))

async function startApi() {
  const app = Fastify()
  await app.register(resourceServer, {
    issuer: authorizationServer.issuer,
    audience: 'api://default',
    jwks: { store: fileKeyStore({ directory: join(folder, 'keys') }) },
    securityEvents: {
      issuer: authorizationServer.issuer,
      audience: testClient.clientId,
      // The minimum, for this demonstration. A real value is twice the interval of the transmitter's
      // verification events.
      maxSilence: 1_000,
    },
  })
  // Starts the first fetch of keys. Nothing waits for it, so that the API starts even while the
  // authorization server is down.
  app.addHook('onReady', async () => void app.resourceServer.ready())
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  // Each probe also starts what the instance waits for, such as a fetch of keys after its back-off.
  app.get('/ready', { config: { auth: false } }, async (request, reply) => {
    const { ready, reasons, warnings } = app.resourceServer.ready()
    // Causes may name hosts of the internal network, so they go to the log only.
    for (const { name, message, cause } of reasons) request.log.warn({ name, cause }, message)
    const shown = [...reasons, ...warnings].map(({ part, name, message }) => ({
      part,
      name,
      message,
    }))
    return reply.code(ready ? 200 : 503).send({ ready, problems: shown })
  })
  // The process is alive if its event loop responds. This probe must not depend on issuers or stores:
  // a restart would not repair them, and would lose the cached keys.
  app.get('/live', { config: { auth: false } }, async () => ({ live: true }))
  await app.ready()
  return app
}

const first = await startApi()
await show('starting  ', first, '/ready')
await first.resourceServer.refreshKeys()
await show('started   ', first, '/ready')

const event = 'https://schemas.openid.net/secevent/ssf/event-type/verification'
await first.resourceServer.receive(await authorizationServer.issueSecurityEvent({ event }))
await show('verified  ', first, '/ready')
await setTimeout(1_100)
await show('silent    ', first, '/ready')

await authorizationServer.suspend()
await show('outage    ', first, '/ready')
await first.close()

const second = await startApi()
const token = await authorizationServer.issueToken()
// The first probe starts to load the saved keys.
while (!second.resourceServer.ready().ready) await setTimeout(10)
await show('restarted ', second, '/ready')
await show('restarted ', second, '/me', token)
await show('restarted ', second, '/live')
await second.close()

await authorizationServer.close()
await rm(folder, { recursive: true })

async function show(when: string, app: typeof first, url: string, bearer?: string) {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  const { statusCode, body } = await app.inject({ url, headers })
  console.log(when, url.padEnd(6), statusCode, body)
}
