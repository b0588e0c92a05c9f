/**
 * The requirements for servers in MCP authorization, revision 2026-07-28. docs/mcp.md lists each
 * MUST and SHOULD with the title of its test here.
 */
import Fastify, { type InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../src/index.js'
import { ISSUER, seconds } from '../fixtures/issuer.js'
import { declareMcpRoutes } from '../fixtures/mcp-routes.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const RESOURCE = 'https://api.example/mcp'
const METADATA = '/.well-known/oauth-protected-resource/mcp'
const POINTER = `resource_metadata="https://api.example${METADATA}"`

/** Returns a token for the MCP server. */
const granted = (scope: string, claims = {}) => tokenOf({ aud: RESOURCE, scope, ...claims })

const reader = await granted('orders:read')

async function mcpServer(t: Test, overrides: Partial<PluginOptions> = {}) {
  const lines: string[] = []
  const app = await protectedApi(
    t,
    {
      audience: RESOURCE,
      resourceMetadata: { resource: RESOURCE, scopes: ['orders:read'] },
      ...overrides,
    },
    { logger: { stream: { write: (line) => void lines.push(line) } } },
  )
  const calls = declareMcpRoutes(app, RESOURCE)
  /** Calls a tool as a client of revision 2026-07-28 does; `headers` replaces the headers. */
  const call = async (name: string, token?: string, headers?: Record<string, string>) => {
    const version = '2026-07-28'
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: {
        accept: 'application/json, text/event-stream',
        ...(headers ?? {
          'mcp-protocol-version': version,
          'mcp-method': 'tools/call',
          'mcp-name': name,
        }),
        ...(token !== undefined && bearer(token)),
      },
      payload: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name,
          ...(headers === undefined && {
            _meta: {
              'io.modelcontextprotocol/protocolVersion': version,
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          }),
        },
      },
    })
    return { response, status: response.statusCode, challenge: challengeOf(response) }
  }
  return { app, calls, call, lines }
}

function challengeOf({ headers }: { headers: Record<string, unknown> }): string {
  return `${headers['www-authenticate'] ?? ''}`
}

t.test('M1: serves RFC 9728 metadata with the authorization servers', async (t) => {
  const { app } = await mcpServer(t)
  const response = await app.inject(METADATA)
  t.equal(response.statusCode, 200)
  t.same(response.json().authorization_servers, [ISSUER])
  await t.rejects(
    mcpServer(t, { resourceMetadata: { resource: RESOURCE, authorizationServers: [] } }),
    { message: /"resourceMetadata.authorizationServers" option must be a non-empty array/ },
  )
})

