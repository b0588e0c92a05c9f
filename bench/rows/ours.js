/** This plugin, with default options except the cache size. */
import resourceServer from '../../dist/index.js'
import { fastifyRoute } from './fastify-route.js'

export const serve = ({ issuer, audience, cacheEntries, decryption }) =>
  fastifyRoute((app) =>
    app.register(resourceServer, {
      issuer,
      audience,
      ...(decryption && { decryption }),
      tokenCache: { maxEntries: cacheEntries, maxBytes: 2 ** 30 },
    }),
  )
