/** The route that serves the metadata of the API (RFC 9728 §3). */
import type { FastifyInstance } from 'fastify'
import type { ResourceMetadata } from './resource-metadata.js'

/** In seconds: short, because what routes ask for changes with each deployment. */
const MAX_AGE = 300

/** @throws {TypeError} where it would be at another place than the one that clients are told. */
export function serveResourceMetadata(fastify: FastifyInstance, metadata: ResourceMetadata): void {
  if (fastify.prefix !== '') {
    throw new TypeError(
      `"resourceMetadata" is served at ${metadata.path}, outside of the prefix ${fastify.prefix}: ` +
        'register the plugin without a prefix, or leave the option out and serve it yourself',
    )
  }
  fastify.get(metadata.path, { config: { auth: false } }, async (_request, reply) => {
    reply.headers({
      'cache-control': `public, max-age=${MAX_AGE}`,
      // It is public, and clients in browsers have no other way to it.
      'access-control-allow-origin': '*',
    })
    return metadata.document()
  })
}
