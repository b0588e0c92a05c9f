/** The route of all Fastify rows, and a typical hook for a verifier without a plugin. */
import Fastify from 'fastify'
import { KEEP_ALIVE_MS } from '../keep-alive.js'

/** @param protect receives the app before the route is added. */
export async function fastifyRoute(protect) {
  const app = Fastify({ keepAliveTimeout: KEEP_ALIVE_MS })
  await protect(app)
  app.get('/', async () => ({ ok: true }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address().port
}

/** @param verify returns the claims of a token; any error it throws becomes 401. */
export function requireToken(app, verify) {
  app.decorateRequest('claims', null)
  app.addHook('onRequest', async (request) => {
    try {
      request.claims = await verify(bearerToken(request))
    } catch {
      throw Object.assign(new Error('Unauthorized'), { statusCode: 401 })
    }
  })
}

export function bearerToken({ headers: { authorization } }) {
  return authorization.slice('Bearer '.length)
}
