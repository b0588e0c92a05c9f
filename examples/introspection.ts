/**
 * Tokens that only their issuer can read, and tokens that it takes back: the API asks the
 * authorization server (RFC 7662). `npm run example introspection`.
 *
 * Opaque tokens are asked about before they are let in, JWTs in the background (`recheck`).
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
    ...api, // what the issuer knows this API as
    mode: 'recheck',
    recheckInterval: 1_000, // short, to see it happen
    cacheMaxAge: 0, // an opaque token is asked about for each request
  },
})
app.get('/me', async (request) => ({ user: request.claims.sub }))

// An opaque token, got and revoked over the wire.
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

// A JWT is verified here, at once. That it was revoked is found in the background.
const jwt = await authorizationServer.issueToken({}, { format: 'jwt' })
await show('JWT, active', jwt)
await revokeAtIssuer(jwt)
const revokedAt = Date.now()
while ((await status(jwt)) === 200) await sleep(50)
await show('JWT, revoked', jwt)
console.log('it took', Date.now() - revokedAt, 'ms, and no request waited for it')

// The issuer says yes, and this API no: at once, in this process.
const other = await authorizationServer.issueToken()
await show('another, active', other)
app.resourceServer.revoke({ sub: testUser.username })
await show('another, revoked here', other)

await app.close()
await authorizationServer.close()

async function status(token: string) {
  const { statusCode } = await app.inject({ url: '/me', headers: bearer(token) })
  return statusCode
}

async function show(what: string, token: string) {
  const { statusCode, headers, body } = await app.inject({ url: '/me', headers: bearer(token) })
  console.log(what.padEnd(22), statusCode, headers['www-authenticate'] ?? body)
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}

/** RFC 7009, by the client that the token was issued to. */
async function revokeAtIssuer(token: string) {
  const { clientId, clientSecret } = testClient
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  await fetch(authorizationServer.revocationEndpoint, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    headers: { authorization: `Basic ${credentials}` },
  })
}
