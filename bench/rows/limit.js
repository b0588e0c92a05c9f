/** The lower bound: bare-verifier.js in a callback hook, the cheapest kind of hook. */
import { bareVerifier } from '../bare-verifier.js'
import { bearerToken, fastifyRoute } from './fastify-route.js'

export const serve = ({ jwks }) =>
  fastifyRoute((app) => {
    const bare = bareVerifier(jwks)
    app.decorateRequest('claims', null)
    app.addHook('onRequest', (request, _reply, done) => {
      request.claims = bare(bearerToken(request))
      done()
    })
  })
