/** No verifier but a bound, in the cheapest hook that there is. */
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
