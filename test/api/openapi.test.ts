/** The OpenAPI document describes the guard of each route. */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  openapiTransform,
  type PluginOptions,
  type RouteRequirement,
} from '../../src/index.js'
import { ISSUER } from '../fixtures/issuer.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'

const validator = new Validator()

interface Operation {
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly responses: Readonly<Record<string, { description: string; headers?: object }>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly security?: Operation['security']
  readonly components: { readonly securitySchemes?: Readonly<Record<string, { type: string }>> }
}

/** Returns the OpenAPI document of an API whose routes the test declares. */
async function describedApi(
  t: Test,
  overrides: Partial<PluginOptions> = {},
  openapi: FastifyDynamicSwaggerOptions['openapi'] = {},
): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi, transform: openapiTransform(app) })
  await app.register(resourceServer, given(overrides))
  return app
}

async function documentOf(app: FastifyInstance): Promise<Document> {
  await app.ready()
  // As serialized for a client.
  return JSON.parse(JSON.stringify(app.swagger()))
}

async function validDocumentOf(t: Test, app: FastifyInstance): Promise<Document> {
  const document = await documentOf(app)
  const { valid, errors } = await validator.validate(structuredClone(document) as never)
  t.ok(valid, JSON.stringify(errors))
  return document
}

async function operationOf(
  t: Test,
  auth: NonNullable<RouteOptions['config']>['auth'],
  overrides: Partial<PluginOptions> = {},
  openapi: FastifyDynamicSwaggerOptions['openapi'] = {},
): Promise<Operation & Pick<Document, 'components'>> {
  const app = await describedApi(t, overrides, openapi)
  app.get('/', { config: auth === undefined ? {} : { auth } }, async () => 'in')
  const { paths, components } = await validDocumentOf(t, app)
  return { ...(paths['/']?.get as Operation), components }
}

/** Starts an issuer with discovery. Generating a document fetches nothing. */
const DISCOVERED = { jwks: {} }

const DPOP = { mode: 'allowed', baseUrl: 'https://api.example' } as const

const DISCOVERY = {
  type: 'openIdConnect',
  openIdConnectUrl: `${ISSUER}/.well-known/openid-configuration`,
  description: `An access token from ${ISSUER}.`,
}

for (const openapi of ['3.0.3', '3.1.0']) {
  t.test(`OpenAPI ${openapi}: documents each route as it is guarded`, async (t) => {
    const app = await describedApi(t, {}, { openapi, security: [{ accessToken: [] }] })
    const handler = async () => 'in'
    app.get('/any', handler)
    app.get('/scope', { config: { auth: { scope: 'orders:read' } } }, handler)
    app.post('/scope', { config: { auth: { scope: ['orders:read', 'orders:write'] } } }, handler)
    app.get('/any-scope', { config: { auth: { anyScope: ['orders:write', 'admin'] } } }, handler)
    app.put('/any-scope', { config: { auth: { scope: 'a', anyScope: ['b', 'c'] } } }, handler)
    app.get('/claims/:id', { config: { auth: { claims: { tenant: 'acme' } } } }, handler)
    app.get('/authorize', { config: { auth: { authorize: () => false } } }, handler)
    app.get('/step-up', { config: { auth: { acr: 'phr' } } }, handler)
    app.get('/optional', { config: { auth: { optional: true } } }, handler)
    app.put('/optional', { config: { auth: { optional: true, scope: 'admin' } } }, handler)
    app.get('/open', { config: { auth: false } }, handler)

    const document = await validDocumentOf(t, app)
    const walked: string[] = []
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const { responses, security = document.security ?? [] } = operation
        const name = `${method} ${path}`
        walked.push(name)
        const statusWith = async (headers: Record<string, string>) => {
          const url = path.replace('{id}', '1')
          const { statusCode } = await app.inject({ method: method as 'get', url, headers })
          return statusCode
        }
        const admitsAll = security.length === 0 || security.some((one) => isEmpty(one))
        t.equal(await statusWith({}), admitsAll ? 200 : 401, `${name} without a token`)
        const isOpen = security.length === 0
        t.equal(
          await statusWith(bearer('bad')),
          isOpen ? 200 : 401,
          `${name} with an invalid token`,
        )
        t.equal('401' in responses, !isOpen, `${name}: 401`)
        t.equal('503' in responses, !isOpen, `${name}: 503`)
        t.ok('200' in responses, `${name}: 200`)

        const needed = responses['403']
        const poor = await statusWith(bearer(await tokenOf({ scope: 'profile' })))
        t.equal(poor === 403, needed !== undefined, `${name} with a token with little scope`)
        // In 3.0 an http scheme cannot name a scope; the description of 403 does.
        if (openapi === '3.0.3') continue
        for (const { accessToken: scope } of security) {
          if (scope === undefined || scope.length === 0) continue
          const enough = bearer(await tokenOf({ scope: scope.join(' ') }))
          t.equal(await statusWith(enough), 200, `${name} with ${scope}`)
          const [, ...less] = scope
          const short = bearer(await tokenOf({ scope: less.join(' ') || undefined }))
          t.equal(await statusWith(short), 403, `${name} with ${less}`)
        }
      }
    }
    t.equal(walked.length, 11)
  })
}

