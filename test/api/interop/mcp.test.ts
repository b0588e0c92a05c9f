/**
 * The official client of the Model Context Protocol with an API behind the plugin: it knows the URL
 * of the API and its own credentials, and discovers the rest.
 */
import {
  discoverOAuthServerInfo,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import Fastify from 'fastify'
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../../src/index.js'
import { createAuthorizationServer, testClient } from '../../../src/testing/index.js'
import { freePort } from '../../fixtures/free-port.js'

/** An MCP server with one tool, `who`, at `/mcp`, and its authorization server. */
async function stage(t: Test, options: Partial<PluginOptions> = {}) {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const port = await freePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: issuer.issuer,
    audience: resource,
    resourceMetadata: resource,
    ...options,
  })
  app.post('/mcp', { config: { auth: { scope: 'orders:read' } } }, async (request) => {
    const server = new McpServer({ name: 'test', version: '1.0.0' })
    server.registerTool('who', {}, async () => ({
      content: [{ type: 'text', text: `${request.auth?.clientId}` }],
    }))
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
    await server.connect(transport)
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
    return transport.handleRequest(
      new Request(resource, { method: 'POST', headers: Object.fromEntries(headers) }),
      { parsedBody: request.body },
    )
  })
  app.get('/mcp', async (_request, reply) => reply.code(405).send())
  await app.listen({ host: '127.0.0.1', port })
  return { app, issuer, resource }
}

/** A client, the scopes that it requests, and the tokens that it got. */
function client(t: Test, resource: string, expectedIssuer: string, scope = 'orders:read') {
  const seen: string[] = []
  const provider = new ClientCredentialsProvider({ ...testClient, scope, expectedIssuer })
  const transport = new StreamableHTTPClientTransport(new URL(resource), {
    authProvider: provider,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      seen.push(`${init?.method ?? 'GET'} ${new URL(input).pathname} ${response.status}`)
      return response
    },
  })
  const mcp = new Client({ name: 'test', version: '1.0.0' })
  t.teardown(() => mcp.close())
  const accessToken = () => decodeJwt(provider.tokens()?.access_token as string)
  return { mcp, transport, seen, accessToken }
}

t.test(
  'R1, R2: the client discovers the authorization server by the challenge, and calls a tool',
  async (t) => {
    const { issuer, resource } = await stage(t)
    const { mcp, transport, seen, accessToken } = client(t, resource, issuer.issuer)
    await mcp.connect(transport)
    t.match(await mcp.callTool({ name: 'who' }), {
      content: [{ type: 'text', text: testClient.clientId }],
    })
    t.strictSame(seen.slice(0, 5), [
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server/oauth2/default 200',
      'POST /oauth2/default/v1/token 200',
      'POST /mcp 200',
    ])
    t.equal(accessToken().aud, resource, 'R4: with a token for this API only')
    t.match(issuer.requests, { token: 1 }, 'which is reused for all later requests')
  },
)

t.test('R1: the client finds the metadata without a challenge, path-inserted', async (t) => {
  const { issuer, resource } = await stage(t)
  const requested: string[] = []
  const { authorizationServerUrl, resourceMetadata, authorizationServerMetadata } =
    await discoverOAuthServerInfo(resource, {
      fetchFn: (input, init) => {
        requested.push(new URL(input).pathname)
        return fetch(input, init)
      },
    })
  t.equal(authorizationServerUrl, issuer.issuer)
  t.equal(resourceMetadata?.resource, resource)
  t.strictSame(resourceMetadata?.scopes_supported, ['orders:read'])
  t.equal(authorizationServerMetadata?.token_endpoint, issuer.tokenEndpoint)
  t.equal(requested[0], '/.well-known/oauth-protected-resource/mcp', 'without another attempt')
})

t.test('B7: the client replaces a revoked token and continues', async (t) => {
  const { app, issuer, resource } = await stage(t)
  const { mcp, transport, accessToken } = client(t, resource, issuer.issuer)
  await mcp.connect(transport)
  const { jti } = accessToken()
  await app.resourceServer.revoke({ jti: `${jti}` })
  t.match(await mcp.callTool({ name: 'who' }), { content: [{ text: testClient.clientId }] })
  t.not(accessToken().jti, jti)
})

t.test(
  'M3: the client requests only the scope of the route, regardless of the error of its token',
  async (t) => {
    for (const dpop of [false, 'allowed'] as const) {
      const { issuer, resource } = await stage(t, { dpop })
      const expired = await issuer.issueToken({ aud: resource, exp: 1 })
      const poor = await issuer.issueToken({ aud: resource }, { scope: 'profile' })
      for (const [what, token] of Object.entries({ none: undefined, bad: 'x', expired, poor })) {
        const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` }
        const response = await fetch(resource, { method: 'POST', ...(headers && { headers }) })
        const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(response)
        t.equal(scope, 'orders:read', what)
        t.match(resourceMetadataUrl, { pathname: '/.well-known/oauth-protected-resource/mcp' })
      }
    }
  },
)

t.test('B8: the client fails if it cannot get the required scope', async (t) => {
  const { issuer, resource } = await stage(t)
  const { mcp, transport } = client(t, resource, issuer.issuer, 'orders:write')
  await t.rejects(mcp.connect(transport), { code: 403 })
  t.match(issuer.requests, { token: 2 }, 'after one retry')
})

t.test('R4: the client fails if the API accepts no tokens for its own URL', async (t) => {
  const { issuer, resource } = await stage(t, { audience: 'api://default' })
  const { mcp, transport } = client(t, resource, issuer.issuer)
  await t.rejects(mcp.connect(transport), { code: 401 })
  t.match(issuer.requests, { token: 1 })
})
