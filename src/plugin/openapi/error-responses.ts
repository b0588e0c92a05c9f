/**
 * Describes the error responses of the guard in an OpenAPI document. The responses have no schema,
 * because the application may shape their bodies.
 */
import type { FastifySchema } from 'fastify'
import type { Policy } from '../../policy/requirement.js'
import type { CompiledScope } from '../../policy/scope-requirement.js'
import type { RouteGuard } from '../route-guard.js'

const CHALLENGE = {
  'WWW-Authenticate': { type: 'string', description: 'Challenge (RFC 6750 §3).' },
}

/**
 * Returns the schema with the error responses of the guard. Leaves out a response that the schema
 * declares itself: by its status code, by a range such as `4xx`, or by `default`.
 */
export function withErrorResponses(schema: FastifySchema, { policy }: RouteGuard): FastifySchema {
  const declared = schema.response as Readonly<Record<string, unknown>> | undefined
  const codes = new Set(Object.keys(declared ?? {}).map((code) => code.toLowerCase()))
  const missing = Object.entries(errorResponses(policy)).filter(
    ([code]) => !codes.has(code) && !codes.has(`${code[0]}xx`) && !codes.has('default'),
  )
  // `@fastify/swagger` adds this default only when a route declares no responses.
  const responses = declared ?? { 200: emptyResponse('Default Response') }
  return { ...schema, response: { ...responses, ...Object.fromEntries(missing) } }
}

function errorResponses(policy: Policy<never>): Record<string, object> {
  return {
    401: { ...emptyResponse('Missing or invalid access token.'), headers: CHALLENGE },
    ...(policy.canReturn403 && {
      403: {
        ...emptyResponse(
          `The access token does not permit this request.${requiredScope(policy.scope)}${memberships(policy)}`,
        ),
        headers: CHALLENGE,
      },
    }),
    503: {
      ...emptyResponse('Token verification is temporarily unavailable.'),
      headers: { 'Retry-After': { type: 'integer', description: 'In seconds.' } },
    },
  }
}

function requiredScope({ fixed: { allOf, anyOf }, isDynamic }: CompiledScope<never>): string {
  const parts = isDynamic ? ['depends on the request'] : []
  if (allOf.length > 0) parts.push(allOf.join(' '))
  if (anyOf.length > 0) parts.push(`one of ${anyOf.join(' ')}`)
  return parts.length === 0 ? '' : ` Required scope: ${parts.join(' and ')}.`
}

function memberships({ memberships }: Policy<never>): string {
  if (memberships.length === 0) return ''
  return ` Required: ${memberships.map(({ expected }) => expected).join('; ')}.`
}

/**
 * Returns a response that `@fastify/swagger` renders without a body, because its type is `null`.
 */
function emptyResponse(description: string) {
  return { type: 'null', description }
}
