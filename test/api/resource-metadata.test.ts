/** Protected resource metadata (RFC 9728), and its URL in challenges. */
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  openapiTransform,
  type PluginOptions,
  type ResourceMetadataOptions,
} from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const RESOURCE = 'https://api.example.com'
const PLACE = '/.well-known/oauth-protected-resource'
const SHOWN = ['bare', 'early', 'hidden:a', 'odd', 'shown']
const OAUTH_FLOW = { tokenUrl: 'https://auth.example/token', scopes: {} }

async function start(
  t: Test,
  resourceMetadata: NonNullable<PluginOptions['resourceMetadata']> = RESOURCE,
  rest: Partial<PluginOptions> = {},
) {
  const app = await protectedApi(t, { resourceMetadata, ...rest })
  app.get('/', async () => 'ok')
  app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => 'ok')
  app.get('/any', { config: { auth: { anyScope: ['b', 'a'] } } }, async () => 'ok')
  app.get('/open', { config: { auth: false } }, async () => 'ok')
  return app
}

t.test('R1: serves the metadata of the API and its routes', async (t) => {
  const app = await start(t)
  const response = await app.inject(PLACE)
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^application\/json/)
  t.equal(response.headers['cache-control'], 'public, max-age=300')
  t.equal(response.headers['access-control-allow-origin'], '*')
  t.strictSame(response.json(), {
    resource: RESOURCE,
    authorization_servers: [ISSUER],
    scopes_supported: ['a', 'b', 'orders:read'],
    bearer_methods_supported: ['header'],
  })
  const { headers } = await app.inject({ url: PLACE, headers: { host: 'evil.example' } })
  t.notMatch(headers, /evil/)
  const spoofed = await app.inject({ url: PLACE, headers: { 'x-forwarded-host': 'evil.example' } })
  t.equal(spoofed.json().resource, RESOURCE, 'never the Host header')
})

t.test('R1: omits members without a value', async (t) => {
  const app = await protectedApi(t, {
    resourceMetadata: RESOURCE,
    issuer: (_iss) => ({ audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }),
    jwks: {},
  })
  t.strictSame((await app.inject(PLACE)).json(), {
    resource: RESOURCE,
    bearer_methods_supported: ['header'],
  })
})

t.test('R1: does not disclose tenants', async (t) => {
  for (const perRequest of [false, true]) {
    const app = await protectedApi(t, {
      resourceMetadata: RESOURCE,
      issuer: () => ({ audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }),
      tenants: { perRequest },
      jwks: {},
    })
    app.get('/', async () => 'ok')
    for (const iss of ['https://bank-a.example', 'https://bank-b.example']) {
      await app.inject({ url: '/', headers: bearer(await tokenOf({ iss, aud: 'other-api' })) })
      const valid = bearer(await tokenOf({ iss }))
      t.equal((await app.inject({ url: '/', headers: valid })).statusCode, 200)
    }
    t.notMatch((await app.inject(PLACE)).body, /bank-/)
  }
})

t.test('R1: includes the members of the option', async (t) => {
  const app = await start(
    t,
    {
      resource: 'http://localhost:3000/v1/',
      authorizationServers: ['https://auth.example'],
      name: 'Orders',
      documentation: 'https://docs.example',
      policy: 'https://docs.example/policy',
      termsOfService: 'https://docs.example/terms',
    },
    { dpop: { mode: 'required', algorithms: ['ES256'] }, mtls: 'allowed' },
  )
  const place = `${PLACE}/v1/`
  t.strictSame((await app.inject(place)).json(), {
    resource: 'http://localhost:3000/v1/',
    authorization_servers: ['https://auth.example'],
    scopes_supported: ['a', 'b', 'orders:read'],
    bearer_methods_supported: ['header'],
    resource_name: 'Orders',
    resource_documentation: 'https://docs.example',
    resource_policy_uri: 'https://docs.example/policy',
    resource_tos_uri: 'https://docs.example/terms',
    tls_client_certificate_bound_access_tokens: true,
    dpop_signing_alg_values_supported: ['ES256'],
    dpop_bound_access_tokens_required: true,
  })
  const { headers } = await app.inject('/')
  t.equal(
    headers['www-authenticate'],
    `DPoP realm="api", resource_metadata="http://localhost:3000${place}", algs="ES256"`,
    'between host and path',
  )
})

