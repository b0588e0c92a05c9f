/** jose in a hook, as its documentation shows. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { fastifyRoute, requireToken } from './fastify-route.js'

export const serve = ({ issuer, audience, jwksUri }) =>
  fastifyRoute((app) => {
    const keys = createRemoteJWKSet(new URL(jwksUri))
    requireToken(app, async (token) => {
      const { payload } = await jwtVerify(token, keys, { issuer, audience })
      return payload
    })
  })