t.test('documents scopes in security requirements, with alternatives for anyScope', async (t) => {
  const securityOf = async (auth: NonNullable<RouteOptions['config']>['auth']) =>
    (await operationOf(t, auth, DISCOVERED)).security
  t.same(await securityOf(undefined), [{ accessToken: [] }])
  t.same(await securityOf(true), [{ accessToken: [] }])
  t.same(await securityOf({ scope: 'a b' }), [{ accessToken: ['a', 'b'] }])
  t.same(await securityOf({ anyScope: ['a', 'b'] }), [
    { accessToken: ['a'] },
    { accessToken: ['b'] },
  ])
  t.same(await securityOf({ scope: 'a', anyScope: ['a', 'b'] }), [
    { accessToken: ['a'] },
    { accessToken: ['a', 'b'] },
  ])
  t.same(await securityOf({ optional: true, scope: 'a' }), [{}, { accessToken: ['a'] }])
  t.same(await securityOf(false), undefined)
})

t.test('error responses name the required scope, and have no body', async (t) => {
  const { responses } = await operationOf(t, { scope: 'a b', anyScope: ['c', 'd'] })
  t.same(Object.keys(responses), ['200', '401', '403', '503'])
  t.same(responses['403'], {
    description:
      'The access token does not permit this request. Required scope: a b and one of c d.',
    headers: {
      'WWW-Authenticate': {
        schema: { type: 'string' },
        description: 'Challenge (RFC 6750 §3).',
      },
    },
  })
  t.equal(responses['401']?.description, 'Missing or invalid access token.')
  t.equal(responses['503']?.description, 'Token verification is temporarily unavailable.')
  t.match(responses['503'], { headers: { 'Retry-After': { schema: { type: 'integer' } } } })
  t.notOk(JSON.stringify(responses).includes('content'))
  const decided = { scope: () => 'a', anyScope: ['c', 'd'] }
  const dynamic = await operationOf(t, decided)
  t.equal(
    dynamic.responses['403']?.description,
    'The access token does not permit this request. Required scope: depends on the request and ' +
      'one of c d.',
  )
  const role = await operationOf(t, { roles: 'admin', anyGroup: ['a', 'b'] })
  t.equal(
    role.responses['403']?.description,
    'The access token does not permit this request. Required: the role "admin"; one of the groups "a", "b".',
  )
  const other = await operationOf(t, { claims: { tenant: 'acme' } })
  t.equal(other.responses['403']?.description, 'The access token does not permit this request.')
})

t.test('uses an OpenID Connect scheme with discovery, and a bearer scheme without', async (t) => {
  const schemes = async (overrides: Partial<PluginOptions>) =>
    (await operationOf(t, true, overrides)).components.securitySchemes
  t.same(await schemes(DISCOVERED), { accessToken: DISCOVERY })
  const plain = { type: 'http', scheme: 'bearer', description: DISCOVERY.description }
  t.same(await schemes({}), { accessToken: plain })
  t.same(await schemes({ jwks: {}, jwksUri: `${ISSUER}/keys` }), { accessToken: plain })
  t.same(await schemes({ jwks: {}, issuer: () => true }), {
    accessToken: { ...plain, description: 'An access token.' },
  })
  const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const audience = '6f0c0e3e-9a0c-4c7b-8c6b-0e8c4d9f2a11'
  t.match(await schemes({ ...DISCOVERED, issuer, audience }), {
    accessToken: {
      openIdConnectUrl: /^https:\/\/login\.microsoftonline\.com\/common\/v2\.0\/\.well-known/,
    },
  })
})