t.test('M5: does not publish the scope of a route hidden from OpenAPI', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, {
    openapi: {
      components: {
        securitySchemes: { accessToken: { type: 'oauth2', flows: { password: OAUTH_FLOW } } },
      },
    },
    transform: openapiTransform(app),
  })
  const handler = async () => 'ok'
  const route = (scope: string, schema = {}) => ({ config: { auth: { scope } }, schema })
  app.get('/before', route('hidden:before', { hide: true }), handler)
  app.get('/early', route('early'), handler)
  await app.register(resourceServer, given({ resourceMetadata: RESOURCE }))
  app.get('/hidden', route('hidden:a', { hide: true }), handler)
  app.get('/tagged', route('hidden:b', { tags: ['x', 'X-HIDDEN'] }), handler)
  app.get('/both', route('hidden:a shown'), handler)
  app.get('/odd', route('odd', { hide: false, tags: 'X-HIDDEN' }), handler)
  app.get('/none', { config: { auth: { scope: 'bare' } } }, handler)
  await app.ready()
  const document = JSON.stringify(app.swagger())
  for (const one of ['hidden:before', 'hidden:b']) t.notMatch(document, one)
  const scopes = async () => (await app.inject(PLACE)).json().scopes_supported
  t.strictSame(await scopes(), SHOWN, 'a scope also required by a visible route is')
  for (const url of ['/before', '/early', '/hidden', '/tagged']) {
    const response = await app.inject({ url, headers: bearer(await tokenOf({ scope: 'x' })) })
    t.equal(response.statusCode, 403, `${url} is still guarded`)
    t.match(
      response.headers['www-authenticate'],
      /scope="(?:hidden|early)/,
      'and its challenge contains the scope',
    )
  }
  t.strictSame(await scopes(), SHOWN, 'even after requests')
})

t.test('R1: lists the scope of the option instead of that of all routes', async (t) => {
  const scopes = ['orders:read']
  const app = await start(t, { resource: RESOURCE, scopes })
  scopes.push('changed')
  t.strictSame((await app.inject(PLACE)).json().scopes_supported, ['orders:read'])
  const wrong: unknown[] = [[], ['a b'], [''], ['offline_access'], 'a', [7], {}, null]
  for (const invalid of wrong) {
    await t.rejects(start(t, { resource: RESOURCE, scopes: invalid as never }), {
      message: /^"resourceMetadata.scopes" option must be an array of scope tokens without "offl/,
    })
  }
})

t.test('R1: never offers offline_access', async (t) => {
  const app = await protectedApi(t, { resourceMetadata: RESOURCE })
  app.get('/', { config: { auth: { scope: 'a offline_access' } } }, async () => 'ok')
  t.strictSame((await app.inject(PLACE)).json().scopes_supported, ['a'])
})

t.test('R1: warns if clients cannot find an authorization server', async (t) => {
  const lines: string[] = []
  const logger = { warn: (_details: object, message: string) => void lines.push(message) }
  const issuer = () => true
  const options = { issuer, audience: AUDIENCE, logger }
  const silent = { resource: RESOURCE, authorizationServers: [ISSUER] }
  const servers = await Promise.all([
    createResourceServer({ ...options, resourceMetadata: silent }),
    createResourceServer(options),
  ])
  t.strictSame(lines, [])
  servers.push(await createResourceServer({ ...options, resourceMetadata: RESOURCE }))
  t.match(lines, [/^resource metadata lists no authorization server/])
  await Promise.all(servers.map((server) => server.close()))
})

