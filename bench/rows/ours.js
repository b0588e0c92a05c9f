/** This package: the whole plugin. Only the size of its cache isn't the default. */
import resourceServer from '../../dist/index.js'
import { fastifyRoute } from './fastify-route.js'

export const serve = ({ issuer, audience, cacheEntries }) =>
  fastifyRoute((app) =>
    app.register(resourceServer, {
      issuer,
      audience,
      tokenCache: { maxEntries: cacheEntries, maxBytes: 2 ** 30 },
    }),
  )
