/**
 * Demonstrates the complete flow: gets a token by the resource owner password grant, calls a
 * protected API with it, and shows how the API responds to valid and invalid tokens. `npm run
 * demo`.
 *
 * The demo requires no input. Its exit code is 0 only if every response was as expected.
 */
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'
import { heading, print, row, showExchange } from './demo-output.js'

// Starts an embedded authorization server, whose tokens look like Okta's.
const authorizationServer = await createAuthorizationServer({ profile: 'okta' })
const { issuer } = authorizationServer

// Starts the API: this is the code that you would write.
const app = Fastify()
await app.register(resourceServer, { issuer, audience: 'api://default', profile: 'okta' })
app.get('/me', async (request) => ({ user: request.claims.sub }))
app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => ({ orders: [] }))
const api = await app.listen()

heading('fastify-resource-server: get a token, call the API')
print(`authorization server  ${issuer}  (embedded, in Okta's format)`)
print(`protected API         ${api}`)

const credentials = {
  issuer,
  clientId: testClient.clientId,
  clientSecret: testClient.clientSecret,
  username: testUser.username,
  password: testUser.password,
}

heading('1. Get a token')
const { access_token: token, id_token: idToken = '' } = await passwordGrant({
  ...credentials,
  scope: 'openid profile',
  fetch: showExchange,
})

heading('2. Call the API')
const now = Math.floor(Date.now() / 1000)
const [header, payload = '', signature] = token.split('.')
const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
const otherClaims = Buffer.from(JSON.stringify({ ...claims, sub: 'another-user' }))
const tampered = [header, otherClaims.toString('base64url'), signature].join('.')

const results = [
  await call('valid token', '/me', token, 200),
  await call('no token', '/me', undefined, 401),
  await call('tampered token', '/me', tampered, 401),
  await call(
    'expired token',
    '/me',
    await authorizationServer.issueToken({ iat: now - 7200, exp: now - 3600 }),
    401,
  ),
  await call(
    'token for another API',
    '/me',
    await authorizationServer.issueToken({ aud: 'api://other' }),
    401,
  ),
  await call('ID token', '/me', idToken, 401),
  await call('token without the scope', '/orders', token, 403),
]

const { access_token: withScope } = await passwordGrant({
  ...credentials,
  scope: 'openid orders:read',
})
results.push(await call('token with the scope', '/orders', withScope, 200))

await authorizationServer.rotateKeys()
const { access_token: newKey } = await passwordGrant({ ...credentials, scope: 'openid' })
results.push(await call('token of a rotated key', '/me', newKey, 200))

const expected = results.filter(Boolean).length
heading(`${expected} of ${results.length} responses as expected`)
process.exitCode = expected === results.length ? 0 : 1

await app.close()
await authorizationServer.close()

async function call(what: string, path: string, bearer: string | undefined, expected: number) {
  const response = await fetch(`${api}${path}`, {
    headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
  })
  const challenge = response.headers.get('www-authenticate')
  const body = await response.text()
  const asExpected =
    response.status === expected && (challenge !== null) === (response.status !== 200)
  row({
    asExpected,
    what,
    request: `GET ${path}`,
    status: response.status,
    response: challenge ?? body,
  })
  return asExpected
}
