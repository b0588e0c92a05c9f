/**
 * Protects a GraphQL route: the token is in the GraphQL context, and a resolver requires a scope.
 * `npm run example graphql`.
 *
 * The route accepts any valid token, because the required scope is known only after the query is
 * parsed.
 */
import Fastify from 'fastify'
import resourceServer, { type AccessToken } from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import mercurius, { type MercuriusContext } from 'mercurius'

const authorizationServer = await createAuthorizationServer()

declare module 'mercurius' {
  interface MercuriusContext {
    auth: AccessToken | null
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
  context: ({ auth }) => ({ auth }),
  resolvers: {
    Query: {
      me: (_root, _args, { auth }) => auth?.subject,
      orders: (_root, _args, context) => {
        requireScope(context, 'orders:read')
        return ['a book']
      },
    },
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

/**
 * Rejects a field if the token lacks the scope. The other fields of the query are still returned.
 */
function requireScope({ auth }: MercuriusContext, scope: string): void {
  if (auth?.hasScope(scope)) return
  throw new mercurius.ErrorWithProps('The access token lacks the required scope', {
    code: 'insufficient_scope',
    scope,
  })
}

async function query(text: string, token?: string): Promise<string> {
  const { statusCode, body, headers } = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    payload: { query: text },
  })
  return `${statusCode} ${statusCode === 401 ? headers['www-authenticate'] : body}`
}
