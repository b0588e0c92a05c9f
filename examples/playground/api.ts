/** The protected API of the playground: what you would write, with CORS for one page, and DPoP. */
import { randomBytes, randomUUID } from 'node:crypto'
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

/** @param pageOrigin the only one whose scripts may call it. */
export async function startApi(issuer: string, pageOrigin: string): Promise<Api> {
  const app = Fastify({ genReqId: () => randomUUID() })
  const calls = new Calls(() => app.resourceServer.statistics())

  // By this name the page asks its own server what became of the request.
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'OPTIONS') return
    calls.begin(request.id)
    reply.header('x-request-id', request.id)
  })
  app.addHook('onSend', async (request) => calls.end(request.id, request.auth))

  // Before the guard, so that the page can read a refusal, and preflights need no token. One origin
  // and no "*"; what a script may read of an answer has to be named.
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
    // In production with "baseUrl", and with a secret that all instances have.
    dpop: { mode: 'allowed', nonce: { secret: randomBytes(32) } },
    // As many as possible, for people who rotate keys as fast as they can click.
    jwks: { refetchBurst: 100, cooldown: 1_000 },
    onReject: (error, request) => calls.refused(request.id, error),
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