t.test('documents a scheme for each of several issuers', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: {}, transform: openapiTransform(app) })
  const other = 'https://other.example'
  await app.register(async (scope) => {
    await scope.register(resourceServer, given({ jwks: {}, issuer: [ISSUER, other] }))
    scope.get('/both', { config: { auth: { scope: 'a' } } }, () => 'in')
  })
  await app.register(async (scope) => {
    await scope.register(resourceServer, given({ jwks: {}, issuer: other }))
    scope.get('/other', () => 'in')
  })
  app.get('/outside', { config: { auth: false } }, () => 'in')
  const { paths, components } = await validDocumentOf(t, app)
  t.same(paths['/both']?.get?.security, [{ accessToken: ['a'] }, { accessToken2: ['a'] }])
  t.same(paths['/other']?.get?.security, [{ accessToken2: [] }])
  t.same(paths['/outside']?.get, { responses: { 200: { description: 'Default Response' } } })
  t.match(components.securitySchemes, {
    accessToken: { openIdConnectUrl: DISCOVERY.openIdConnectUrl },
    accessToken2: { openIdConnectUrl: `${other}/.well-known/openid-configuration` },
  })
})

t.test('P3: documents that key-bound tokens need a proof', async (t) => {
  const dpop = { dpop: DPOP }
  const allowed = await operationOf(t, { scope: 'a' }, { ...DISCOVERED, ...dpop })
  t.same(allowed.security, [{ accessToken: ['a'] }, { accessToken: ['a'], dpop: [] }])
  t.match(allowed.components.securitySchemes, { dpop: { type: 'http', scheme: 'dpop' } })

  const required = await operationOf(t, { dpop: 'required' }, { ...DISCOVERED, ...dpop })
  t.same(required.security, [{ accessToken: [], dpop: [] }])
  // A request has only one Authorization header.
  t.same((await operationOf(t, { dpop: 'required' }, dpop)).security, [{ dpop: [] }])

  const off = await operationOf(t, { dpop: 'off' }, { ...DISCOVERED, ...dpop })
  t.same(off.security, [{ accessToken: [] }])
  t.same(Object.keys(off.components.securitySchemes ?? {}), ['accessToken'])
})

t.test('keeps a scheme of the document, and adds the scopes to its flows', async (t) => {
  const password = { tokenUrl: `${ISSUER}/v1/token`, scopes: { 'orders:read': 'See orders' } }
  const accessToken = { type: 'oauth2', flows: { password } } as const
  const openapi = { components: { securitySchemes: { accessToken } } }
  const before = structuredClone(openapi)
  const app = await describedApi(t, {}, openapi)
  app.get('/', { config: { auth: { scope: 'orders:read' } } }, () => 'in')
  app.put('/', { config: { auth: { anyScope: ['orders:write', 'admin'] } } }, () => 'in')
  const { paths, components } = await validDocumentOf(t, app)
  t.same(components.securitySchemes, {
    accessToken: {
      type: 'oauth2',
      flows: {
        password: {
          ...password,
          scopes: { 'orders:read': 'See orders', 'orders:write': '', admin: '' },
        },
      },
    },
  })
  t.same(paths['/']?.get?.security, [{ accessToken: ['orders:read'] }])
  t.same(openapi, before, 'the given object is unchanged')
  t.match(app.swagger({ yaml: true }), /orders:write: ""/)

  const elsewhere = { type: 'apiKey', in: 'cookie', name: 'session' } as const
  const cookie = { components: { securitySchemes: { accessToken: elsewhere } } }
  const operation = await operationOf(t, { scope: 'a' }, {}, cookie)
  t.same(operation.components.securitySchemes, { accessToken: elsewhere })
  t.same(operation.security, [{ accessToken: [] }])
  const reference = { components: { securitySchemes: { accessToken: { $ref: 'other.json' } } } }
  const referred = await describedApi(t, {}, reference as object)
  referred.get('/', () => 'in')
  t.same((await documentOf(referred)).components, { schemas: {}, ...reference.components })
})

