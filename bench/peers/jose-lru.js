/** jose in a hook, with a cache of verified tokens. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { fastifyRoute, requireToken } from './fastify-route.js'

export const serve = ({ issuer, audience, jwksUri, cacheEntries }) =>
  fastifyRoute((app) => {
    const keys = createRemoteJWKSet(new URL(jwksUri))
    const verified = new LRUCache({ max: cacheEntries })
    requireToken(app, async (token) => {
      const known = verified.get(token)
      if (known !== undefined && known.exp > Date.now() / 1000) return known
      const { payload } = await jwtVerify(token, keys, { issuer, audience })
      verified.set(token, payload)
      return payload
    })
  })
