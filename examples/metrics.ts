/**
 * Metrics for Prometheus, from the diagnostics channels and the statistics.
 * `npm run example metrics`.
 *
 * No label contains a value that a caller chooses, because every new value would create another
 * time series.
 */
import Fastify from 'fastify'
import resourceServer, { onDiagnostics, type Statistics } from 'fastify-resource-server'
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
})

const accepted = new Counter({
  name: 'access_tokens_accepted_total',
  help: 'Requests whose access token is good, by its issuer',
  labelNames: ['issuer'],
})
onDiagnostics('token:accept', ({ token }) => accepted.inc({ issuer: token.issuer }))

const rejected = new Counter({
  name: 'access_tokens_rejected_total',
  help: 'Requests that were refused, by the check that refused',
  labelNames: ['code', 'check'],
})
onDiagnostics('token:reject', ({ error: { code, check } }) => rejected.inc({ code, check }))

const replays = new Counter({
  name: 'dpop_proofs_replayed_total',
  help: 'DPoP proofs that were used before',
})
onDiagnostics('dpop:replay', () => replays.inc())

const keyFetches = new Histogram({
  name: 'issuer_key_fetch_seconds',
  help: 'Attempts to fetch the keys of an issuer',
  labelNames: ['issuer', 'outcome'],
})
onDiagnostics('jwks:fetch', ({ issuer, outcome, durationMs }) =>
  keyFetches.observe({ issuer, outcome }, durationMs / 1000),
)

const introspections = new Histogram({
  name: 'token_introspection_seconds',
  help: 'Questions to an issuer about a token',
  labelNames: ['issuer', 'outcome'],
})
onDiagnostics('introspection:response', ({ issuer, outcome, durationMs }) =>
  introspections.observe({ issuer, outcome }, durationMs / 1000),
)

// Read when Prometheus scrapes, not counted here.
new Gauge({
  name: 'issuer_keys_usable_seconds',
  help: 'For how long the keys of an issuer serve if it is not reached again; 0 without any',
  labelNames: ['issuer'],
  collect() {
    this.reset()
    for (const { issuer, usableForMs } of app.resourceServer.keySetStatus()) {
      this.set({ issuer }, usableForMs / 1000)
    }
  },
})
gauge('access_token_cache_hits', 'Tokens whose verdict was known', ({ cacheHits }) => cacheHits)
gauge('access_token_cache_misses', 'Tokens looked at in full', ({ cacheMisses }) => cacheMisses)
gauge('access_token_cache_entries', 'Tokens kept now', ({ cacheSize }) => cacheSize)
gauge(
  'signatures_verified',
  'The costly part',
  ({ signatureVerifications }) => signatureVerifications,
)

app.get('/me', async (request) => ({ user: request.claims.sub }))
// Open, because Prometheus sends no token; expose it on an internal network only.
app.get('/metrics', { config: { auth: false } }, async (_request, reply) =>
  reply.type(register.contentType).send(await register.metrics()),
)
const api = await app.listen({ host: '127.0.0.1', port: 0 })

// Some requests of every kind.
const key = await generateDPoPKey()
const good = await authorizationServer.issueToken()
const bound = await authorizationServer.issueToken({}, { confirmation: { key } })
const opaque = await authorizationServer.issueToken({}, { format: 'opaque' })
const proof = await dpopProof({ key, url: `${api}/me`, accessToken: bound })
await call({ authorization: `Bearer ${good}` })
await call({ authorization: `Bearer ${good}` })
await call({ authorization: `Bearer ${opaque}` })
await call({ authorization: `DPoP ${bound}`, dpop: proof })
await call({ authorization: `DPoP ${bound}`, dpop: proof })
await call({ authorization: `Bearer ${await authorizationServer.issueToken({ exp: 1 })}` })
await call({})
authorizationServer.fail({ status: 500 })
await app.resourceServer.refreshKeys().catch(() => {})

const metrics = await (await fetch(`${api}/metrics`)).text()
console.log(metrics.replace(/^#.*\n|.*_bucket.*\n/gm, '').trim())

await app.close()
await authorizationServer.close()

/** Registers a gauge for one value of the resource server's statistics. */
function gauge(name: string, help: string, read: (statistics: Statistics) => number): void {
  new Gauge({
    name,
    help,
    collect() {
      this.set(read(app.resourceServer.statistics()))
    },
  })
}

async function call(headers: Record<string, string>): Promise<void> {
  await (await fetch(`${api}/me`, { headers })).text()
}
