/**
 * Protects an MCP server with the plugin, and calls it with the official MCP client. The client
 * knows only the server's URL and its own credentials: it discovers the authorization server
 * through the metadata of the API (RFC 9728), gets a token for this API alone (RFC 8707), and calls
 * a tool. `npm run example mcp`.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import Fastify, { type FastifyRequest } from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

const authorizationServer = await createAuthorizationServer()
const port = await freePort()

// The resource identifier: the public URL of the API, with its path.
const resource = `http://127.0.0.1:${port}/mcp`

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: resource,
  resourceMetadata: { resource, name: 'Orders' },
})

app.post('/mcp', { config: { auth: { scope: 'orders:read' } } }, async (request) => {
  // One server for each request, so that clients never share state.
  const server = mcpServer()
  // This transport leaves the response to Fastify, with all headers that its hooks have set.
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
  const response = await transport.handleRequest(
    new Request(resource, { method: 'POST', headers: Object.fromEntries(headers) }),
    { parsedBody: request.body, authInfo: authInfo(request) },
  )
  await server.close()
  return response
})
// A 405 tells the client that this server supports neither streams nor sessions.
app.route({
  method: ['GET', 'DELETE'],
  url: '/mcp',
  handler: async (_request, reply) => reply.code(405).header('allow', 'POST').send(),
})
await app.listen({ host: '127.0.0.1', port })

const client = new Client({ name: 'example', version: '1.0.0' })
await client.connect(
  new StreamableHTTPClientTransport(new URL(resource), {
    authProvider: new ClientCredentialsProvider({
      ...testClient,
      scope: 'orders:read',
      // Without this, the client would send its secret to any authorization server that the API
      // names.
      expectedIssuer: authorizationServer.issuer,
    }),
    fetch: loggingFetch,
  }),
)
const { tools } = await client.listTools()
console.log(`tools: ${tools.map(({ name }) => name).join(', ')}`)
const { content } = await client.callTool({ name: 'count-orders' })
console.log(`result: ${JSON.stringify(content)}`)

await client.close()
await app.close()
await authorizationServer.close()

function mcpServer(): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  const description = 'Counts the orders'
  server.registerTool('count-orders', { description }, async ({ authInfo }) => ({
    content: [{ type: 'text', text: `3 orders, counted for ${authInfo?.clientId}` }],
  }))
  return server
}

/**
 * Returns the information about the caller that tools receive. It excludes the token, because the
 * token is for this API alone.
 */
function authInfo({ auth, claims }: FastifyRequest): AuthInfo {
  const scopes = [...(auth?.scope ?? [])]
  return { token: '', clientId: auth?.clientId ?? '', scopes, expiresAt: claims.exp, extra: claims }
}

/** Sends a request of the client, and prints it with the status of the response. */
async function loggingFetch(input: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  const { pathname } = new URL(input)
  console.log((init?.method ?? 'GET').padEnd(4), pathname, response.status)
  return response
}

/** Returns a free port: the resource identifier must contain the port before the API listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
