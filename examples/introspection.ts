/**
 * Demonstrates opaque tokens and revocation: the API introspects tokens at the authorization server
 * (RFC 7662).
 * `npm run example introspection`.
 *
 * Opaque tokens are introspected before the request is accepted, JWTs in the background
 * (`recheck`).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const api = { clientId: 'orders-api', clientSecret: 'orders-api-secret' }
const authorizationServer = await createAuthorizationServer({
  accessTokenFormat: 'opaque',
  clients: [testClient, api],
})

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  introspection: {
    ...api, // the client credentials of this API at the issuer
    mode: 'recheck',
    recheckInterval: 1_000, // milliseconds; short for this demonstration
    cacheMaxAge: 0, // an opaque token is introspected for each request
  },
})
app.get('/me', async (request) => ({ user: request.claims.sub }))

// The authorization server issues an opaque token, and revokes it, over HTTP.
const { access_token: opaque } = await passwordGrant({
  issuer: authorizationServer.issuer,
  ...testUser,
  ...testClient,
  scope: 'openid',
})
console.log('opaque token of', opaque.length, 'characters')
await show('opaque, active', opaque)
await revokeAtIssuer(opaque)
await show('opaque, revoked', opaque)

// A JWT is verified locally, so it is accepted immediately; a background recheck finds its
// revocation.
const jwt = await authorizationServer.issueToken({}, { format: 'jwt' })
await show('JWT, active', jwt)
await revokeAtIssuer(jwt)
const revokedAt = Date.now()
while ((await status(jwt)) === 200) await sleep(50)
await show('JWT, revoked', jwt)
console.log(
  'rejected',
  Date.now() - revokedAt,
  'ms after the revocation, without delaying a request',
)

// The token is still active at the issuer, but this API rejects it, immediately and in this process
// only.
const other = await authorizationServer.issueToken()
await show('other JWT, active', other)
app.resourceServer.revoke({ sub: testUser.username })
await show('other JWT, revoked here', other)

await app.close()
await authorizationServer.close()

async function status(token: string) {
  const { statusCode } = await app.inject({ url: '/me', headers: bearer(token) })
  return statusCode
}

async function show(what: string, token: string) {
  const { statusCode, headers, body } = await app.inject({ url: '/me', headers: bearer(token) })
  console.log(what.padEnd(23), statusCode, headers['www-authenticate'] ?? body)
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}

/** Revokes a token (RFC 7009) as the client that it was issued to. */
async function revokeAtIssuer(token: string) {
  const { clientId, clientSecret } = testClient
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  await fetch(authorizationServer.revocationEndpoint, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    headers: { authorization: `Basic ${credentials}` },
  })
}