t.test('R1: serves the metadata at the well-known URL only', async (t) => {
  for (const [path, places, elsewhere] of [
    ['', [''], ['/', '/v1']],
    ['/', [''], ['/']],
    ['/v1', ['/v1'], ['', '/v1/', '/V1', '/v1/x', '/v']],
    ['/v1/', ['/v1/', '/v1'], ['', '/v1//', '/v1/x']],
    ['/a//', ['/a//', '/a/'], ['/a']],
    ['//a', ['//a'], ['/a']],
    ['/:id', ['/:id'], ['/1', '/', '/id', '/::id']],
    ['/a::b/', ['/a::b/', '/a::b'], ['/a:b', '/a', '/a1b']],
    ['/:id(%5E%5Cd+$)', ['/:id(%5E%5Cd+$)'], ['/1', '/:id(1)']],
    ['/:id(.+)/[x]', ['/:id(.+)/[x]'], ['/1', '/1/x']],
    ['/x?', undefined, []],
    ['/~$&+,=@!|', ['/~$&+,=@!|'], ['/']],
    ['/caf%C3%A9', ['/caf%C3%A9', '/caf%c3%a9'], ['/caf', '/caf%25C3%25A9']],
    ['/a%20b', ['/a%20b'], ['/a', '/ab', '/a+b']],
    ['/a%2fb', undefined, []],
    ['/a%2Fb', undefined, []],
    ['/a%3Ab', undefined, []],
    ['/a%252fb', undefined, []],
    ['/%', undefined, []],
    ['/%ff', undefined, []],
    ['/%zz', undefined, []],
    ['/a%00', undefined, []],
    ['/a%0d%0a', undefined, []],
    ['/*', undefined, []],
    ['/a*', undefined, []],
    ['/a*/b', undefined, []],
    ['/a;b', undefined, []],
    ['/a/../b', undefined, []],
    ['/a/./b', undefined, []],
    ['/a/%2e%2E/b', undefined, []],
    ['/..', undefined, []],
    ['/{a}', undefined, []],
  ] as const) {
    const resource = `${RESOURCE}${path}`
    if (places === undefined) {
      const app = Fastify()
      await t.rejects(
        Promise.resolve(app.register(resourceServer, given({ resourceMetadata: resource }))),
        { name: 'TypeError', message: /"resourceMetadata\.resource"/ },
        path,
      )
      continue
    }
    const app = await protectedApi(t, { resourceMetadata: resource })
    for (const place of places) {
      const response = await app.inject(PLACE + place)
      t.equal(response.statusCode, 200, `${path} at ${place}`)
      t.equal(response.json().resource, resource)
      t.equal((await app.inject({ method: 'HEAD', url: PLACE + place })).statusCode, 200)
    }
    for (const place of elsewhere) {
      t.equal((await app.inject(PLACE + place)).statusCode, 401, `${path} not at ${place}`)
    }
    const { headers } = await app.inject('/')
    const [place] = places
    t.match(headers['www-authenticate'], `resource_metadata="${RESOURCE}${PLACE}${place}"`)
  }
})

t.test('R1: also serves it with ignoreTrailingSlash', async (t) => {
  for (const routerOptions of [
    { ignoreTrailingSlash: true },
    { ignoreDuplicateSlashes: true },
    { caseSensitive: false },
    { useSemicolonDelimiter: true },
  ]) {
    for (const path of ['/V1/', '/a:b/', '/caf%C3%A9/', '/a//b/']) {
      const app = Fastify({ routerOptions })
      t.teardown(() => app.close())
      await app.register(resourceServer, given({ resourceMetadata: RESOURCE + path }))
      for (const place of [path, path.slice(0, -1)]) {
        const { statusCode } = await app.inject(PLACE + place)
        t.equal(statusCode, 200, `${JSON.stringify(routerOptions)} ${place}`)
      }
    }
  }
})