t.test('M1: the 401 names the URL of the metadata, which is at the well-known path', async (t) => {
  const { app, call } = await mcpServer(t)
  const { status, challenge } = await call('count')
  t.equal(status, 401)
  const [, url = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
  t.equal(url, `https://api.example${METADATA}`)
  t.equal((await app.inject(new URL(url).pathname)).json().resource, RESOURCE)
})

t.test('M1: logs a warning if the metadata names no authorization server', async (t) => {
  const { lines } = await mcpServer(t, { issuer: () => true, jwks: {} })
  t.match(lines.join(), 'resource metadata lists no authorization server')
})

t.test('M1: the metadata spells the resource as configured, at both paths', async (t) => {
  for (const slash of ['', '/']) {
    const resource = `${RESOURCE}${slash}`
    const { app } = await mcpServer(t, { resourceMetadata: resource })
    t.equal((await app.inject(`${METADATA}${slash}`)).json().resource, resource)
    t.equal((await app.inject(METADATA)).json().resource, resource)
  }
})

t.test('M1: rejects an authorization server without https', async (t) => {
  const issuer = 'http://issuer.example'
  const valid = { resource: RESOURCE, authorizationServers: [ISSUER] }
  await t.rejects(mcpServer(t, { issuer, jwks: {}, resourceMetadata: valid }), {
    message: /^"issuer" .* https/,
  })
  const metadata = { resource: RESOURCE, authorizationServers: [issuer] }
  await t.rejects(mcpServer(t, { resourceMetadata: metadata }), { message: /of https URLs/ })
})

t.test('M2: rejects a token for another resource, and a token for several others', async (t) => {
  const { call, calls } = await mcpServer(t)
  for (const aud of [
    'https://api.example',
    `${RESOURCE}/`,
    `${RESOURCE}#`,
    ['api://a'],
    [],
    undefined,
  ]) {
    const { status, challenge } = await call('count', await granted('orders:read', { aud }))
    t.equal(status, 401, `${aud}`)
    t.match(challenge, 'error="invalid_token"')
  }
  t.same(calls, [])
})

t.test('M2: rejects a token for another server in the same app', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const path of ['/orders/mcp', '/billing/mcp']) {
    const resource = `https://api.example${path}`
    await app.register(async (server) => {
      await server.register(
        resourceServer,
        given({ audience: resource, resourceMetadata: resource }),
      )
      server.post(path, async () => path)
    })
  }
  const token = await tokenOf({ aud: 'https://api.example/orders/mcp' })
  const call = (url: string) => app.inject({ method: 'POST', url, headers: bearer(token) })
  t.equal((await call('/orders/mcp')).body, '/orders/mcp')
  const other = await call('/billing/mcp')
  t.equal(other.statusCode, 401)
  const metadata = '/.well-known/oauth-protected-resource/billing/mcp'
  t.match(challengeOf(other), `resource_metadata="https://api.example${metadata}"`)
  t.match((await app.inject(metadata)).json(), { resource: 'https://api.example/billing/mcp' })
})

t.test('M2: accepts a token whose aud has an uppercase host if the option lists it', async (t) => {
  const aud = 'https://API.example/mcp'
  const token = await granted('orders:read', { aud })
  t.equal((await (await mcpServer(t)).call('count', token)).status, 401)
  const { call } = await mcpServer(t, { audience: [RESOURCE, aud] })
  t.equal((await call('count', token)).status, 200)
})

t.test('M2: tools, logs and responses never contain the token', async (t) => {
  const { call, calls, lines } = await mcpServer(t)
  const { response } = await call('count', reader)
  t.equal(response.statusCode, 200)
  const rejected = await call('cancel', reader)
  t.equal(rejected.status, 403)
  t.equal(calls[0]?.authInfo?.token, '')
  const [, payload = '', signature = ''] = reader.split('.')
  for (const text of [lines.join(), response.body, rejected.response.body, rejected.challenge]) {
    t.ok(text !== '' && !text.includes(payload) && !text.includes(signature))
  }
})

t.test('M3: 401 for a missing, invalid, forged or expired token', async (t) => {
  const { call, calls } = await mcpServer(t)
  t.equal((await call('count')).status, 401)
  const expired = await granted('orders:read', { exp: seconds() - 3600 })
  const foreign = await granted('orders:read', { iss: 'https://other.example' })
  const forged = `${reader.slice(0, -6)}AAAAAA`
  for (const token of ['x', forged, expired, foreign]) {
    const { status, challenge } = await call('count', token)
    t.equal(status, 401)
    t.match(challenge, 'error="invalid_token"')
  }
  t.same(calls, [])
})

t.test('M3: 400 for a malformed Authorization header', async (t) => {
  const { app } = await mcpServer(t)
  const headers = { authorization: 'Bearer a b' }
  const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: {} })
  t.equal(response.statusCode, 400)
  t.match(challengeOf(response), 'error="invalid_request"')
})

t.test('M3: accepts a token in the Authorization header only', async (t) => {
  const { app } = await mcpServer(t)
  const request = (options: InjectOptions) =>
    app.inject({ method: 'POST', payload: { method: 'tools/list' }, ...options })
  const url = `/mcp?access_token=${reader}`
  t.equal((await request({ url })).statusCode, 401)
  const payload = { method: 'tools/list', access_token: reader }
  t.equal((await request({ url: '/mcp', payload })).statusCode, 401)
})