t.test('security and responses of a route take precedence', async (t) => {
  const app = await describedApi(t, {}, { security: [{ accessToken: [] }] })
  const ownSecurity = [{ accessToken: ['own'] }]
  const ownSchema = {
    type: 'object',
    description: 'Own',
    properties: { reason: { type: 'string' } },
  }
  const handler = async () => 'in'
  const auth = { scope: 'a' }
  app.get('/security', { schema: { security: ownSecurity }, config: { auth } }, handler)
  app.get('/open', { schema: { security: ownSecurity }, config: { auth: false } }, handler)
  app.get('/opened', { config: { auth: false } }, handler)
  app.get('/401', { schema: { response: { 401: ownSchema } }, config: { auth } }, handler)
  app.get('/4xx', { schema: { response: { '4xx': ownSchema } }, config: { auth } }, handler)
  app.get('/5xx', { schema: { response: { '5XX': ownSchema } }, config: { auth } }, handler)
  app.get('/default', { schema: { response: { default: ownSchema } }, config: { auth } }, handler)
  app.get('/hidden', { schema: { hide: true }, config: { auth } }, handler)
  const { paths } = await validDocumentOf(t, app)
  const get = (path: string) => paths[path]?.get as Operation
  const codes = (path: string) => Object.keys(get(path).responses)
  t.same(get('/security').security, ownSecurity)
  t.same(codes('/security'), ['200', '401', '403', '503'])
  t.same(get('/open').security, ownSecurity)
  t.same(get('/opened').security, [])
  t.equal(get('/401').responses['401']?.description, 'Own')
  t.same(codes('/401'), ['401', '403', '503'])
  t.same(codes('/4xx'), ['503', '4XX'])
  t.same(codes('/5xx'), ['401', '403', '5XX'])
  t.same(codes('/default'), ['default'])
  t.notOk('/hidden' in paths)
})

t.test('responses are the same as without a document, bodies included', async (t) => {
  const responsesOf = async (isDescribed: boolean) => {
    const app = Fastify()
    t.teardown(() => app.close())
    if (isDescribed) {
      await app.register(swagger, { openapi: {}, transform: openapiTransform(app) })
    }
    await app.register(resourceServer, given())
    app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, _, reply) => {
      reply.code(error.statusCode ?? 500).send({ own: { reason: error.code } })
    })
    app.get('/', { config: { auth: { scope: 'a' } } }, (request) => ({
      schema: request.routeOptions.schema,
      config: Object.keys(request.routeOptions.config),
    }))
    await app.ready()
    if (isDescribed) app.swagger()
    const tokens = [await tokenOf({ scope: 'a', jti: '1' }), await tokenOf({ jti: '2' }), 'bad']
    return Promise.all(
      tokens.map(async (token) => {
        const { statusCode, body } = await app.inject({ url: '/', headers: bearer(token) })
        return { statusCode, body }
      }),
    )
  }
  const responses = await responsesOf(true)
  t.same(responses, await responsesOf(false))
  t.same(
    responses.map(({ statusCode }) => statusCode),
    [200, 403, 401],
  )
  t.match(responses[1], { body: '{"own":{"reason":"insufficient_scope"}}' })
})

t.test('works in any order of registration', async (t) => {
  const orders = [
    'swagger first',
    'swagger last',
    'not awaited',
    'route between',
    'nested',
  ] as const
  for (const order of orders) {
    const app = Fastify()
    t.teardown(() => app.close())
    const describe = () => app.register(swagger, { openapi: {}, transform: openapiTransform(app) })
    const protect = () => app.register(resourceServer, given())
    const config = { auth: { scope: 'a' } }
    const declare = (on: FastifyInstance) => on.get('/', { config }, () => 'in')
    if (order === 'swagger first') {
      await describe()
      await protect()
      declare(app)
    } else if (order === 'swagger last') {
      await protect()
      await describe()
      declare(app)
    } else if (order === 'not awaited') {
      protect()
      describe()
      app.register(async (scope) => {
        declare(scope)
      })
    } else if (order === 'route between') {
      await describe()
      declare(app)
      await protect()
    } else {
      await describe()
      await app.register(async (scope) => {
        scope.register(resourceServer, given())
        declare(scope)
      })
    }
    const { paths } = await validDocumentOf(t, app)
    t.ok('403' in (paths['/']?.get?.responses ?? {}), order)
    t.equal((await app.inject('/')).statusCode, 401, order)
  }
})

t.test('with global: false, documents only routes with requirements as guarded', async (t) => {
  const open = await operationOf(t, undefined, { global: false })
  t.same(Object.keys(open), ['responses', 'components'])
  t.same(Object.keys(open.responses), ['200'])
  const guarded = await operationOf(t, true, { global: false })
  t.same(guarded.security, [{ accessToken: [] }])
})

