/** aws-jwt-verify in a hook, with the verifier for any issuer that its README shows. */
import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import { fastifyRoute, requireToken } from './fastify-route.js'

export const serve = ({ issuer, audience, jwksUri }) =>
  fastifyRoute((app) => {
    // The default fetcher supports only https.
    const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() }
    const jwksCache = new SimpleJwksCache({ fetcher })
    const verifier = JwtVerifier.create({ issuer, audience, jwksUri }, { jwksCache })
    requireToken(app, (token) => verifier.verify(token))
  })