t.test('M3: every request requires the token, GET and DELETE included', async (t) => {
  const { app, call } = await mcpServer(t)
  t.equal((await call('count', reader)).status, 200)
  t.equal((await call('count')).status, 401, 'also after a request with a token')
  for (const method of ['GET', 'DELETE'] as const) {
    t.equal((await app.inject({ method, url: '/mcp' })).statusCode, 401)
    const headers = bearer(reader)
    t.equal((await app.inject({ method, url: '/mcp', headers })).statusCode, 405)
  }
})

t.test('M3: the 401 names the scope of the operation', async (t) => {
  const { call } = await mcpServer(t)
  for (const token of [undefined, 'x']) {
    t.match((await call('count', token)).challenge, `scope="orders:read", ${POINTER}`)
    t.match((await call('cancel', token)).challenge, `scope="orders:write", ${POINTER}`)
  }
})

t.test('M3: the 403 names error, scope, metadata and a description', async (t) => {
  const { call, calls } = await mcpServer(t)
  const { status, challenge } = await call('cancel', reader)
  t.equal(status, 403)
  t.equal(
    challenge,
    'Bearer realm="api", error="insufficient_scope", ' +
      `error_description="The access token lacks the required scope", scope="orders:write", ${POINTER}`,
  )
  t.same(calls, [])
  t.equal((await call('cancel', await granted('orders:read orders:write'))).status, 200)
  t.match(calls, [{ name: 'cancel', subject: 'user-1' }])
})

t.test(
  'M3: one challenge names all scope of an operation, which its arguments decide',
  async (t) => {
    const { app } = await mcpServer(t)
    app.post('/transfer', { config: { auth: { scope: 'transfer' } } }, async (request) => {
      const { from, to } = request.body as Record<string, string>
      request.requireScope(`from:${from}`, `to:${to}`)
      return 'done'
    })
    const send = async (scope: string) =>
      app.inject({
        method: 'POST',
        url: '/transfer',
        headers: bearer(await granted(scope)),
        payload: { from: 'a', to: 'b' },
      })
    for (const scope of ['transfer', 'transfer from:a', 'transfer to:b to:c']) {
      t.match(challengeOf(await send(scope)), 'scope="transfer from:a to:b"', 'the same each time')
    }
    t.equal((await send('transfer from:a to:b')).statusCode, 200, 'one new token is enough')
  },
)

t.test('M3: rejects before the body is read', async (t) => {
  const { app } = await mcpServer(t)
  let isRead = false
  app.addContentTypeParser('text/unread', (_request, _payload, done) => {
    isRead = true
    done(null, {})
  })
  for (const [token, status] of [
    ['x', 401],
    [await granted('profile'), 403],
  ] as const) {
    const headers = { ...bearer(token), 'content-type': 'text/unread' }
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload: 'x' })
    t.equal(response.statusCode, status)
  }
  t.notOk(isRead)
})

t.test('M4: a broader scope satisfies an operation that requires a narrower one', async (t) => {
  const token = await granted('orders')
  t.equal((await (await mcpServer(t)).call('count', token)).status, 403)
  const { call, calls } = await mcpServer(t, {
    scopeImplies: { admin: 'orders', orders: ['orders:read', 'orders:write'] },
  })
  for (const scope of ['orders', 'admin']) {
    for (const tool of ['count', 'cancel']) {
      const { response, status } = await call(tool, await granted(scope))
      t.equal(status, 200)
      t.notOk(response.json().result.isError, 'also for requireScope() in the tool')
    }
  }
  t.equal(calls.length, 4)
  t.equal((await call('cancel', reader)).status, 403)
})

