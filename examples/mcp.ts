/**
 * Protects an MCP server whose two tools require different scope, and calls both tools with the
 * official MCP clients. A client knows only the server's URL and its own credentials: it discovers
 * the authorization server through the metadata of the API (RFC 9728), gets a token for this API
 * alone (RFC 8707), and gets a token with more scope when a tool requires it. `npm run example mcp`.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import {
  Client,
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import * as sdk1Auth from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import * as sdk1 from '@modelcontextprotocol/sdk/client/index.js'
import * as sdk1Http from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  type AuthInfo,
  createMcpHandler,
  fromJsonSchema,
  McpServer,
} from '@modelcontextprotocol/server'
import Fastify, { type FastifyRequest } from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

interface Message {
  id?: string | number
  method: string
  params?: { name?: unknown }
}

/** The scope of each tool. In a map, because a name such as `constructor` must be unknown. */
const TOOL_SCOPE = new Map([
  ['count-orders', 'orders:read'],
  ['cancel-order', 'orders:write'],
])
const BASIC_SCOPE = 'orders:read'
const STRICTEST_SCOPE = [...new Set([BASIC_SCOPE, ...TOOL_SCOPE.values()])]

/** Returns the scope of an operation; all scope if the operation is unknown. */
function scopeOf(method: unknown, name: unknown): string | string[] {
  if (method === 'server/discover' || method === 'tools/list') return BASIC_SCOPE
  return (method === 'tools/call' && TOOL_SCOPE.get(String(name))) || STRICTEST_SCOPE
}

const authorizationServer = await createAuthorizationServer()
const port = await freePort()

// The resource identifier: the public URL of the API, with its path.
const resource = `http://127.0.0.1:${port}/mcp`

const app = Fastify()
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: resource,
  // The minimal scope. A client requests more when a challenge names it.
  resourceMetadata: { resource, name: 'Orders', scopes: [BASIC_SCOPE] },
})

// A new MCP server for each request, so that clients never share state.
const mcp = createMcpHandler(({ authInfo }) => ordersServer(authInfo))

app.post<{ Body: Message }>(
  '/mcp',
  {
    config: {
      auth: {
        // Called before the body is read. Clients of revision 2026-07-28 name the operation in
        // headers. Without these headers, the request requires all scope.
        scope: ({ headers }) => scopeOf(headers['mcp-method'], nameIn(headers)),
      },
    },
    schema: {
      // Rejects arrays: MCP has had no batches since revision 2025-06-18.
      body: {
        type: 'object',
        required: ['method'],
        properties: { method: { type: 'string' }, params: { type: 'object' } },
      },
    },
  },
  async (request, reply) => {
    // The scope was checked for the operation in the headers, but the body decides what runs.
    if (contradictsHeaders(request.body, request.headers)) {
      const error = { code: -32020, message: 'The headers contradict the body' }
      return reply.code(400).send({ jsonrpc: '2.0', id: request.body.id ?? null, error })
    }
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
    return mcp.fetch(
      new Request(resource, { method: 'POST', headers: Object.fromEntries(headers) }),
      { parsedBody: request.body, authInfo: authInfoOf(request) },
    )
  },
)
// A 405 tells clients of earlier revisions that this server supports neither streams nor sessions.
app.route({
  method: ['GET', 'DELETE'],
  url: '/mcp',
  handler: async (_request, reply) => reply.code(405).header('allow', 'POST').send(),
})
await app.listen({ host: '127.0.0.1', port })

// Without `expectedIssuer`, the client would send its secret to any authorization server that the
// API names.
const credentials = { ...testClient, expectedIssuer: authorizationServer.issuer }

console.log('SDK 2, revision 2026-07-28: the second tool requires another token')
const auto = { versionNegotiation: { mode: 'auto' } } as const
const client = new Client({ name: 'example', version: '2.0.0' }, auto)
await client.connect(
  new StreamableHTTPClientTransport(new URL(resource), {
    authProvider: new ClientCredentialsProvider(credentials),
    fetch: loggingFetch,
  }),
)
const { tools } = await client.listTools()
console.log(`tools: ${tools.map(({ name }) => name).join(', ')}`)
await callTools(client)
await client.close()

