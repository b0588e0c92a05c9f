/** @fastify/jwt with get-jwks, as the README of get-jwks shows, and the cache of @fastify/jwt. */
import fastifyJwt from '@fastify/jwt'
import buildGetJwks from 'get-jwks'
import { fastifyRoute } from './fastify-route.js'

export const serve = ({ issuer, audience, cacheEntries }) =>
  fastifyRoute(async (app) => {
    const getJwks = buildGetJwks({ providerDiscovery: true, issuersWhitelist: [issuer] })
    await app.register(fastifyJwt, {
      decode: { complete: true },
      verify: { allowedIss: issuer, allowedAud: audience, cache: cacheEntries },
      secret: (_request, { header: { kid, alg }, payload: { iss } }, callback) => {
        getJwks
          .getPublicKey({ kid, domain: iss, alg })
          .then((publicKey) => callback(null, publicKey), callback)
      },
    })
    app.addHook('onRequest', (request) => request.jwtVerify())
  })