t.test('M5: scopes_supported is the minimal set, and never has offline_access', async (t) => {
  const { app } = await mcpServer(t)
  app.get('/extra', { config: { auth: { scope: 'extra offline_access' } } }, async () => 'in')
  t.same((await app.inject(METADATA)).json().scopes_supported, ['orders:read'])
  const { app: other } = await mcpServer(t, { resourceMetadata: RESOURCE })
  other.get('/extra', { config: { auth: { scope: 'extra offline_access' } } }, async () => 'in')
  t.same((await other.inject(METADATA)).json().scopes_supported, ['extra'])
  const scopes = ['offline_access']
  await t.rejects(mcpServer(t, { resourceMetadata: { resource: RESOURCE, scopes } }), {
    message: /without "offline_access"/,
  })
})

t.test('M5: no challenge adds offline_access', async (t) => {
  const { call } = await mcpServer(t)
  const token = await granted('orders:read offline_access')
  for (const { challenge } of [await call('cancel'), await call('cancel', token)]) {
    t.match(challenge, 'scope="orders:write"')
  }
})

t.test('M6: headers that are absent or unknown require all scope', async (t) => {
  const { call, calls } = await mcpServer(t)
  const unknown = [
    {},
    { 'mcp-method': 'tools/call' },
    { 'mcp-name': 'count' },
    { 'mcp-method': '', 'mcp-name': 'count' },
    { 'mcp-method': 'TOOLS/CALL', 'mcp-name': 'count' },
    { 'mcp-method': 'tools/call', 'mcp-name': 'constructor' },
    { 'mcp-method': 'tools/call', 'mcp-name': 'count, cancel' },
    { 'mcp-method': 'resources/read', 'mcp-name': 'count' },
  ]
  for (const headers of unknown) {
    const { status, challenge } = await call('count', reader, headers as Record<string, string>)
    t.equal(status, 403, JSON.stringify(headers))
    t.match(challenge, 'scope="orders:read orders:write"')
  }
  t.same(calls, [])
  t.equal((await call('count', await granted('orders:read orders:write'), {})).status, 200)
})

t.test('M6: rejects headers that contradict the body, and runs no tool', async (t) => {
  const { call, calls } = await mcpServer(t)
  const both = await granted('orders:read orders:write')
  for (const token of [reader, both]) {
    for (const headers of [
      { 'mcp-method': 'tools/call', 'mcp-name': 'count' },
      { 'mcp-method': 'tools/list' },
      { 'mcp-method': 'tools/list', 'mcp-name': 'cancel' },
      { 'mcp-method': 'server/discover' },
    ]) {
      const { response, status } = await call('cancel', token, headers as Record<string, string>)
      t.equal(status, 400)
      t.match(response.json(), { id: 1, error: { code: -32020 } })
    }
  }
  t.same(calls, [])
})

t.test('M6: rejects batches, which could hide an operation from the headers', async (t) => {
  const { app, calls } = await mcpServer(t)
  const message = { jsonrpc: '2.0', method: 'tools/call' }
  const response = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { ...bearer(reader), 'mcp-method': 'tools/call', 'mcp-name': 'count' },
    payload: [
      { ...message, id: 1, params: { name: 'count' } },
      { ...message, id: 2, params: { name: 'cancel' } },
    ],
  })
  t.equal(response.statusCode, 400)
  t.same(calls, [])
})

t.test('M6: requireScope() holds in a tool that the map lacks', async (t) => {
  const { call, calls } = await mcpServer(t)
  const { response, status } = await call('audit', await granted('orders:read orders:write'))
  t.equal(status, 200, 'the SDK reports the rejection as the result of the tool')
  t.match(response.json(), { result: { isError: true } })
  t.same(calls, [])
  const all = await granted('orders:read orders:write orders:audit')
  t.notOk((await call('audit', all)).response.json().result.isError)
  t.match(calls, [{ name: 'audit' }])
})
