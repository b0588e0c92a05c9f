/**
 * Provides metrics for Prometheus, from the diagnostics channels and the statistics.
 * `npm run example metrics`.
 *
 * Names follow the conventions of Prometheus: one prefix, base units, counters end with `_total`.
 * No label contains a value that a caller chooses, because every new value would create another
 * time series.
 */
import Fastify from 'fastify'
import resourceServer, { memoryStore, onDiagnostics } from 'fastify-resource-server'
import {
  createAuthorizationServer,
  dpopProof,
  generateDPoPKey,
  testClient,
} from 'fastify-resource-server/testing'
import { Counter, Gauge, Histogram, register } from 'prom-client'

const authorizationServer = await createAuthorizationServer()
const { clientId, clientSecret } = testClient

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  dpop: 'allowed',
  introspection: { clientId, clientSecret },
  stores: { revocations: memoryStore() },
  backchannelLogout: { path: '/backchannel-logout', clientIds: [clientId] },
  securityEvents: {
    issuer: authorizationServer.issuer,
    audience: clientId,
    push: { path: '/security-events', authorization: 'Bearer known-only-to-the-transmitter' },
    // Twice the interval of the transmitter's verification events.
    maxSilence: 2 * 3_600_000,
  },
})

const accepted = new Counter({
  name: 'resource_server_requests_accepted_total',
  help: 'Requests accepted with a valid access token, by issuer',
  labelNames: ['issuer'],
})
onDiagnostics('token:accept', ({ token }) => accepted.inc({ issuer: token.issuer }))

const rejected = new Counter({
  name: 'resource_server_requests_rejected_total',
  help: 'Requests rejected, by error code and failed check',
  labelNames: ['code', 'check'],
})
onDiagnostics('token:reject', ({ error: { code, check } }) => rejected.inc({ code, check }))

const replays = new Counter({
  name: 'resource_server_dpop_replays_total',
  help: 'DPoP proofs rejected because they were used before',
})
onDiagnostics('dpop:replay', () => replays.inc())

const keyFetches = new Histogram({
  name: 'resource_server_jwks_fetch_duration_seconds',
  help: 'Duration of key set fetches, by issuer and outcome',
  labelNames: ['issuer', 'outcome'],
})
onDiagnostics('jwks:fetch', ({ issuer, outcome, durationMs }) =>
  keyFetches.observe({ issuer, outcome }, durationMs / 1000),
)

const introspections = new Histogram({
  name: 'resource_server_introspection_duration_seconds',
  help: 'Duration of introspection requests, by issuer and outcome',
  labelNames: ['issuer', 'outcome'],
})
onDiagnostics('introspection:response', ({ issuer, outcome, durationMs }) =>
  introspections.observe({ issuer, outcome }, durationMs / 1000),
)

