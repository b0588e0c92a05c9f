/** The route that all Fastify rows have, and a hook as people write it around a verifier. */
import Fastify from 'fastify'

/** @param protect is given the app before its route is. */
export async function fastifyRoute(protect) {
  const app = Fastify()
  await protect(app)
  app.get('/', async () => ({ ok: true }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address().port
}

/** @param verify gives the claims of a token, or throws whatever it likes. */
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
