/** fastify-jwt-jwks, with the cache of verified tokens that its README shows. */
import fastifyJwtJwks from 'fastify-jwt-jwks'
import { fastifyRoute } from './fastify-route.js'

export const serve = ({ issuer, audience, jwksUri, cacheEntries }) =>
  fastifyRoute(async (app) => {
    await app.register(fastifyJwtJwks, { jwksUrl: jwksUri, issuer, audience, cache: cacheEntries })
    app.addHook('onRequest', app.authenticate)
  })
