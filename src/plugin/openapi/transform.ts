/**
 * Describes the guard in an OpenAPI document: the security of each route, the security schemes and
 * the error responses. This module derives them from the guards of the routes, so that the document
 * matches what the guards enforce.
 */
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { contextOf, guardedContexts } from '../guarded-contexts.js'
import { isHidden } from '../route-guard.js'
import { withErrorResponses } from './error-responses.js'
import { securityRequirements } from './security-requirements.js'
import { type OpenApiDocument, SecuritySchemes } from './security-schemes.js'

/** The members that this module reads from the input that `@fastify/swagger` gives a transform. */
export interface OpenApiTransformInput {
  schema: FastifySchema
  url: string
  route: RouteOptions
  openapiObject?: object
  swaggerObject?: object
}

/** The result that `@fastify/swagger` expects from a transform. */
export interface OpenApiTransformOutput {
  schema: FastifySchema
  url: string
}

/** A Fastify instance of any type, such as one over HTTP/2 or with a custom logger. */
export interface AnyFastifyInstance {
  readonly server: object
  readonly addHook: (...hook: never) => unknown
}

/**
 * Key of a member of a route: the instance on which the route was declared. The key is a symbol,
 * which copies of the route keep.
 */
const DECLARED_ON = Symbol('fastify-resource-server.declared-on')

/**
 * Returns a function for the option `transform` of `@fastify/swagger` that describes the routes
 * which this plugin guards, in OpenAPI 3. A guarded route gets `security` and the responses 401,
 * 503 and, if its requirements can cause it, 403; what its own schema declares is kept. An open
 * route gets no responses; it gets `security: []` if the document has a default `security`.
 *
 * The document gets the security schemes `accessToken` (further issuers: `accessToken2` and so on),
 * and `dpop` or `mutualTLS` if routes accept such tokens; OpenAPI 3.0 has no `mutualTLS`. A scheme
 * with such a name in the document's own `components` is kept, and only the flows of `oauth2` get
 * missing scopes.
 *
 * Only the document changes, not the validation of requests or the serialization of responses. The
 * plugin may be registered before or after `@fastify/swagger`. The transform contacts no issuer, so
 * it does not check that the metadata URL of an issuer in the document exists.
 *
 * @example
 * await app.register(swagger, { openapi: { info }, transform: openapiTransform(app) })
 *
 * @param app the instance on which `@fastify/swagger` is registered, or a parent of it.
 * @param transform another transform, called first, such as one that turns Zod into JSON Schema.
 * @throws {TypeError} at start-up, if this plugin is not registered. When the document is
 *   generated, if it is Swagger 2.0, which has no bearer tokens, or if a route is not declared on
 *   `app` or a child of it.
 * @see https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object
 */
export function openapiTransform<Input extends OpenApiTransformInput>(
  app: AnyFastifyInstance,
  transform?: (input: Input) => OpenApiTransformOutput,
): (input: Input) => OpenApiTransformOutput {
  const fastify = app as FastifyInstance
  const schemes = new SecuritySchemes(() => guardedContexts(fastify))

  fastify.addHook('onRoute', function (route) {
    Object.assign(route, { [DECLARED_ON]: this })
  })
  fastify.addHook('onReady', async () => {
    if (guardedContexts(fastify).length > 0) return
    throw new TypeError(
      'openapiTransform() requires fastify-resource-server, which is not registered: ' +
        'register it, or remove the transform',
    )
  })

  return (input) => {
    const { schema, url } = transform?.(input) ?? input
    const document = requireOpenApi3(input)
    const context = contextOf(declaringInstance(input.route))
    if (context === undefined) return { schema, url }
    if (isHidden(schema)) return { schema, url }
    // Copies the config as Fastify does, so that the document describes what the guard reads: a
    // copy has no inherited members.
    const guard = context.guards.guardFor({ ...input.route.config } as never)
    const ownSchema = (schema ?? {}) as FastifySchema & { security?: unknown }
    if (guard === undefined) {
      const isOpenInDocument = ownSchema.security !== undefined || !document.security?.length
      return {
        schema: isOpenInDocument ? schema : ({ ...ownSchema, security: [] } as FastifySchema),
        url,
      }
    }
    const namedSchemes = schemes.addTo(document, context, guard)
    const security = ownSchema.security ?? securityRequirements(guard, namedSchemes)
    return { schema: withErrorResponses({ ...ownSchema, security } as FastifySchema, guard), url }
  }
}

function requireOpenApi3({ openapiObject }: OpenApiTransformInput): OpenApiDocument {
  if (openapiObject !== undefined) return openapiObject as OpenApiDocument
  throw new TypeError(
    'openapiTransform() supports only OpenAPI 3, not Swagger 2.0: pass @fastify/swagger the option ' +
      '"openapi" instead of "swagger"',
  )
}

function declaringInstance(route: RouteOptions & { [DECLARED_ON]?: FastifyInstance }) {
  const { [DECLARED_ON]: instance } = route
  if (instance !== undefined) return instance
  throw new TypeError(
    'openapiTransform() received another Fastify instance than the one on which @fastify/swagger ' +
      'is registered: pass the instance with @fastify/swagger',
  )
}
