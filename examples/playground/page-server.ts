/**
 * Runs the page's own server, which serves the page, logs in for it, and controls the embedded
 * authorization server as the buttons of the page request. This server is for a demonstration on
 * loopback only: nothing here belongs in a product.
 */
import type { KeyObject } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { type AuthorizationServer, PasswordGrantError } from 'fastify-resource-server/testing'
import type { Api } from './api.js'
import { allowOwnPageOnly } from './own-page-only.js'
import { servePageFiles } from './page-files.js'
import { untried } from './steps.js'
import {
  type Credentials,
  TOKEN_VARIANTS,
  Tokens,
  type TokenType,
  type TokenVariant,
} from './tokens.js'

const text = { type: 'string', maxLength: 200 }
const type = { enum: ['Bearer', 'DPoP'] }
const accessToken = { type: 'string', maxLength: 8192 }

function body(properties: Record<string, object>, required = Object.keys(properties)) {
  return { schema: { body: { type: 'object', properties, required } } }
}

/**
 * @param api returns the API. It is called for each request, because the API starts after the page:
 *   the API must know the origin of the page.
 * @param encryptionKey the public key of the API.
 */
export async function startPage(
  authorizationServer: AuthorizationServer,
  api: () => Api,
  encryptionKey: KeyObject,
  port: number,
): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true })
  const tokens = new Tokens(authorizationServer, encryptionKey)
  let issuerIsUp = true

  allowOwnPageOnly(app)
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  app.setErrorHandler(async (error, _request, reply) => {
    if (!(error instanceof PasswordGrantError)) return reply.send(error)
    const { error: code, hint, status = 503 } = error
    return reply.code(status).send({ error: code, message: hint })
  })
  servePageFiles(app, () => api().origin)

  app.get('/state', async () => ({
    api: api().origin,
    issuer: authorizationServer.issuer,
    issuerIsUp,
    statistics: api().statistics(),
    fetches: api().calls.fetches,
    steps: untried(),
  }))
  app.get<{ Params: { id: string } }>('/calls/:id', async ({ params }, reply) => {
    const steps = api().calls.stepsOf(params.id)
    return steps ?? reply.code(404).send()
  })

  // The password is sent in the body of a POST, as by a form, so that it appears in no log and no
  // browser history.
  app.post<{ Body: Credentials }>(
    '/login',
    body({ username: text, password: text, scope: text, type }),
    async (request) => ({ token: await tokens.logIn(request.body) }),
  )
  app.post<{ Body: { variant: TokenVariant; scope: string; type: TokenType } }>(
    '/tokens',
    body({ variant: { enum: TOKEN_VARIANTS }, scope: text, type }),
    async ({ body: { variant, scope, type } }) => ({
      token: await tokens.issue(variant, scope, type),
    }),
  )
  app.post<{ Body: { path: string; accessToken: string; nonce?: string } }>(
    '/proofs',
    body({ path: text, accessToken, nonce: text }, ['path', 'accessToken']),
    async ({ body: { path, accessToken, nonce } }) => ({
      proof: await tokens.prove(new URL(path, api().origin).href, accessToken, nonce),
    }),
  )
  app.post('/keys', async () => ({ kid: await authorizationServer.rotateKeys() }))
  app.post<{ Body: { up: boolean } }>(
    '/issuer',
    body({ up: { type: 'boolean' } }),
    async ({ body: { up } }) => {
      await (up ? authorizationServer.resume() : authorizationServer.suspend())
      issuerIsUp = up
      return { up }
    },
  )

  await app.listen({ host: '127.0.0.1', port })
  return app
}
