/**
 * Demonstrates back-channel logout: a user signs out at the authorization server, which tells the
 * API with a logout token. The API then rejects the access tokens of that session, which have not
 * expired. `npm run example logout`.
 *
 * Exits with 0 only if every response is as expected.
 */
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

const app = Fastify()
await app.register(resourceServer, {
  issuer,
  audience: 'api://default',
  backchannelLogout: { path: '/backchannel-logout', clientIds: [testClient.clientId] },
})
app.get('/me', async (request) => ({
  user: request.claims.sub,
  session: request.token.sessionId,
}))
const api = await app.listen({ host: '127.0.0.1', port: 0 })

// At a real provider, this URL is in the settings of the client.
authorizationServer.setBackchannelLogoutUri(`${api}/backchannel-logout`)

// The user signs in on two devices: each has its own session.
const laptop = await signIn()
const phone = await signIn()
const { session } = (await (await callApi(laptop)).json()) as { session: string }
await show('laptop', laptop, 200)
await show('phone', phone, 200)

const [sent] = await authorizationServer.endSession({ sid: session })
print('logout token', sent?.status, 200, 'sent to the API when the laptop signs out')
await show('laptop, signed out', laptop, 401)
await show('phone', phone, 200)

await authorizationServer.disableUser(testUser.username)
await show('phone, user disabled', phone, 401)

const forged = await authorizationServer.issueLogoutToken({}, { forged: true })
const response = await fetch(`${api}/backchannel-logout`, {
  method: 'POST',
  body: new URLSearchParams({ logout_token: forged }),
})
print('forged logout token', response.status, 400, await response.text())

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

function print(title: string, status: number | undefined, expected: number, text: string) {
  console.log(title.padEnd(21), status, text)
  if (status === expected) return
  console.error(`expected ${expected} for: ${title}`)
  process.exitCode = 1
}
