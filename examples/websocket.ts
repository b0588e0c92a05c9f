/**
 * Requires a token for the upgrade to a WebSocket: without a valid token, the response is a 401 and
 * there is no connection. `npm run example websocket`.
 *
 * A browser cannot set headers on a WebSocket, but it can offer subprotocols. The token is sent as
 * one of them and never in the URL, where it would be logged.
 */
import websocket from '@fastify/websocket'
import Fastify, { type FastifyRequest } from 'fastify'
import resourceServer, { bearerToken } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import WebSocket from 'ws'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
// @fastify/websocket is registered first, because it closes the connection of a rejected upgrade
// only if its hook ran before the rejection.
await app.register(websocket, {
  // The response names only this subprotocol, so it does not repeat the token.
  options: { handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false) },
})
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  extractToken: (request) => bearerToken(request.raw) ?? offeredToken(request),
})

app.get('/chat', { websocket: true }, (socket, request) => {
  const { sub } = request.claims
  socket.send(`welcome, ${sub}`)
  // The token was valid when the connection was opened; close the connection when the token
  // expires.
  const expiry = setTimeout(() => socket.close(4401, 'token expired'), untilExpiry(request))
  socket.on('close', () => clearTimeout(expiry))
})

await app.listen()
const url = app.listeningOrigin.replace('http', 'ws')
const token = await authorizationServer.issueToken({ sub: 'ada' })

console.log('header:       ', await connect([], { authorization: `Bearer ${token}` }))
console.log('subprotocol:  ', await connect(['chat', `bearer.${token}`]))
console.log('no token:     ', await connect(['chat']))
console.log('invalid token:', await connect(['chat', 'bearer.a.b.c']))

await app.close()
await authorizationServer.close()

function offeredToken({ headers }: FastifyRequest): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(/ *, */) ?? []
  return offered.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length)
}

function untilExpiry({ auth }: FastifyRequest): number {
  // A timer is limited to 2^31 - 1 milliseconds, about 24 days.
  return Math.min((auth?.expiresAt ?? 0) * 1000 - Date.now(), 2 ** 31 - 1)
}

function connect(protocols: string[], headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url}/chat`, protocols, { headers })
    socket.on('message', (message) => {
      socket.close()
      resolve(String(message))
    })
    socket.on('unexpected-response', (_, response) => {
      response.socket.destroy()
      resolve(`${response.statusCode} ${response.headers['www-authenticate']}`)
    })
    socket.on('error', reject)
  })
}
