/** aws-jwt-verify in a hook, for any issuer as its README has it. */
import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import { fastifyRoute, requireToken } from './fastify-route.js'

export const serve = ({ issuer, audience, jwksUri }) =>
  fastifyRoute((app) => {
    // Its own fetcher speaks https only.
    const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() }
    const jwksCache = new SimpleJwksCache({ fetcher })
    const verifier = JwtVerifier.create({ issuer, audience, jwksUri }, { jwksCache })
    requireToken(app, (token) => verifier.verify(token))
  })