console.log('\nSDK 1, revision 2025-11-25: without the headers, each request requires all scope')
const sdk1Client = new sdk1.Client({ name: 'example', version: '1.0.0' })
const transport = new sdk1Http.StreamableHTTPClientTransport(new URL(resource), {
  authProvider: new sdk1Auth.ClientCredentialsProvider(credentials),
  fetch: loggingFetch,
})
await sdk1Client.connect(transport)
await callTools(sdk1Client)
await sdk1Client.close()

console.log('\nAn attacker: the headers name the first tool, the body names the second')
const token = await authorizationServer.issueToken({ aud: resource }, { scope: 'orders:read' })
await loggingFetch(resource, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'mcp-method': 'tools/call',
    'mcp-name': 'count-orders',
  },
  body: JSON.stringify({ id: 1, method: 'tools/call', params: { name: 'cancel-order' } }),
})

await app.close()
await authorizationServer.close()

function ordersServer(authInfo: AuthInfo | undefined): McpServer {
  const request = authInfo?.extra?.request as FastifyRequest
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  server.registerTool('count-orders', { description: 'Counts the orders' }, async () => {
    request.requireScope('orders:read')
    return { content: [{ type: 'text', text: `3 orders, counted for ${request.token.clientId}` }] }
  })
  const inputSchema = fromJsonSchema<{ id: number }>({
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'integer' } },
  })
  const description = 'Cancels an order'
  server.registerTool('cancel-order', { description, inputSchema }, async ({ id }) => {
    // A second check of the scope, which holds even if this tool is missing in TOOL_SCOPE.
    request.requireScope('orders:write')
    return { content: [{ type: 'text', text: `order ${id} is canceled` }] }
  })
  return server
}

/** Returns the name of the tool in the headers. MCP encodes names that a header cannot contain. */
function nameIn({ 'mcp-name': name }: FastifyRequest['headers']): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(String(name))?.[1]
  return encoded === undefined ? name?.toString() : Buffer.from(encoded, 'base64').toString()
}

/** Whether the request has headers that name another operation than the body. */
function contradictsHeaders(
  { method, params }: Message,
  headers: FastifyRequest['headers'],
): boolean {
  if (headers['mcp-method'] === undefined) return false // The request required all scope.
  if (headers['mcp-method'] !== method) return true
  return method === 'tools/call' && nameIn(headers) !== params?.name
}

/**
 * Returns what tools may know about the caller. It excludes the token, because the token is for
 * this API alone.
 */
function authInfoOf(request: FastifyRequest): AuthInfo {
  const { auth, claims } = request
  const scopes = [...(auth?.scope ?? [])]
  const clientId = auth?.clientId ?? ''
  return { token: '', clientId, scopes, expiresAt: claims.exp, extra: { request } }
}

async function callTools(client: Pick<Client, 'callTool'> | sdk1.Client): Promise<void> {
  for (const call of [{ name: 'count-orders' }, { name: 'cancel-order', arguments: { id: 7 } }]) {
    const { content } = await client.callTool(call)
    console.log(`result: ${JSON.stringify(content)}`)
  }
}

/**
 * Sends a request of a client. Prints the request, the status of the response, and the scope that a
 * challenge requires or a new token has.
 */
async function loggingFetch(input: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  const { pathname } = new URL(input)
  const tool = new Headers(init?.headers).get('mcp-name') ?? ''
  const challenge = response.headers.get('www-authenticate') ?? ''
  const granted = pathname.endsWith('/token') ? await response.clone().text() : ''
  const scope = /scope="([^"]*)"/.exec(challenge)?.[1] ?? /"scope":"([^"]*)"/.exec(granted)?.[1]
  const parts = [(init?.method ?? 'GET').padEnd(4), pathname, tool, response.status]
  if (scope !== undefined) parts.push(`scope: ${scope}`)
  console.log(parts.filter(Boolean).join(' '))
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
