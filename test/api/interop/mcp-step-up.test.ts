/**
 * The official MCP clients with an endpoint whose tools require different scope: they discover the
 * authorization server, and get a token with more scope when a tool requires it.
 */
import {
  Client,
  ClientCredentialsProvider,
  DpopSession,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import * as sdk1Auth from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import * as sdk1 from '@modelcontextprotocol/sdk/client/index.js'
import * as sdk1Http from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import Fastify from 'fastify'
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../../src/index.js'
import { createAuthorizationServer, testClient } from '../../../src/testing/index.js'
import { freePort } from '../../fixtures/free-port.js'
import { declareMcpRoutes } from '../../fixtures/mcp-routes.js'

async function stage(t: Test, options: Partial<PluginOptions> = {}, clientScope?: string) {
  const client = { ...testClient, scope: clientScope }
  const issuer = await createAuthorizationServer({ algorithm: 'ES256', clients: [client] })
  t.teardown(() => issuer.close())
  const port = await freePort()
  const resource = `http://127.0.0.1:${port}/mcp`
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: issuer.issuer,
    audience: resource,
    resourceMetadata: { resource, scopes: ['orders:read'] },
    ...options,
  })
  const calls = declareMcpRoutes(app, resource)
  await app.listen({ host: '127.0.0.1', port })
  const seen: string[] = []
  const recordingFetch = async (input: string | URL, init?: RequestInit) => {
    const response = await fetch(input, init)
    const method = init?.method ?? 'GET'
    const tool = new Headers(init?.headers).get('mcp-name') ?? ''
    const parts = [method, new URL(input).pathname, tool, response.status]
    // SDK 1 does not wait for the response to this request.
    if (`${method} ${parts[1]}` !== 'GET /mcp') seen.push(parts.filter(Boolean).join(' '))
    return response
  }
  const provider = new ClientCredentialsProvider({ ...testClient, expectedIssuer: issuer.issuer })
  return { issuer, resource, calls, seen, recordingFetch, provider }
}

/** Connects the client of SDK 2. */
async function connect(
  t: Test,
  resource: string,
  authProvider: OAuthClientProvider,
  fetch: (input: string | URL, init?: RequestInit) => Promise<Response>,
) {
  const client = new Client(
    { name: 'test', version: '2.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  t.teardown(() => client.close())
  await client.connect(
    new StreamableHTTPClientTransport(new URL(resource), { authProvider, fetch }),
  )
  return client
}

const DISCOVERY = [
  'GET /.well-known/oauth-protected-resource/mcp 200',
  'GET /.well-known/oauth-authorization-server/oauth2/default 200',
  'POST /oauth2/default/v1/token 200',
]

t.test('M3: the client of SDK 2 gets a token with more scope for the second tool', async (t) => {
  const { resource, calls, seen, recordingFetch, provider, issuer } = await stage(t)
  const client = await connect(t, resource, provider, recordingFetch)
  const token = () => decodeJwt(`${provider.tokens()?.access_token}`)
  t.match(await client.callTool({ name: 'count' }), {
    content: [{ text: 'count for demo-client' }],
  })
  t.match(token(), { aud: resource, scope: 'orders:read' })
  t.match(await client.callTool({ name: 'cancel' }), {
    content: [{ text: 'cancel for demo-client' }],
  })
  t.match(token(), { aud: resource, scope: 'orders:read orders:write' })
  await client.callTool({ name: 'count' })
  t.strictSame(seen, [
    'POST /mcp 401',
    ...DISCOVERY,
    'POST /mcp 200',
    'POST /mcp count 200',
    'POST /mcp cancel 403',
    ...DISCOVERY,
    'POST /mcp cancel 200',
    'POST /mcp count 200',
  ])
  t.match(issuer.requests, { token: 2 })
  t.match(calls, [{ name: 'count' }, { name: 'cancel' }, { name: 'count' }])
})

t.test('M3: the client stops after one retry if it cannot get the scope', async (t) => {
  const { resource, calls, provider, recordingFetch, issuer } = await stage(t, {}, 'orders:read')
  const client = await connect(t, resource, provider, recordingFetch)
  await t.rejects(client.callTool({ name: 'cancel' }), { message: /403 insufficient_scope/ })
  t.match(issuer.requests, { token: 2 })
  t.match(await client.callTool({ name: 'count' }), {
    content: [{ text: 'count for demo-client' }],
  })
  t.match(calls, [{ name: 'count' }])
})

t.test('M6: the client of SDK 1 sends no headers, and gets all scope at once', async (t) => {
  const { resource, seen, recordingFetch, issuer } = await stage(t)
  const provider = new sdk1Auth.ClientCredentialsProvider({
    ...testClient,
    expectedIssuer: issuer.issuer,
  })
  const client = new sdk1.Client({ name: 'test', version: '1.0.0' })
  t.teardown(() => client.close())
  const options = { authProvider: provider, fetch: recordingFetch }
  await client.connect(new sdk1Http.StreamableHTTPClientTransport(new URL(resource), options))
  for (const name of ['count', 'cancel']) {
    t.match(await client.callTool({ name }), { content: [{ text: `${name} for demo-client` }] })
  }
  t.match(decodeJwt(`${provider.tokens()?.access_token}`), { scope: 'orders:read orders:write' })
  t.strictSame(seen, [
    'POST /mcp 401',
    ...DISCOVERY,
    'POST /mcp 200',
    'POST /mcp 202',
    'POST /mcp 200',
    'POST /mcp 200',
  ])
})

t.test('P1: the client of SDK 2 uses DPoP-bound tokens', async (t) => {
  const { resource, calls, provider, seen, recordingFetch } = await stage(t, {
    dpop: { mode: 'required', nonce: { secret: 'a secret of at least 32 characters' } },
  })
  const session = await DpopSession.create()
  const dpop = Object.assign(provider, { dpop: () => session })
  const client = await connect(t, resource, dpop, recordingFetch)
  t.match(await client.callTool({ name: 'count' }), {
    content: [{ text: 'count for demo-client' }],
  })
  await client.callTool({ name: 'cancel' })
  t.match(calls, [{ name: 'count' }, { name: 'cancel' }])
  t.match(decodeJwt(`${provider.tokens()?.access_token}`), {
    cnf: { jkt: session.thumbprint },
    scope: 'orders:read orders:write',
  })
  t.ok(seen.includes('POST /mcp cancel 403'))
})
