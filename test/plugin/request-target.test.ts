/** A7, E32: a DPoP proof is valid only for the request it was created for, over a real socket. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { exchange, parseResponse } from '../fixtures/raw-http.js'

const BASE = 'https://api.example'
const client = await DPoPClient.make()
const token = await tokenOf({ cnf: { jkt: client.jkt } })

interface Sent {
  readonly method?: string
  readonly host?: string
  readonly lines?: readonly string[]
}

interface Api {
  readonly warnings: readonly string[]
  /** Returns the status and body of a request for a path, with a proof for `htu`. */
  send(path: string, htu: string, sent?: Sent): Promise<string>
}

async function start(
  t: Test,
  dpop: NonNullable<PluginOptions['dpop']>,
  { routes = anyRoutes, ...server }: FastifyServerOptions & { routes?: Routes } = {},
): Promise<Api> {
  const warnings: string[] = []
  const write = (line: string) => void warnings.push(JSON.parse(line).msg)
  const logger = { level: 'warn', stream: { write } }
  const app = await protectedApi(t, { dpop }, { ...server, logger })
  routes(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const send = async (
    path: string,
    htu: string,
    { method = 'GET', host = 'api.example', lines = [] }: Sent = {},
  ) => {
    const proof = await client.proof({ token, url: htu, method })
    const own = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`, 'Connection: close']
    const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...own, ...lines]
    const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
    const { status, body } = parseResponse(await exchange(port, bytes))
    return status === 200 ? `200 ${body}` : `${status}`
  }
  return { warnings, send }
}

type Routes = (app: FastifyInstance) => void

function anyRoutes(app: FastifyInstance): void {
  app.get('/api', async () => 'api')
  app.get('/*', async () => 'any')
  app.delete('/tenants/:tenant/*', async () => 'tenant')
}

t.test('A7: accepts http and https in X-Forwarded-Proto, and no URL prefix', async (t) => {
  const { send, warnings } = await start(t, 'allowed', { trustProxy: '127.0.0.1' })
  const from = ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Host: api.example']
  const through = (proto: string, htu: string) =>
    send('/api', htu, { lines: [...from, `X-Forwarded-Proto: ${proto}`] })
  t.equal(await through('https', `${BASE}/api`), '200 api')
  t.equal(await through('http', 'http://api.example/api'), '200 api')
  t.equal(await through('evil, https', `${BASE}/api`), '200 api', 'the nearest proxy counts')
  const connection = 'without it, the protocol of the connection to the proxy counts'
  t.equal(await send('/api', 'http://api.example/api', { lines: from }), '200 api', connection)
  t.equal(await send('/api', `${BASE}/api`, { lines: from }), '401', connection)
  t.strictSame(warnings, [])
  const stolen = 'https://evil.example/steal'
  for (const [proto, htu] of [
    [`${stolen}?`, stolen],
    [`${stolen}#`, stolen],
    ['https://evil.example?', 'https://evil.example/'],
    ['https://evil.example/', 'https://evil.example/://api.example/api'],
    ['https://evil.example/:', 'https://evil.example//api.example/api'],
    ['HTTPS', `${BASE}/api`],
    ['https:', 'https:://api.example/api'],
    ['ftp', 'ftp://api.example/api'],
    ['https,', `${BASE}/api`],
    ['', `${BASE}/api`],
  ] as const) {
    t.equal(await through(proto, htu), '401', `${proto} for ${htu}`)
  }
  t.match(warnings, [
    /X-Forwarded-Host is not one host, or X-Forwarded-Proto is neither http nor https/,
  ])
  t.equal(warnings.length, 1, 'and logs this once')
  t.notMatch(warnings.join(), /evil/)
})

t.test('A7: accepts exactly one host in X-Forwarded-Host, with or without a port', async (t) => {
  const { send } = await start(t, 'allowed', { trustProxy: '127.0.0.1' })
  const through = (host: string, htu: string) =>
    send('/api', htu, {
      lines: [
        'X-Forwarded-For: 203.0.113.7',
        'X-Forwarded-Proto: https',
        `X-Forwarded-Host: ${host}`,
      ],
    })
  for (const host of [
    'api.example',
    'api.example:8443',
    '[2001:db8::1]',
    '[::1]:8443',
    'a_b',
    '10.0.0.7',
  ]) {
    t.equal(await through(host, `https://${host}/api`), '200 api', host)
  }
  for (const [host, htu] of [
    ['evil.example/', 'https://evil.example//api'],
    ['evil.example?', 'https://evil.example/'],
    ['evil.example#', 'https://evil.example/'],
    ['evil.example\\', 'https://evil.example//api'],
    ['user@evil.example', 'https://evil.example/api'],
    ['evil.example:443:1', 'https://evil.example/api'],
    ['evil.example api.example', 'https://evil.example/api'],
    ['evil.example:', 'https://evil.example/api'],
    ['[::1', 'https://[::1/api'],
    ['::1', 'https://::1/api'],
    ['..', 'https://../api'],
    ['api..example', 'https://api..example/api'],
    ['\xe9.example', 'https://xn--9ca.example/api'],
    ['evil.example%2f', 'https://evil.example/api'],
  ] as const) {
    t.equal(await through(host, htu), '401', host)
  }
})

