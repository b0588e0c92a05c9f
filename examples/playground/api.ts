/** Runs the protected API of the playground, with CORS for one page, and DPoP. */
import { type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import cors from '@fastify/cors'
import Fastify from 'fastify'
import resourceServer, { type Statistics } from 'fastify-resource-server'
import { Calls } from './calls.js'

export interface Api {
  readonly origin: string
  readonly calls: Calls
  statistics(): Statistics
  close(): Promise<void>
}

/**
 * @param pageOrigin the only origin whose scripts may call the API.
 * @param decryptionKey the private key of the API, for encrypted tokens.
 */
export async function startApi(
  issuer: string,
  pageOrigin: string,
  decryptionKey: KeyObject,
): Promise<Api> {
  const app = Fastify({ genReqId: () => randomUUID() })
  const calls = new Calls(() => app.resourceServer.statistics())

  // With this id, the page requests the steps of the request from its own server.
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'OPTIONS') return
    calls.begin(request.id)
    reply.header('x-request-id', request.id)
  })
  app.addHook('onSend', async (request) => calls.end(request.id, request.auth))

  // CORS is registered before the guard, so that the page can read a rejection, and preflight
  // requests need no token. It allows one origin, never "*", and lists the response headers that
  // scripts may read.
  await app.register(cors, {
    origin: [pageOrigin],
    methods: ['GET'],
    allowedHeaders: ['Authorization', 'DPoP'],
    exposedHeaders: ['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After', 'X-Request-Id'],
    maxAge: 600,
  })
  await app.register(resourceServer, {
    issuer,
    audience: 'api://default',
    // In production, add "baseUrl", and a secret that all instances share.
    dpop: { mode: 'allowed', nonce: { secret: randomBytes(32) } },
    decryption: { keys: [decryptionKey] },
    // The most permissive limits, so that a user can rotate the keys by repeated clicks.
    jwks: { refetchBurst: 100, cooldown: 1_000 },
    onReject: (error, request) => calls.reject(request.id, error),
  })
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async (request) => ({
    orders: ['a book', 'a lamp'],
    for: request.claims.sub,
  }))

  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    origin: app.listeningOrigin,
    calls,
    statistics: () => app.resourceServer.statistics(),
    close: () => app.close(),
  }
}
