/** This plugin, with default options except the cache size. */
import { fastifyRoute } from './fastify-route.js'

export const serve = async ({ issuer, audience, cacheEntries, decryption, load }) => {
  const { default: resourceServer } = await load('index.js')
  return fastifyRoute((app) =>
    app.register(resourceServer, {
      issuer,
      audience,
      ...(decryption && { decryption }),
      tokenCache: { maxEntries: cacheEntries, maxBytes: 2 ** 30 },
    }),
  )
}
