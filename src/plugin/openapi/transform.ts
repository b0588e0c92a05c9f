/**
 * What the guard asks of callers, told to OpenAPI: the security of each route, the schemes that it
 * names and the refusals, from the same `config.auth` that guards the route.
 */
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { guardedScopes, scopeAround } from '../guarded-scopes.js'
import { isHidden } from '../route-guard.js'
import { withRefusals } from './refusals.js'
import { securityRequirements } from './security-requirements.js'
import { type OpenApiDocument, SecuritySchemes } from './security-schemes.js'

/** What `@fastify/swagger` gives to its option `transform`, as far as it is read here. */
export interface OpenApiTransformInput {
  schema: FastifySchema
  url: string
  route: RouteOptions
  openapiObject?: object
  swaggerObject?: object
}

/** What it wants back. */
export interface OpenApiTransformOutput {
  schema: FastifySchema
  url: string
}

/** Of every kind: over HTTP/2, with a logger or a type provider of its own. */
export interface AnyFastifyInstance {
  readonly server: object
  readonly addHook: (...hook: never) => unknown
}

/** The instance that a route was declared on. As a symbol, it stays with a copy of the route. */
const DECLARED_ON = Symbol('fastify-resource-server.declared-on')

/**
 * Makes the option `transform` of `@fastify/swagger`: it describes what this plugin guards, in
 * OpenAPI 3. A guarded route gets its `security`, unless its own schema says one, and the responses
 * 401, 403 and 503, unless its schema has them; an open one gets none. The document gets the security
 * schemes: `accessToken`, and `dpop` or `mutualTLS` where routes take such tokens. One of that name
 * in the document's own `components` stays as it is, save that flows of `oauth2` learn the scope.
 *
 * Only the document changes: neither what is validated nor how an answer is serialized. Whether the
 * plugin is registered before or after `@fastify/swagger` makes no difference. It asks no issuer for
 * anything, and doesn't check whether what its document says of an issuer is there.
 *
 * @example
 * await app.register(swagger, { openapi: { info }, transform: openapiTransform(app) })
 *
 * @param app the instance on which `@fastify/swagger` is registered, or one around it.
 * @param transform another transform, called first, such as one that turns Zod into JSON Schema.
 * @throws {TypeError} (at the start) if this plugin is registered nowhere; (when the document is
 *   made) if it is one of Swagger 2.0, which has no word for bearer tokens, or of another instance.
 * @see https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object
 */
export function openapiTransform<Input extends OpenApiTransformInput>(
  app: AnyFastifyInstance,
  transform?: (input: Input) => OpenApiTransformOutput,
): (input: Input) => OpenApiTransformOutput {
  const fastify = app as FastifyInstance
  const schemes = new SecuritySchemes(() => guardedScopes(fastify))

  fastify.addHook('onRoute', function (route) {
    Object.assign(route, { [DECLARED_ON]: this })
  })
  fastify.addHook('onReady', async () => {
    if (guardedScopes(fastify).length > 0) return
    throw new TypeError(
      'openapiTransform() describes what fastify-resource-server guards, and that is not ' +
        'registered: register it, or leave the transform out',
    )
  })

  return (input) => {
    const { schema, url } = transform?.(input) ?? input
    const document = requireOpenApi3(input)
    const scope = scopeAround(declaringInstance(input.route))
    if (scope === undefined) return { schema, url }
    if (isHidden(schema)) return { schema, url }
    // As Fastify copies it, so that the two never read different things.
    const guard = scope.guards.of({ ...input.route.config } as never)
    const own = (schema ?? {}) as FastifySchema & { security?: unknown }
    if (guard === undefined) {
      const isOpenInDocument = own.security !== undefined || !document.security?.length
      return {
        schema: isOpenInDocument ? schema : ({ ...own, security: [] } as FastifySchema),
        url,
      }
    }
    const named = schemes.addTo(document, scope, guard)
    const security = own.security ?? securityRequirements(guard, named)
    return { schema: withRefusals({ ...own, security } as FastifySchema, guard), url }
  }
}

function requireOpenApi3({ openapiObject }: OpenApiTransformInput): OpenApiDocument {
  if (openapiObject !== undefined) return openapiObject as OpenApiDocument
  throw new TypeError(
    'openapiTransform() describes OpenAPI 3, and not Swagger 2.0: give @fastify/swagger the option ' +
      '"openapi" in the place of "swagger"',
  )
}

function declaringInstance(route: RouteOptions & { [DECLARED_ON]?: FastifyInstance }) {
  const { [DECLARED_ON]: instance } = route
  if (instance !== undefined) return instance
  throw new TypeError(
    'openapiTransform() was given another instance than the one on which @fastify/swagger is ' +
      'registered: give it that one',
  )
}
