/**
 * Implements a readiness probe: the load balancer sends traffic to this process only while it can
 * verify tokens. `npm run example readiness`.
 *
 * Keys are fetched before the first request, so that no caller waits for them, and saved in a
 * folder, so that a process that restarts while the authorization server is down can verify tokens
 * immediately.
 *
 * A feed of security events that has gone silent is reported as a detail. The instance stays ready,
 * because it still verifies tokens, and another instance would not receive the events either: an
 * operator must restore the feed.
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
  // The fetch is not awaited, so that the API starts even while the authorization server is down.
  // The API recovers automatically.
  app.addHook('onReady', async () => {
    app.resourceServer.refreshKeys().catch(() => {})
  })
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  app.get('/ready', { config: { auth: false } }, async (_request, reply) => {
    const issuers = app.resourceServer.keySetStatus()
    const hasKeys = issuers.every(({ state }) => state !== 'empty')
    // With `stores.revocations`, every token is rejected with 503 until the revocations are loaded.
    const stores = app.resourceServer.storeStatus()
    const ready = hasKeys && stores.every(({ rejects }) => rejects !== 'all')
    // Each probe triggers another fetch; the back-off limits how often one is sent.
    if (!hasKeys) app.resourceServer.refreshKeys().catch(() => {})
    const silentFeeds = app.resourceServer
      .securityEventStatus()
      .filter(({ isSilent }) => isSilent)
      .map(({ issuer, lastEventAt }) => ({ issuer, lastEventAt }))
    const keySets = issuers.map(({ state, keys }) => ({ state, keys }))
    return reply.code(ready ? 200 : 503).send({ keySets, silentFeeds })
  })
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
await show('restarted ', second, '/me', token)
await show('restarted ', second, '/ready')
await second.close()

await authorizationServer.close()
await rm(folder, { recursive: true })

async function show(when: string, app: typeof first, url: string, bearer?: string) {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  const { statusCode, body } = await app.inject({ url, headers })
  console.log(when, url.padEnd(6), statusCode, body)
}
