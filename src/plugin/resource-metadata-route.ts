/** The routes that serve the metadata of the API (RFC 9728 §3), to scripts of any origin as well. */
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from 'fastify'
import type { ResourceMetadata } from '../server/resource-metadata.js'

/** In seconds: short, because what routes require changes with each deployment. */
const MAX_AGE = 300

/** The document is public, and a client in a browser sends headers of its own, such as MCP's. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': `${MAX_AGE}`,
}

/** `cors` is read by `@fastify/cors`, whose options for the rest of the API may be narrower. */
const CONFIG: FastifyContextConfig & { readonly cors: object } = {
  auth: false,
  cors: {
    origin: '*',
    credentials: false,
    methods: CORS['access-control-allow-methods'],
    allowedHeaders: CORS['access-control-allow-headers'],
    maxAge: MAX_AGE,
  },
}

/** For `@fastify/swagger`, whose types are not there in every project. */
const HIDDEN: FastifySchema & { readonly hide: boolean } = { hide: true }

/** @throws {TypeError} if a request for the metadata would not reach these routes. */
export function serveResourceMetadata(fastify: FastifyInstance, metadata: ResourceMetadata): void {
  if (fastify.prefix !== '') {
    throw new TypeError(
      `"resourceMetadata" is served at ${metadata.path}, outside of the prefix ${fastify.prefix}: ` +
        'register the plugin without a prefix, or leave the option out and serve it yourself',
    )
  }
  for (const path of metadata.paths) {
    const url = routeFor(path)
    // With the router option ignoreTrailingSlash, the first of them is there under both spellings.
    if (fastify.hasRoute({ method: 'GET', url })) continue
    fastify.get(url, { config: CONFIG }, async (_request, reply) => {
      reply.headers({
        'cache-control': `public, max-age=${MAX_AGE}`,
        'access-control-allow-origin': CORS['access-control-allow-origin'],
      })
      return metadata.document()
    })
    fastify.options(url, { config: CONFIG, schema: HIDDEN }, async (_request, reply) => {
      reply.code(204).headers(CORS)
    })
  }
}

/**
 * The path as find-my-way compares it: with percent-encodings decoded, except those of reserved
 * characters, and with `:`, which would begin a parameter, written twice.
 */
function routeFor(path: string): string {
  const decoded = decodeUtf8(path)
  // No pattern of the router matches `*`, an encoded reserved character or, with its option
  // useSemicolonDelimiter, `;` and nothing else.
  if (decoded === undefined || /[*;%\p{Cc}]/u.test(decoded)) {
    throw new TypeError(
      `"resourceMetadata.resource" would put the metadata at ${path}, which no route of Fastify ` +
        'matches literally: leave out "*", ";" and encodings such as "%2F", or serve it yourself',
    )
  }
  return decoded.replaceAll(':', '::')
}

function decodeUtf8(path: string): string | undefined {
  try {
    return decodeURI(path)
  } catch {
    return undefined
  }
}