t.test('documents an exposed HEAD route like its GET', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const transform = openapiTransform(app)
  await app.register(swagger, { openapi: {}, exposeHeadRoutes: true, transform })
  await app.register(resourceServer, given())
  app.get('/', { schema: { operationId: 'root' }, config: { auth: { scope: 'a' } } }, () => 'in')
  const { paths } = await validDocumentOf(t, app)
  t.same(Object.keys(paths['/'] ?? {}).sort(), ['get', 'head'])
  t.same(paths['/']?.head?.security, paths['/']?.get?.security)
})

t.test('calls the other transform first', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const ownSecurity: FastifyDynamicSwaggerOptions['transform'] = ({ schema, url }) => ({
    schema: { ...schema, summary: 'Changed', response: { 201: { type: 'string' } } },
    url: `/v1${url}`,
  })
  await app.register(swagger, { openapi: {}, transform: openapiTransform(app, ownSecurity) })
  await app.register(resourceServer, given())
  app.get('/', () => 'in')
  const { paths } = await validDocumentOf(t, app)
  t.match(paths, { '/v1/': { get: { summary: 'Changed', security: [{ accessToken: [] }] } } })
  t.same(Object.keys(paths['/v1/']?.get?.responses ?? {}), ['201', '401', '503'])
})

t.test('errors name the fix', async (t) => {
  const alone = Fastify()
  t.teardown(() => alone.close())
  await alone.register(swagger, { openapi: {}, transform: openapiTransform(alone) })
  await t.rejects(async () => alone.ready(), {
    name: 'TypeError',
    message: /requires fastify-resource-server, which is not registered: register it/,
  })

  const old = Fastify()
  t.teardown(() => old.close())
  await old.register(swagger, { transform: openapiTransform(old) })
  await old.register(resourceServer, given())
  old.get('/', () => 'in')
  await old.ready()
  t.throws(() => old.swagger(), { name: 'TypeError', message: /not Swagger 2\.0.*"openapi"/ })

  const nested = Fastify()
  t.teardown(() => nested.close())
  await nested.register(resourceServer, given())
  let inside: FastifyInstance = nested as never
  await nested.register(async (scope) => {
    inside = scope
  })
  await nested.register(swagger, { openapi: {}, transform: openapiTransform(inside) })
  nested.get('/', () => 'in')
  await nested.ready()
  t.throws(() => nested.swagger(), { name: 'TypeError', message: /another Fastify instance/ })
})

t.test('P6: documents mutual TLS from OpenAPI 3.1 on', async (t) => {
  const both = { ...DISCOVERED, dpop: DPOP, mtls: 'allowed' } as const
  const of = (openapi: string, auth: RouteRequirement, overrides: Partial<PluginOptions> = both) =>
    operationOf(t, auth, overrides, { openapi })

  const allowed = await of('3.1.0', { scope: 'a' })
  t.same(allowed.security, [
    { accessToken: ['a'] },
    { accessToken: ['a'], mutualTLS: [] },
    { accessToken: ['a'], dpop: [] },
    { accessToken: ['a'], dpop: [], mutualTLS: [] },
  ])
  t.same(Object.keys(allowed.components.securitySchemes ?? {}), [
    'accessToken',
    'dpop',
    'mutualTLS',
  ])
  t.match(allowed.components.securitySchemes, { mutualTLS: { type: 'mutualTLS' } })

  const required = await of('3.1.0', { mtls: 'required', dpop: 'off' })
  t.same(required.security, [{ accessToken: [], mutualTLS: [] }])
  const old = await of('3.0.3', { mtls: 'required', dpop: 'off' })
  t.same(old.security, [{ accessToken: [] }])
  t.same(Object.keys(old.components.securitySchemes ?? {}), ['accessToken'])
})

t.test('accepts Fastify instances of every type', async (t) => {
  const app = Fastify({ http2: true, logger: false })
  t.teardown(() => app.close())
  const typed = app.withTypeProvider<{ schema: unknown; validator: string; serializer: string }>()
  await app.register(swagger, { openapi: {}, transform: openapiTransform(typed) })
  await app.register(resourceServer, given())
  app.get('/', async () => 'in')
  await app.ready()
  t.match(app.swagger(), { paths: { '/': { get: { security: [{ accessToken: [] }] } } } })
})

function isEmpty(requirement: object): boolean {
  return Object.keys(requirement).length === 0
}
