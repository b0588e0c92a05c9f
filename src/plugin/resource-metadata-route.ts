/** Declares the routes that serve the protected resource metadata (RFC 9728 §3), with open CORS. */
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from 'fastify'
import type { ResourceMetadata } from '../server/resource-metadata.js'

/**
 * Lifetime of the metadata in caches, in seconds: short, because the requirements of routes may
 * change with each deployment.
 */
const MAX_AGE_SECONDS = 300

/** Allows every origin and header: the document is public, and MCP clients add headers. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': `${MAX_AGE_SECONDS}`,
}

/**
 * The members of `cors` take precedence over the application's options of `@fastify/cors`, which
 * may allow fewer origins or headers.
 */
const CONFIG: FastifyContextConfig & { readonly cors: object } = {
  auth: false,
  cors: {
    origin: '*',
    credentials: false,
    methods: CORS['access-control-allow-methods'],
    allowedHeaders: CORS['access-control-allow-headers'],
    maxAge: MAX_AGE_SECONDS,
  },
}

/**
 * Hides a route from `@fastify/swagger`. The type declares `hide`, because the type augmentation of
 * `@fastify/swagger` may be absent.
 */
const HIDDEN: FastifySchema & { readonly hide: boolean } = { hide: true }

/**
 * Declares the routes for every path of the metadata.
 *
 * @throws {TypeError} if requests for the metadata would not reach these routes.
 */
export function serveResourceMetadata(fastify: FastifyInstance, metadata: ResourceMetadata): void {
  if (fastify.prefix !== '') {
    throw new TypeError(
      `"resourceMetadata" is served at ${metadata.path}, outside of the prefix ${fastify.prefix}: ` +
        'register the plugin without a prefix, or omit the option and serve the metadata yourself',
    )
  }
  for (const path of metadata.paths) {
    const url = routeFor(path)
    // With the router option ignoreTrailingSlash, the first route already serves both paths.
    if (fastify.hasRoute({ method: 'GET', url })) continue
    fastify.get(url, { config: CONFIG }, async (_request, reply) => {
      reply.headers({
        'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
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
 * Returns the path as a pattern of find-my-way, Fastify's router: percent-decoded, because the
 * router decodes the paths of requests, and with `:` doubled, because a single `:` begins a
 * parameter.
 *
 * @throws {TypeError} if no pattern matches exactly this path.
 */
function routeFor(path: string): string {
  const decoded = decodeUtf8(path)
  // A pattern cannot match exactly `*`, an encoded reserved character or, with the router option
  // useSemicolonDelimiter, `;`.
  if (decoded === undefined || /[*;%\p{Cc}]/u.test(decoded)) {
    throw new TypeError(
      `"resourceMetadata.resource" would put the metadata at ${path}, which no route of Fastify ` +
        'matches literally: remove "*", ";" and encodings such as "%2F", or serve the metadata yourself',
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
