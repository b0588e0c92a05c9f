/** `createResourceServer()` behind node:http, without Fastify. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  bearerToken,
  createResourceServer,
  type Requirement,
  ResourceServerError,
} from 'fastify-resource-server'
import { ACTOR, PAYMENT, type RunningApi, SCOPE, STEP_UP, type TargetOptions } from './target.js'

const ROUTES: Readonly<Record<string, Requirement>> = {
  '/': {},
  '/orders': { scope: SCOPE },
  '/transfers': STEP_UP,
  '/password': { actor: 'none' },
  '/delegated': { actor: [ACTOR] },
  '/payments': { authorizationDetails: PAYMENT },
}

const MALFORMED = 'Bearer error="invalid_request"'

export async function bareApi({
  issuer,
  audience,
  now,
  timeout,
}: TargetOptions & { timeout: number }): Promise<RunningApi> {
  const resourceServer = await createResourceServer({ issuer, audience, now, jwks: { timeout } })
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const requirement = ROUTES[(request.url as string).split('?', 1)[0] as string]
    try {
      if (requirement === undefined) {
        response.writeHead(404).end()
        return
      }
      await resourceServer.verify(bearerToken(request) ?? '', requirement)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
    } catch (error) {
      const rejection = error instanceof ResourceServerError ? error : undefined
      // An error of bearerToken() has no challenge, because it belongs to no resource server.
      const challenge =
        rejection?.code === 'invalid_request' ? { 'www-authenticate': MALFORMED } : {}
      response
        .writeHead(rejection?.statusCode ?? 500, { ...challenge, ...rejection?.headers })
        .end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await resourceServer.close()
    },
  }
}
