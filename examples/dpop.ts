/**
 * Demonstrates sender-constrained tokens: each token is bound to its client's key, and each request
 * carries a proof of possession (RFC 9449), which is valid for this request only, and only once. A
 * stolen token is useless without the key. `npm run example dpop`.
 */
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import {
  createAuthorizationServer,
  dpopFetch,
  dpopProof,
  generateDPoPKey,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  // In production, add "baseUrl", and a secret that all instances share.
  dpop: { mode: 'required', nonce: { secret: randomBytes(32) } },
})
app.get('/me', async (request) => ({ user: request.claims.sub }))
const api = await app.listen({ host: '127.0.0.1', port: 0 })

// The client generates a key and gets a token that is bound to it.
const key = await generateDPoPKey()
const { access_token: accessToken, token_type: type } = await passwordGrant({
  issuer: authorizationServer.issuer,
  ...testUser,
  ...testClient,
  dpop: key,
})
console.log('token type:            ', type)

// This fetch adds a proof to each request, and repeats the first one with the nonce that the API
// requires.
const fetchWithProof = dpopFetch({ accessToken, key })
await show('with a proof:          ', fetchWithProof(`${api}/me`))
await show('with a new proof:      ', fetchWithProof(`${api}/me`))

// An attacker who steals only the token is rejected.
const asBearer = { authorization: `Bearer ${accessToken}` }
await show('stolen, as Bearer:     ', fetch(`${api}/me`, { headers: asBearer }))
const otherKey = await generateDPoPKey()
await show('with another key:      ', dpopFetch({ accessToken, key: otherKey })(`${api}/me`))

// An attacker who records a whole request cannot replay it.
const nonce = (await fetch(`${api}/me`)).headers.get('dpop-nonce') ?? ''
const proof = await dpopProof({ key, url: `${api}/me`, accessToken, nonce })
const recorded = { authorization: `DPoP ${accessToken}`, dpop: proof }
await show('recorded request:      ', fetch(`${api}/me`, { headers: recorded }))
await show('replayed:              ', fetch(`${api}/me`, { headers: recorded }))

await app.close()
await authorizationServer.close()

async function show(what: string, pending: Promise<Response>): Promise<void> {
  const response = await pending
  const challenge = response.headers.get('www-authenticate')
  const error = /error_description="([^"]+)"/.exec(challenge ?? '')?.[1]
  console.log(what, response.status, error ?? (await response.text()))
}
