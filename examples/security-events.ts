/**
 * Demonstrates security events (SSF 1.0, CAEP 1.0, RISC 1.0): the API creates a stream at the
 * transmitter, which then pushes a security event token when a session is revoked or a user is
 * disabled. The API rejects the access tokens, which have not expired.
 * `npm run example security-events`.
 *
 * Exits with 0 only if every response is as expected.
 */
import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()
const { issuer } = authorizationServer

// The transmitter sends this secret with each event.
const authorization = `Bearer ${randomBytes(32).toString('base64url')}`
const app = Fastify()
await app.register(resourceServer, {
  issuer,
  audience: 'api://default',
  securityEvents: {
    issuer,
    // This transmitter uses the ID of the client that creates the stream.
    audience: testClient.clientId,
    push: { path: '/security-events', authorization },
  },
})
app.get('/me', async (request) => ({
  user: request.claims.sub,
  session: request.token.sessionId,
}))
const api = await app.listen({ host: '127.0.0.1', port: 0 })

// An operator does this once, with an access token of the client (SSF 1.0 §8.1.1).
const metadata = await (await fetch(authorizationServer.ssfConfigurationUrl)).json()
const { configuration_endpoint: streams } = metadata as { configuration_endpoint: string }
const created = await fetch(streams, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${await authorizationServer.issueToken({}, { subject: 'client' })}`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({
    delivery: {
      method: 'urn:ietf:rfc:8935',
      endpoint_url: `${api}/security-events`,
      authorization_header: authorization,
    },
    events_requested: [
      'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
      'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
    ],
  }),
})
print('stream', created.status, 201, 'created')

// The user signs in on two devices: each has its own session.
const laptop = await signIn()
const phone = await signIn()
const { session } = (await (await callApi(laptop)).json()) as { session: string }
await show('laptop', laptop, 200)
await show('phone', phone, 200)

await authorizationServer.endSession({ sid: session })
await show('laptop, revoked', laptop, 401)
await show('phone', phone, 200)

await authorizationServer.disableUser(testUser.username)
await show('phone, user disabled', phone, 401)

const forged = await fetch(`${api}/security-events`, {
  method: 'POST',
  headers: { authorization, 'content-type': 'application/secevent+jwt' },
  body: await authorizationServer.issueSecurityEvent({ forged: true }),
})
print('forged event', forged.status, 400, await forged.text())

await app.close()
await authorizationServer.close()

async function signIn(): Promise<string> {
  const { access_token } = await passwordGrant({ issuer, ...testClient, ...testUser })
  return access_token
}

function callApi(token: string): Promise<Response> {
  return fetch(`${api}/me`, { headers: { authorization: `Bearer ${token}` } })
}

async function show(title: string, token: string, expected: number) {
  const response = await callApi(token)
  const challenge = response.headers.get('www-authenticate')
  print(title, response.status, expected, challenge ?? (await response.text()))
}

function print(title: string, status: number, expected: number, text: string) {
  console.log(title.padEnd(20), status, text)
  if (status === expected) return
  console.error(`expected ${expected} for: ${title}`)
  process.exitCode = 1
}