t.test('A7: rejects proofs for a path that routers and URL parsers read differently', async (t) => {
  const { send } = await start(t, { baseUrl: BASE })
  t.equal(await send('/api', `${BASE}/api`), '200 api')
  const api = `${BASE}/api`
  for (const path of [
    '/files/../api',
    '/files/%2e%2e/api',
    '/files/%2E./api',
    '/files/.%2e/api',
    '/files/secret.txt/../../api',
    '/./api',
    '/%2e/api',
    '/x/..%5Capi/../../api',
    '/files\\..\\api',
    '/\\api',
    '/api\\',
  ]) {
    t.equal(await send(path, api), '401', path)
    t.equal(
      await send(path, `${BASE}${path}`),
      '401',
      `${path}, with a proof that has the same text`,
    )
  }
  // Fastify itself rejects bytes that are invalid in a URL.
  for (const htu of [api, `${BASE}/\xe9/../api`]) t.equal(await send('/\xe9/../api', htu), '400')
  const method = 'DELETE'
  t.equal(await send('/tenants/victim/../../api', api, { method }), '401')
  t.equal(await send('/tenants/victim/%2e%2e/..', `${BASE}/`, { method }), '401')
  t.equal(await send('/api/..', `${BASE}/`), '401', 'at the end')
  t.equal(await send('/api/.', `${BASE}/api/`), '401')
})

t.test('A7: accepts names that only resemble dot segments', async (t) => {
  const { send } = await start(t, { baseUrl: BASE })
  for (const path of [
    '/...',
    '/.well-known/x',
    '/a..b',
    '/a/..b',
    '/%2e%2e%2e',
    '/..;/api',
    '/a/..%2Fapi',
  ]) {
    t.equal(await send(path, `${BASE}${path}`), '200 any', path)
    t.equal(await send(path, `${BASE}/api`), '401', path)
  }
  t.equal(await send('/api?/../x', `${BASE}/api`), '200 api', 'the query is ignored')
  t.equal(await send('/api?/../x', `${BASE}/x`), '401')
})

t.test('A7: rejects a proof for another URL that the router maps to the same route', async (t) => {
  const { send } = await start(
    t,
    {
      baseUrl: BASE,
    },
    {
      routerOptions: {
        ignoreTrailingSlash: true,
        ignoreDuplicateSlashes: true,
        caseSensitive: false,
        // @ts-expect-error Fastify's types lack it.
        useSemicolonDelimiter: true,
      },
    },
  )
  for (const path of ['/api/', '//api', '/API', '/api;x']) {
    t.equal(await send(path, `${BASE}/api`), '401', path)
    t.equal(await send(path, `${BASE}${path}`), '200 api', path)
  }
  t.equal(await send('//evil.example/api', 'https://evil.example/api'), '401')
  t.equal(await send('http://evil.example/api', 'http://evil.example/api'), '401', 'absolute form')
  t.equal(await send(`${BASE}/api`, `${BASE}/api`), '401', 'of our own host as well')
})

t.test('A7: compares the URL that the client requested, not the rewritten one', async (t) => {
  const { send } = await start(
    t,
    { baseUrl: BASE },
    {
      rewriteUrl: ({ url = '' }) => url.replace('/v1', ''),
    },
  )
  t.equal(await send('/v1/api', `${BASE}/v1/api`), '200 api')
  t.equal(await send('/v1/api', `${BASE}/api`), '401')
  t.equal(await send('/v1/../api', `${BASE}/api`), '401')
})

t.test('A7: normalizes percent-encoding', async (t) => {
  const { send } = await start(t, { baseUrl: BASE })
  t.equal(await send('/%61pi', `${BASE}/api`), '200 api', 'the same route, and the same URL')
  for (const path of ['/%zz', '/%', '/a%2', '/%%32e%%32e/api']) {
    t.not(await send(path, `${BASE}/api`), '200 any', path)
    t.not(await send(path, `${BASE}${path}`), '200 any', path)
  }
})