t.test("R1: allows any origin to read it, regardless of the API's CORS options", async (t) => {
  const from = { origin: 'https://inspector.example' }
  const preflight = {
    ...from,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'mcp-protocol-version',
  }
  for (const [what, options] of Object.entries({
    'no @fastify/cors': undefined,
    'any origin': {},
    'no origin': { origin: false },
    'a list': { origin: ['https://app.example'], credentials: true },
    'one origin': { origin: 'https://app.example', allowedHeaders: ['x'], methods: ['PUT'] },
    'a function': { origin: async () => false as const },
    'no preflights': { preflight: false },
    'its own hook': { hook: 'preHandler', origin: /app/ },
    'a delegator': { delegator: async () => ({ origin: false as const }) },
  } satisfies Record<string, FastifyCorsOptions | undefined>)) {
    const app = Fastify()
    t.teardown(() => app.close())
    if (options !== undefined) await app.register(cors, options)
    await app.register(resourceServer, given({ resourceMetadata: `${RESOURCE}/v1/` }))
    app.get('/', async () => 'in')
    for (const url of [`${PLACE}/v1`, `${PLACE}/v1/`]) {
      const preflightResponse = await app.inject({ method: 'OPTIONS', url, headers: preflight })
      t.equal(preflightResponse.statusCode, 204, what)
      t.equal(preflightResponse.headers['access-control-allow-origin'], '*', what)
      t.match(preflightResponse.headers['access-control-allow-methods'], /GET/, what)
      t.match(
        preflightResponse.headers['access-control-allow-headers'],
        /^\*$|mcp-protocol-version/,
        what,
      )
      t.equal(preflightResponse.headers['access-control-allow-credentials'], undefined, what)
      const got = await app.inject({ url, headers: from })
      t.equal(got.statusCode, 200, what)
      t.equal(got.headers['access-control-allow-origin'], '*', what)
      t.equal(got.headers['access-control-allow-credentials'], undefined, what)
    }
    const other = await app.inject({ url: '/', headers: from })
    const allowed = other.headers['access-control-allow-origin']
    t.not(allowed === '*' && what !== 'any origin' && what !== 'no preflights', true, what)
  }
})

t.test('R2: every challenge names its URL', async (t) => {
  const client = await DPoPClient.make()
  const app = await start(t, RESOURCE, { dpop: { baseUrl: RESOURCE, algorithms: ['ES256'] } })
  const pointer = `, resource_metadata="${RESOURCE}${PLACE}"`
  const challenges = async (url: string, headers = {}) => {
    const response = await app.inject({ url, headers })
    return [response.statusCode, response.headers['www-authenticate']]
  }
  t.strictSame(await challenges('/'), [
    401,
    [`Bearer realm="api"${pointer}`, `DPoP realm="api"${pointer}, algs="ES256"`],
  ])
  const lacking = await challenges('/orders', bearer(await tokenOf({ scope: 'x' })))
  t.equal(lacking[0], 403)
  for (const one of lacking[1] as unknown as string[]) t.match(one, pointer)
  const token = await tokenOf({ cnf: { jkt: client.jkt } })
  const [status, proven] = await challenges('/', { authorization: `DPoP ${token}`, dpop: 'x' })
  t.equal(status, 401)
  t.match(proven, /^DPoP realm="api", error="invalid_dpop_proof"/)
  t.match(proven, pointer)
  const { headers } = await app.inject({ url: '/', headers: bearer(await tokenOf()) })
  t.notMatch(headers, /well-known/)
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    resourceMetadata: RESOURCE,
  })
  const error = await server.verify('').catch((error) => error)
  t.equal(error.headers['www-authenticate'], `Bearer realm="api"${pointer}`)
})

t.test('rejects a resource whose metadata cannot be served', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(
    async (scope) => {
      await scope.register(resourceServer, given({ resourceMetadata: RESOURCE }))
    },
    { prefix: '/v1' },
  )
  await t.rejects(Promise.resolve(app.ready()), {
    name: 'TypeError',
    message: /is served at \/\.well-known\/oauth-protected-resource, outside of the prefix \/v1/,
  })
})

t.test('rejects invalid options at registration', async (t) => {
  for (const odd of [
    7,
    [],
    {},
    '',
    'api.example.com',
    'http://api.example.com',
    'https://api.example.com/?x',
    'https://api.example.com/#x',
    'https://user@api.example.com',
    'https://api.example.com/"',
    'https://api.example.com/\\',
    'https://api.example.com/é',
    { resource: RESOURCE, url: 'x' },
    { resource: RESOURCE, name: '' },
    { resource: RESOURCE, name: 7 },
    { resource: RESOURCE, documentation: 'docs' },
    { resource: RESOURCE, policy: 'javascript:x' },
    { resource: RESOURCE, termsOfService: 1 },
    { resource: RESOURCE, authorizationServers: [] },
    { resource: RESOURCE, authorizationServers: 'https://auth.example' },
    { resource: RESOURCE, authorizationServers: ['http://auth.example'] },
  ]) {
    const options = {
      issuer: ISSUER,
      audience: AUDIENCE,
      resourceMetadata: odd as ResourceMetadataOptions,
    }
    await t.rejects(createResourceServer(options), TypeError, JSON.stringify(odd))
  }
})