// The following values are read when Prometheus requests the metrics.
new Gauge({
  name: 'resource_server_jwks_usable_seconds',
  help: 'Time until the cached key set expires if no fetch succeeds; 0 without a key set',
  labelNames: ['issuer'],
  collect() {
    this.reset()
    for (const { issuer, usableForMs } of app.resourceServer.keySetStatus()) {
      this.set({ issuer }, usableForMs / 1000)
    }
  },
})
new Gauge({
  name: 'resource_server_jwks_fetched_timestamp_seconds',
  help: 'When the cached key set was fetched; absent without a fetched key set',
  labelNames: ['issuer'],
  collect() {
    this.reset()
    for (const { issuer, ageMs } of app.resourceServer.keySetStatus()) {
      if (ageMs !== undefined) this.set({ issuer }, (Date.now() - ageMs) / 1000)
    }
  },
})
new Gauge({
  name: 'resource_server_ready',
  help: 'Whether the instance can verify tokens: 1 if so, otherwise 0',
  collect() {
    this.set(Number(app.resourceServer.ready().ready))
  },
})
new Gauge({
  name: 'resource_server_store_available',
  help: 'Whether the last call of the store succeeded: 1 if so, otherwise 0',
  labelNames: ['use'],
  collect() {
    this.reset()
    for (const { use, state } of app.resourceServer.storeStatus()) {
      this.set({ use }, Number(state !== 'unavailable'))
    }
  },
})
new Gauge({
  name: 'resource_server_revocations_pending',
  help: 'Revocations of this instance that are not known to be in the store',
  collect() {
    const stores = app.resourceServer.storeStatus()
    this.set(stores.reduce((sum, { pending }) => sum + pending, 0))
  },
})
new Gauge({
  name: 'resource_server_token_cache_entries',
  help: 'Verified tokens in the cache',
  collect() {
    this.set(app.resourceServer.statistics().cacheSize)
  },
})
new Counter({
  name: 'resource_server_logout_tokens_total',
  help: 'Logout tokens, by outcome',
  labelNames: ['outcome'],
  collect() {
    this.reset()
    const { logoutTokens } = app.resourceServer.statistics()
    for (const [outcome, count] of Object.entries(logoutTokens)) this.inc({ outcome }, count)
  },
})
new Counter({
  name: 'resource_server_security_events_total',
  help: 'Security event tokens, by transmitter and outcome',
  labelNames: ['issuer', 'outcome'],
  collect() {
    this.reset()
    for (const feed of app.resourceServer.securityEventStatus()) {
      const { issuer, revoked, unmapped, ignored, duplicates, rejected, failed } = feed
      const counts = { revoked, unmapped, ignored, duplicates, rejected, failed }
      for (const [outcome, count] of Object.entries(counts)) this.inc({ issuer, outcome }, count)
    }
  },
})
new Gauge({
  name: 'resource_server_security_events_last_timestamp_seconds',
  help: 'When a security event token was accepted last; absent before the first',
  labelNames: ['issuer'],
  collect() {
    this.reset()
    for (const { issuer, lastEventAt } of app.resourceServer.securityEventStatus()) {
      if (lastEventAt !== undefined) this.set({ issuer }, lastEventAt / 1000)
    }
  },
})
new Gauge({
  name: 'resource_server_security_events_silent',
  help: 'Whether no security event token was accepted for maxSilence: 1 if so, otherwise 0',
  labelNames: ['issuer'],
  collect() {
    this.reset()
    for (const { issuer, isSilent } of app.resourceServer.securityEventStatus()) {
      this.set({ issuer }, Number(isSilent))
    }
  },
})
countFromStatistics(
  'resource_server_token_cache_hits_total',
  'Tokens accepted from the cache, without a signature verification',
  'cacheHits',
)
countFromStatistics(
  'resource_server_token_cache_misses_total',
  'Tokens verified in full, both valid and invalid',
  'cacheMisses',
)
countFromStatistics(
  'resource_server_signature_verifications_total',
  'Signature verifications, which cost the most processor time',
  'signatureVerifications',
)
countFromStatistics(
  'resource_server_decryptions_total',
  'Decryptions of encrypted tokens; 0 without the option "decryption"',
  'decryptions',
)

app.get('/me', async (request) => ({ user: request.claims.sub }))
// The route requires no token, because Prometheus sends none: expose it to an internal network
// only.
app.get('/metrics', { config: { auth: false } }, async (_request, reply) =>
  reply.type(register.contentType).send(await register.metrics()),
)
const api = await app.listen({ host: '127.0.0.1', port: 0 })

// The following requests cause each event at least once.
const key = await generateDPoPKey()
const valid = await authorizationServer.issueToken()
const bound = await authorizationServer.issueToken({}, { confirmation: { key } })
const opaque = await authorizationServer.issueToken({}, { format: 'opaque' })
const proof = await dpopProof({ key, url: `${api}/me`, accessToken: bound })
await call({ authorization: `Bearer ${valid}` })
await call({ authorization: `Bearer ${valid}` })
await call({ authorization: `Bearer ${opaque}` })
await call({ authorization: `DPoP ${bound}`, dpop: proof })
await call({ authorization: `DPoP ${bound}`, dpop: proof })
await call({ authorization: `Bearer ${await authorizationServer.issueToken({ exp: 1 })}` })
await call({})
const { resourceServer: server } = app
await server.receive(await authorizationServer.issueSecurityEvent({ event: 'account-disabled' }))
const foreign = await authorizationServer.issueSecurityEvent({ claims: { aud: 'another-api' } })
await server.receive(foreign).catch(() => {})
await server.revokeByLogoutToken(await authorizationServer.issueLogoutToken(), { clientId })
const old = await authorizationServer.issueLogoutToken({ iat: 1, exp: 2 })
await server.revokeByLogoutToken(old, { clientId }).catch(() => {})
authorizationServer.fail({ status: 500 })
await app.resourceServer.refreshKeys().catch(() => {})

const metrics = await (await fetch(`${api}/metrics`)).text()
console.log(metrics.replace(/^#.*\n|.*_bucket.*\n/gm, '').trim())

await app.close()
await authorizationServer.close()

/** Registers a counter for a value that the resource server counts itself. */
function countFromStatistics(
  name: string,
  help: string,
  member: 'cacheHits' | 'cacheMisses' | 'signatureVerifications' | 'decryptions',
): void {
  new Counter({
    name,
    help,
    collect() {
      this.reset()
      this.inc(app.resourceServer.statistics()[member])
    },
  })
}

async function call(headers: Record<string, string>): Promise<void> {
  await (await fetch(`${api}/me`, { headers })).text()
}