t.test('A7: selects the base URL by Host if routes are constrained by host', async (t) => {
  const baseUrl = ['https://one.example', 'https://two.example/v2']
  const routes: Routes = (app) => {
    app.get('/x', { constraints: { host: 'one.example' } }, async () => 'one')
    app.get('/x', { constraints: { host: 'two.example' } }, async () => 'two')
    app.get('/x', async () => 'neither')
  }
  const { send, warnings } = await start(t, { baseUrl }, { routes })
  const [one, two] = ['https://one.example/x', 'https://two.example/v2/x']
  t.equal(await send('/x', one, { host: 'one.example' }), '200 one')
  t.equal(await send('/x', two, { host: 'two.example' }), '200 two')
  t.strictSame(warnings, [])
  for (const [htu, hosts] of [
    [
      one,
      ['two.example', 'ONE.example', 'one.example:443', 'one.example.', 'other', 'one.example/x'],
    ],
    [two, ['one.example', 'TWO.example', '@two.example', 'two.example#', '']],
  ] as const) {
    for (const host of hosts)
      t.not((await send('/x', htu, { host })).slice(0, 3), '200', `${htu} at ${host}`)
  }
  t.match(warnings, [/routes are selected by Host \(constraints.host\)/])
  t.equal(warnings.length, 1)

  const free = await start(t, { baseUrl })
  t.equal(
    await free.send('/x', one, { host: 'internal' }),
    '200 any',
    'and has no effect elsewhere',
  )
})

t.test('E32: logs once that no proof can be accepted with this configuration', async (t) => {
  const forwarded = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: api.example']
  const all = ['X-Forwarded-For: 203.0.113.7', ...forwarded]
  for (const [what, trustProxy, lines, message] of [
    ['a number', 1, all, /"trustProxy" does not trust the sender \(a number trusts no sender\)/],
    ['another address', '10.0.0.0/8', all, /"trustProxy" does not trust the sender/],
    ['no X-Forwarded-For', true, forwarded, /or X-Forwarded-For is missing; set "dpop.baseUrl"/],
    ['no X-Forwarded-Host', true, all.slice(0, 2), /the trusted proxy sends no X-Forwarded-Host/],
  ] as const) {
    const { send, warnings } = await start(t, 'allowed', {
      // Fastify's types lack the number of proxies, which its documentation has.
      trustProxy: trustProxy as string,
    })
    for (let i = 0; i < 3; i++) t.equal(await send('/api', `${BASE}/api`, { lines }), '401', what)
    t.equal(warnings.length, 1, what)
    t.match(warnings, [message])
  }
})

t.test('A2, A7: ignores the URL of a polluted prototype', async (t) => {
  const { send } = await start(t, { baseUrl: BASE })
  const prototype = Object.prototype as { originalUrl?: unknown }
  t.teardown(() => delete prototype.originalUrl)
  prototype.originalUrl = '/api'
  t.equal(await send('/tenants/victim', `${BASE}/api`), '401')
  t.equal(await send('/api', `${BASE}/api`), '200 api')
})

t.test('A2, A7: ignores the proxy headers of a polluted prototype', async (t) => {
  const { send } = await start(t, 'allowed', { trustProxy: '127.0.0.1' })
  const prototype = Object.prototype as { additionalHeaders?: unknown }
  t.teardown(() => delete prototype.additionalHeaders)
  const lines = [
    'X-Forwarded-For: 203.0.113.7',
    'X-Forwarded-Host: api.example',
    'X-Forwarded-Proto: https',
  ]
  // Fastify merges these into the headers of a request.
  prototype.additionalHeaders = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
  }
  t.equal(await send('/api', 'http://evil.example/api', { lines }), '401')
  t.equal(await send('/api', 'https://evil.example/api', { lines }), '401')
  t.equal(await send('/api', 'http://api.example/api', { lines }), '401')
  t.equal(await send('/api', `${BASE}/api`, { lines }), '200 api')
})

t.test('A7: rejects proofs for a request target in absolute form', async (t) => {
  const { send } = await start(t, { baseUrl: BASE })
  for (const path of [`${BASE}/api`, 'http://evil.example/api', 'x://api.example/api']) {
    for (const htu of [path, `${BASE}${path}`, `${BASE}/api`, `${BASE}/${path}`]) {
      t.not(await send(path, htu), '200 api', `${path} with a proof for ${htu}`)
      t.not(await send(path, htu), '200 any', `${path} with a proof for ${htu}`)
    }
  }
})
