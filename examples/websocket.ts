/**
 * A WebSocket guarded on its upgrade: without a good token there is no connection, only a 401.
 * `npm run example websocket`.
 *
 * A browser can't set headers on a WebSocket. It can offer subprotocols, so the token comes as one
 * of them, and is never in the URL, where logs would keep it.
 */
import websocket from '@fastify/websocket'
import Fastify, { type FastifyRequest } from 'fastify'
import resourceServer, { bearerToken } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import WebSocket from 'ws'

const authorizationServer = await createAuthorizationServer()

const app = Fastify()
// First, because it closes the connection of a refused upgrade only if it saw the request come.
await app.register(websocket, {
  // The answer names the protocol that is spoken, and so doesn't repeat the token.
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
  // The token was good when the connection was made; the connection shouldn't outlive it.
  const expiry = setTimeout(() => socket.close(4401, 'token expired'), untilExpiry(request))
  socket.on('close', () => clearTimeout(expiry))
})

await app.listen()
const url = app.listeningOrigin.replace('http', 'ws')
const token = await authorizationServer.issueToken({ sub: 'ada' })

console.log('header:     ', await connect([], { authorization: `Bearer ${token}` }))
console.log('subprotocol:', await connect(['chat', `bearer.${token}`]))
console.log('no token:   ', await connect(['chat']))
console.log('bad token:  ', await connect(['chat', 'bearer.a.b.c']))

await app.close()
await authorizationServer.close()

function offeredToken({ headers }: FastifyRequest): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(/ *, */) ?? []
  return offered.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length)
}

function untilExpiry({ auth }: FastifyRequest): number {
  // A timer holds 31 bits of milliseconds, which is 24 days.
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
