/** The answers of the guard, for the document only: their body is the application's to shape. */
import type { FastifySchema } from 'fastify'
import type { Policy } from '../../policy/requirement.js'
import type { RouteGuard } from '../route-guard.js'

const CHALLENGE = {
  'WWW-Authenticate': { type: 'string', description: 'What is asked for (RFC 6750, section 3).' },
}

/** What the schema says itself stays, also where it says it of a range. */
export function withRefusals(schema: FastifySchema, { policy }: RouteGuard): FastifySchema {
  const said = schema.response as Readonly<Record<string, unknown>> | undefined
  const codes = new Set(Object.keys(said ?? {}).map((code) => code.toLowerCase()))
  const missing = Object.entries(refusals(policy)).filter(
    ([code]) => !codes.has(code) && !codes.has(`${code[0]}xx`) && !codes.has('default'),
  )
  // The one that is there of itself, as long as none is given.
  const first = said ?? { 200: nothingIn('Default Response') }
  return { ...schema, response: { ...first, ...Object.fromEntries(missing) } }
}

function refusals(policy: Policy<never>): Record<string, object> {
  return {
    401: { ...nothingIn('There is no access token that is valid here.'), headers: CHALLENGE },
    ...(policy.mayForbid && {
      403: {
        ...nothingIn(`The access token does not permit this.${needed(policy)}`),
        headers: CHALLENGE,
      },
    }),
    503: {
      ...nothingIn('No access token can be verified at present.'),
      headers: { 'Retry-After': { type: 'integer', description: 'In seconds.' } },
    },
  }
}

function needed({ allOf, anyOf }: Policy<never>): string {
  const parts = []
  if (allOf.length > 0) parts.push(allOf.join(' '))
  if (anyOf.length > 0) parts.push(`one of ${anyOf.join(' ')}`)
  return parts.length === 0 ? '' : ` Its scope must have ${parts.join(' and ')}.`
}

/** To `@fastify/swagger`, a response without a body. */
function nothingIn(description: string) {
  return { type: 'null', description }
}
