/**
 * Protects a GraphQL route: a resolver requires a scope, and the response to a token without it is
 * a 403 whose challenge names that scope. `npm run example graphql`.
 *
 * The route accepts any valid token, because the required scope is known only after the query is
 * parsed.
 */
import Fastify, { type FastifyRequest } from 'fastify'
import resourceServer, { ResourceServerError } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import mercurius from 'mercurius'

const authorizationServer = await createAuthorizationServer()

declare module 'mercurius' {
  interface MercuriusContext {
    request: FastifyRequest
  }
}

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
})
await app.register(mercurius, {
  schema: `
    type Query {
      me: String
      orders: [String!]
    }
  `,
  context: (request) => ({ request }),
  resolvers: {
    Query: {
      me: (_root, _args, { request }) => request.auth?.subject,
      orders: (_root, _args, { request }) => {
        request.requireScope('orders:read')
        return ['a book']
      },
    },
  },
  // mercurius catches the errors of resolvers, so the challenge is set here.
  errorFormatter: (execution, context) => {
    const formatted = mercurius.defaultErrorFormatter(execution, context)
    const rejection = execution.errors
      .map(({ originalError }) => originalError)
      .find((error) => error instanceof ResourceServerError)
    if (rejection === undefined) return formatted
    context.reply.headers(rejection.headers)
    return { ...formatted, statusCode: rejection.statusCode }
  },
})

const withoutScope = await authorizationServer.issueToken({ sub: 'ada' }, { scope: 'profile' })
const withScope = await authorizationServer.issueToken({ sub: 'ada' }, { scope: 'orders:read' })
console.log('no token:         ', await query('{ me }'))
console.log('a token:          ', await query('{ me }', withoutScope))
console.log('without the scope:', await query('{ me orders }', withoutScope))
console.log('with the scope:   ', await query('{ me orders }', withScope))

await app.close()
await authorizationServer.close()

async function query(text: string, token?: string): Promise<string> {
  const { statusCode, body, headers } = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    payload: { query: text },
  })
  return `${statusCode} ${statusCode === 200 ? body : headers['www-authenticate']}`
}
