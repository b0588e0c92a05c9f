import cors from '@fastify/cors'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import {
  bearerToken,
  InsufficientScopeError,
  InvalidTokenError,
  type PluginOptions,
  ResourceServerError,
  type RouteRequirement,
} from '../../src/index.js'
import resourceServer from '../../src/plugin/plugin.js'
import { parseChallenge } from '../fixtures/challenge-parser.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const valid = await tokenOf()
const invalid = `${valid.slice(0, -6)}AAAAAA`

const whoami = (request: FastifyRequest) => ({ user: request.auth?.subject ?? null })

async function statusOf(app: FastifyInstance, url: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : bearer(token)
  return (await app.inject({ url, headers })).statusCode
}

t.test('protects every route unless its config opens it', async (t) => {
  const app = await protectedApi(t)
  app.get('/silent', whoami)
  app.get('/true', { config: { auth: true } }, whoami)
  app.get('/empty', { config: { auth: {} } }, whoami)
  app.get('/open', { config: { auth: false } }, whoami)
  for (const url of ['/silent', '/true', '/empty']) {
    t.equal(await statusOf(app, url), 401, `${url} without a token`)
    t.equal(await statusOf(app, url, invalid), 401, `${url} with an invalid token`)
    t.equal(await statusOf(app, url, valid), 200, `${url} with a valid token`)
  }
  t.equal(await statusOf(app, '/open'), 200)
  t.equal(await statusOf(app, '/open', invalid), 200, 'an open route ignores tokens')
  const { body } = await app.inject({ url: '/open', headers: bearer(valid) })
  t.same(JSON.parse(body), { user: null }, 'not even a valid token')
})

t.test('with global: false, protects only routes with config.auth', async (t) => {
  const app = await protectedApi(t, { global: false })
  app.get('/silent', whoami)
  app.get('/false', { config: { auth: false } }, whoami)
  app.get('/true', { config: { auth: true } }, whoami)
  app.get('/scope', { config: { auth: { scope: 'orders:read' } } }, whoami)
  t.equal(await statusOf(app, '/silent'), 200)
  t.equal(await statusOf(app, '/false'), 200)
  t.equal(await statusOf(app, '/nowhere'), 404, 'nor are unknown routes')
  for (const url of ['/true', '/scope']) {
    t.equal(await statusOf(app, url), 401)
    t.equal(await statusOf(app, url, valid), 200)
  }
})

t.test('optional: accepts no token, and rejects an invalid one', async (t) => {
  const app = await protectedApi(t)
  app.get('/', { config: { auth: { optional: true } } }, whoami)
  app.get('/scope', { config: { auth: { optional: true, scope: 'admin' } } }, whoami)
  app.get('/not', { config: { auth: { optional: false } } }, whoami)
  t.same((await app.inject('/')).json(), { user: null })
  t.same((await app.inject({ url: '/', headers: bearer(valid) })).json(), { user: 'user-1' })
  t.equal(await statusOf(app, '/', invalid), 401)
  t.equal(await statusOf(app, '/', 'a b'), 400)
  const basic = await app.inject({ url: '/', headers: { authorization: 'Basic dTpw' } })
  t.same(basic.json(), { user: null }, 'other credentials count as no token')
  t.equal(await statusOf(app, '/scope'), 200)
  t.equal(await statusOf(app, '/scope', valid), 403, 'a request with a token must have its scope')
  t.equal(await statusOf(app, '/not'), 401)
})

t.test('puts the verified token on the request', async (t) => {
  const app = await protectedApi(t)
  let seen: FastifyRequest | undefined
  app.get('/', async (request) => {
    seen = request
    return 'in'
  })
  for (const round of ['verified', 'verified before']) {
    seen = undefined
    t.equal(await statusOf(app, '/', valid), 200)
    const auth = (seen as FastifyRequest | undefined)?.auth
    t.ok(auth instanceof AccessToken, round)
    t.match(auth, { subject: 'user-1', clientId: 'client-1', audience: ['api://default'] })
    t.ok(auth?.hasScope('orders:read', 'profile'))
    t.equal((seen as FastifyRequest | undefined)?.claims, auth?.claims)
    t.equal((seen as FastifyRequest | undefined)?.token, auth)
    t.ok(Object.isFrozen(auth?.claims))
    t.throws(() => Object.assign(seen as object, { claims: { sub: 'admin' } }), TypeError)
  }
})

for (const [member, read] of [
  ['claims', (request: FastifyRequest) => ({ user: request.claims.sub })],
  ['token', (request: FastifyRequest) => ({ user: request.token.subject })],
] as const) {
  t.test(`request.${member} throws where no token was verified`, async (t) => {
    const app = await protectedApi(t)
    app.get('/open', { config: { auth: false } }, read)
    app.get('/optional', { config: { auth: { optional: true } } }, read)
    for (const url of ['/open', '/optional']) {
      const response = await app.inject(url)
      t.equal(response.statusCode, 500, url)
      t.match(response.json(), { message: new RegExp(`request\\.${member} .*auth: false`) })
    }
    t.same((await app.inject({ url: '/optional', headers: bearer(valid) })).json(), {
      user: 'user-1',
    })
  })
}

t.test('never mixes up the tokens of requests', async (t) => {
  const app = await protectedApi(t)
  app.get('/', whoami)
  app.get('/open', { config: { auth: false } }, whoami)
  const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => tokenOf({ sub })))
  const requests = Array.from({ length: 60 }, (_, i) => i % 3)
  const responses = await Promise.all(
    requests.map((i) => app.inject({ url: '/', headers: bearer(tokens[i] as string) })),
  )
  t.same(
    responses.map((response) => response.json().user),
    requests.map((i) => 'abc'[i]),
  )
  t.same((await app.inject('/open')).json(), { user: null })
})

t.test('B8: evaluates the requirements of a route', async (t) => {
  const app = await protectedApi(t)
  const has = { scope: 'orders:read profile', tenant: 'acme', roles: ['admin', 'dev'], level: 2 }
  const token = await tokenOf({
    ...has,
    verified: true,
    realm_access: { roles: ['editor'], nested: { deep: 'x' } },
    'https://x.example/roles': ['owner'],
    'a.b': 'whole name',
    a: { b: 'path' },
  })
  const cases: [title: string, auth: RouteRequirement, status: number, scope?: string][] = [
    ['one scope', { scope: 'orders:read' }, 200],
    ['two scopes in a string', { scope: 'orders:read profile' }, 200],
    ['two scopes in an array', { scope: ['profile', 'orders:read'] }, 200],
    ['a scope that is missing', { scope: 'orders:write' }, 403, 'orders:write'],
    ['one of two missing', { scope: 'orders:read b' }, 403, 'orders:read b'],
    ['one of two missing in an array', { scope: ['orders:read', 'b'] }, 403, 'orders:read b'],
    ['a scope in another case', { scope: 'Orders:Read' }, 403, 'Orders:Read'],
    ['the beginning of a scope', { scope: 'orders' }, 403, 'orders'],
    ['a prototype name as scope', { scope: 'constructor' }, 403, 'constructor'],
    ['any of two', { anyScope: ['admin', 'profile'] }, 200],
    ['any of none', { anyScope: ['admin', 'root'] }, 403, 'admin root'],
    ['all and any', { scope: 'profile', anyScope: ['b', 'profile'] }, 200],
    ['all but not any', { scope: 'profile', anyScope: ['b', 'c'] }, 403, 'profile b c'],
    ['any but not all', { scope: 'x', anyScope: ['profile', 'x'] }, 403, 'x profile'],
    ['a claim that is equal', { claims: { tenant: 'acme' } }, 200],
    ['a claim that differs', { claims: { tenant: 'other' } }, 403],
    ['a number that is equal', { claims: { level: 2 } }, 200],
    ['a number against a string', { claims: { level: '2' } }, 403],
    ['a boolean that is equal', { claims: { verified: true } }, 200],
    ['a boolean against a truthy string', { claims: { verified: 'true' } }, 403],
    ['one of several values', { claims: { tenant: ['other', 'acme'] } }, 200],
    ['none of several values', { claims: { tenant: ['other', 'third'] } }, 403],
    ['an element of an array', { claims: { roles: 'admin' } }, 200],
    ['one of several elements', { claims: { roles: ['root', 'dev'] } }, 200],
    ['no element of an array', { claims: { roles: 'root' } }, 403],
    ['an array joined', { claims: { roles: 'admin,dev' } }, 403],
    ['a missing claim', { claims: { nothing: 'x' } }, 403],
    ['all claims must hold', { claims: { tenant: 'acme', level: 3 } }, 403],
    ['a predicate that is true', { claims: { level: (value) => (value as number) > 1 } }, 200],
    ['a predicate that is false', { claims: { level: () => false } }, 403],
    ['a predicate that is truthy', { claims: { level: (() => 'yes') as never } }, 403],
    [
      'a predicate with a promise',
      { claims: { level: (() => Promise.resolve(true)) as never } },
      403,
    ],
    ['a predicate that throws', { claims: { level: raise(new Error('predicate')) } }, 500],
    ['a predicate that throws nothing', { claims: { level: raise(undefined) } }, 500],
    ['a predicate on all claims', { claims: { level: (_, all) => all.tenant === 'acme' } }, 200],
    ['a predicate on a missing claim', { claims: { no: (value) => value === undefined } }, 200],
    ['a dotted path', { claims: { 'realm_access.roles': 'editor' } }, 200],
    ['a longer path', { claims: { 'realm_access.nested.deep': 'x' } }, 200],
    ['a path that differs', { claims: { 'realm_access.roles': 'admin' } }, 403],
    ['a path that ends early', { claims: { 'realm_access.none.deep': 'x' } }, 403],
    ['a path through a string', { claims: { 'tenant.length': 4 } }, 403],
    ['a path into an array', { claims: { 'roles.0': 'admin' } }, 403],
    ['the length of an array', { claims: { 'roles.length': 2 } }, 403],
    ['a name with dots', { claims: { 'https://x.example/roles': 'owner' } }, 200],
    ['the whole name before the path', { claims: { 'a.b': 'whole name' } }, 200],
    ['not the path where the whole name is', { claims: { 'a.b': 'path' } }, 403],
    ['an empty path', { claims: { '': 'x' } }, 403],
    ['a path of dots', { claims: { '...': 'x' } }, 403],
    [
      'a member of the prototype',
      { claims: { toString: (value: unknown) => value !== undefined } },
      403,
    ],
    ['the constructor', { claims: { 'constructor.name': 'Object' } }, 403],
    ['the prototype', { claims: { ['__proto__']: (value: unknown) => value !== undefined } }, 403],
    ['a member of a nested prototype', { claims: { 'a.constructor.name': 'Object' } }, 403],
  ]
  for (const [i, [, auth]] of cases.entries()) app.get(`/${i}`, { config: { auth } }, () => 'in')
  for (const [i, [title, , status, scope]] of cases.entries()) {
    const response = await app.inject({ url: `/${i}`, headers: bearer(token) })
    t.equal(response.statusCode, status, title)
    if (status !== 403) continue
    const { parameters } = parseChallenge(response.headers['www-authenticate'])
    t.match(parameters, { error: 'insufficient_scope' })
    t.equal(parameters.scope, scope, `${title}: scope of the challenge`)
    t.match(response.json(), { code: 'insufficient_scope' })
  }
})

function raise(reason: unknown): () => never {
  return () => {
    throw reason
  }
}

function thenable(then: (resolve: (value: unknown) => void) => void): object {
  return Object.defineProperty({}, 'then', { value: then })
}

/** Returns a promise with its own `then`. */
function lying(promise: Promise<unknown>, then?: () => void): Promise<unknown> {
  const yes = (done: (value: unknown) => void) => void done(true)
  return Object.defineProperty(promise, 'then', { value: then ?? yes })
}

t.test('finds a nested claim under a parent whose name has dots', async (t) => {
  const app = await protectedApi(t)
  const token = await tokenOf({
    'https://hasura.io/jwt/claims': { 'x-hasura-roles': ['editor'] },
    resource_access: { 'my.client': { roles: ['admin'] } },
  })
  const claims = {
    'https://hasura.io/jwt/claims.x-hasura-roles': 'editor',
    'resource_access.my.client.roles': 'admin',
  }
  app.get('/', { config: { auth: { claims } } }, () => 'in')
  t.equal(await statusOf(app, '/', token), 200)
})

t.test('authorize accepts only true or a promise of true', async (t) => {
  const app = await protectedApi(t)
  const failure = Object.assign(new Error('not today'), { statusCode: 402 })
  const cases: [title: string, authorize: unknown, status: number][] = [
    ['true', () => true, 200],
    ['a promise of true', async () => true, 200],
    ['another thenable of true', () => thenable((done) => done(true)), 200],
    ['false', () => false, 403],
    ['a promise of false', async () => false, 403],
    ['nothing', () => {}, 403],
    ['a promise of nothing', async () => {}, 403],
    ['null', () => null, 403],
    ['1', () => 1, 403],
    ['a string', () => 'true', 403],
    ['a promise of a string', async () => 'true', 403],
    ['an object', () => ({}), 403],
    ['new Boolean(true)', () => new Boolean(true), 403],
    ['a promise of false that says otherwise', () => lying(Promise.resolve(false)), 403],
    ['a promise that says it is none', () => lying(Promise.resolve(undefined), () => {}), 403],
    ['another thenable of 1', () => thenable((done) => done(1)), 403],
    ['an error returned', () => failure, 403],
    ['an error thrown', raise(failure), 402],
    ['an error rejected', () => Promise.reject(failure), 402],
    ['a string thrown', raise('no'), 500],
    ['nothing thrown', raise(undefined), 500],
    ['null thrown', raise(null), 500],
    ['0 thrown', raise(0), 500],
    ['an empty string thrown', raise(''), 500],
    ['true thrown', raise(true), 500],
    ['nothing rejected', () => Promise.reject(), 500],
    ['null rejected', () => Promise.reject(null), 500],
    ['false rejected', () => Promise.reject(false), 500],
    ['a thenable that throws', () => thenable(raise(undefined)), 500],
    ['a getter that throws', () => Object.defineProperty({}, 'then', { get: raise(0) }), 500],
  ]
  let entered = 0
  for (const [i, [, authorize]] of cases.entries()) {
    const auth = { authorize } as RouteRequirement
    app.get(`/${i}`, { config: { auth } }, () => {
      entered++
      return 'in'
    })
  }
  for (const [i, [title, , status]] of cases.entries()) {
    entered = 0
    const fresh = await tokenOf({ jti: title })
    for (const round of ['fresh', 'verified before']) {
      t.equal(await statusOf(app, `/${i}`, fresh), status, `${title}, token ${round}`)
    }
    t.equal(entered, status === 200 ? 2 : 0, title)
  }
})

t.test('authorize gets the token and the request, and is called last', async (t) => {
  const app = await protectedApi(t)
  const calls: unknown[] = []
  const auth: RouteRequirement = {
    scope: 'orders:read',
    claims: { client_id: 'client-1' },
    authorize: (token, request) => {
      calls.push([token.subject, request.params])
      return (request.params as { user: string }).user === token.subject
    },
  }
  app.get('/users/:user', { config: { auth } }, () => 'in')
  t.equal(await statusOf(app, '/users/user-1', valid), 200)
  t.equal(await statusOf(app, '/users/user-2', valid), 403)
  t.equal(calls.length, 2)
  t.same(calls[0], ['user-1', { user: 'user-1' }])
  t.equal(await statusOf(app, '/users/user-1'), 401)
  t.equal(await statusOf(app, '/users/user-1', invalid), 401)
  t.equal(await statusOf(app, '/users/user-1', await tokenOf({ scope: 'profile' })), 403)
  t.equal(await statusOf(app, '/users/user-1', await tokenOf({ client_id: 'other' })), 403)
  t.equal(calls.length, 2, 'not called for a token that failed before')
})

t.test('an error of this package that authorize throws cannot break a header', async (t) => {
  const app = await protectedApi(t)
  const reason = { check: 'policy' } as const
  const errors: Record<string, ResourceServerError> = {
    plain: new InvalidTokenError('The session was ended', reason),
    newline: new InvalidTokenError('blocked\r\nX-Injected: 1', reason),
    quote: new InvalidTokenError('blocked", error="none', reason),
    backslash: new InvalidTokenError('blocked\\', reason),
    letter: new InvalidTokenError('bloqué', reason),
    scope: new InsufficientScopeError('no', 'a", error="none', reason),
    'scope-newline': new InsufficientScopeError('no', 'a\nb', reason),
  }
  for (const [name, error] of Object.entries(errors)) {
    app.get(`/${name}`, { config: { auth: { authorize: raise(error) } } }, () => 'in')
  }
  for (const [name, error] of Object.entries(errors)) {
    const response = await app.inject({ url: `/${name}`, headers: bearer(valid) })
    t.equal(response.statusCode, error.statusCode, name)
    t.doesNotThrow(() => parseChallenge(response.headers['www-authenticate']), name)
    t.notOk(response.headers['x-injected'])
  }
})

t.test('the error handler of the application', async (t) => {
  t.test('sees each error, with the headers already set', async (t) => {
    const seen: Error[] = []
    const app = await protectedApi(t)
    app.setErrorHandler((error: Error & { statusCode: number }, _request, reply) => {
      seen.push(error)
      return reply.code(error.statusCode).send({ problem: error.name })
    })
    app.get('/', { config: { auth: { scope: 'admin' } } }, () => 'in')
    for (const [headers, status, name] of [
      [{}, 401, 'MissingCredentialsError'],
      [bearer('a b'), 400, 'InvalidRequestError'],
      [bearer(invalid), 401, 'InvalidTokenError'],
      [bearer(valid), 403, 'InsufficientScopeError'],
    ] as const) {
      const response = await app.inject({ url: '/', headers })
      t.equal(response.statusCode, status)
      t.same(response.json(), { problem: name })
      t.ok(parseChallenge(response.headers['www-authenticate']))
      const error = seen.at(-1) as ResourceServerError
      t.ok(error instanceof ResourceServerError)
      t.equal(error.headers['www-authenticate'], response.headers['www-authenticate'])
    }
  })

  t.test('may send another response, and throw', async (t) => {
    const app = await protectedApi(t)
    app.setErrorHandler(() => {
      throw Object.assign(new Error('broken'), { statusCode: 502 })
    })
    app.get('/', () => 'in')
    t.equal(await statusOf(app, '/'), 502)
    t.equal(await statusOf(app, '/', invalid), 502)
    t.equal(await statusOf(app, '/', valid), 200)
  })

  t.test('of a nested context applies there', async (t) => {
    const app = await protectedApi(t)
    await app.register(async (nested) => {
      nested.setErrorHandler((_error, _request, reply) => reply.code(418).send('nested'))
      nested.get('/nested', () => 'in')
    })
    app.get('/', () => 'in')
    t.equal(await statusOf(app, '/nested'), 418)
    t.equal(await statusOf(app, '/'), 401)
  })
})

t.test('app.resourceServer.verify() in a handler rejects like the guard', async (t) => {
  const app = await protectedApi(t, { realm: 'orders' })
  app.get('/', { config: { auth: false } }, async (request) => {
    const { token = '', scope } = request.query as { token?: string; scope?: string }
    const requirement = scope === undefined ? {} : { scope }
    return { user: (await app.resourceServer.verify(token, requirement, request)).subject }
  })
  const get = async (token: string, scope?: string) => {
    const response = await app.inject({ url: '/', query: { token, ...(scope && { scope }) } })
    const challenge = response.headers['www-authenticate']
    return {
      status: response.statusCode,
      ...(challenge !== undefined && parseChallenge(challenge)),
    }
  }
  t.same(await get(valid), { status: 200 })
  t.same(await get('', 'admin'), {
    status: 401,
    scheme: 'Bearer',
    parameters: { realm: 'orders', scope: 'admin' },
  })
  t.match(await get(invalid), {
    status: 401,
    parameters: { realm: 'orders', error: 'invalid_token' },
  })
  t.match(await get(valid, 'admin'), {
    status: 403,
    parameters: { error: 'insufficient_scope', scope: 'admin' },
  })
})

t.test('extractToken reads the token', async (t) => {
  const cookie = (request: FastifyRequest) =>
    /(?:^|; )token=([^;]*)/.exec(request.headers.cookie ?? '')?.[1]

  t.test('instead of from the header', async (t) => {
    const app = await protectedApi(t, { extractToken: cookie })
    app.get('/', whoami)
    const status = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/', headers })).statusCode
    t.equal(await status({ cookie: `a=b; token=${valid}` }), 200)
    t.equal(await status({ cookie: `token=${invalid}` }), 401)
    t.equal(await status({ cookie: 'token=' }), 401)
    t.equal(await status(bearer(valid)), 401, 'the header is not read')
  })

  t.test('in addition to the header, with bearerToken()', async (t) => {
    const extractToken = (request: FastifyRequest) => cookie(request) ?? bearerToken(request.raw)
    const app = await protectedApi(t, { extractToken })
    app.get('/', whoami)
    t.equal(await statusOf(app, '/', valid), 200)
    t.equal(await statusOf(app, '/', 'a b'), 400)
    t.equal((await app.inject({ url: '/', headers: { cookie: `token=${valid}` } })).statusCode, 200)
  })

  const responses: [title: string, extractToken: unknown, status: number, optional: number][] = [
    ['undefined', () => undefined, 401, 200],
    ['null', () => null, 401, 200],
    ['an empty string', () => '', 401, 200],
    ['a blank', () => ' ', 401, 401],
    ['a token with its scheme', () => `Bearer ${valid}`, 401, 401],
    ['control characters', () => '\r\n\0', 401, 401],
    ['a megabyte', () => 'a'.repeat(1_000_000), 401, 401],
    ['a promise of a good token', () => Promise.resolve(valid), 500, 500],
    ['a promise of nothing', () => Promise.resolve(), 500, 500],
    ['an array', () => [valid], 500, 500],
    ['a String object', () => new String(valid), 500, 500],
    ['false', () => false, 500, 500],
    ['0', () => 0, 500, 500],
    ['an error thrown', raise(Object.assign(new Error('x'), { statusCode: 418 })), 500, 500],
    ['nothing thrown', raise(undefined), 500, 500],
  ]
  for (const [title, extractToken, status, optional] of responses) {
    t.test(`returning ${title}`, async (t) => {
      const app = await protectedApi(t, { extractToken } as PluginOptions)
      app.get('/', whoami)
      app.get('/optional', { config: { auth: { optional: true } } }, whoami)
      app.get('/open', { config: { auth: false } }, whoami)
      t.equal(await statusOf(app, '/'), status)
      t.equal(await statusOf(app, '/optional'), optional)
      t.equal(await statusOf(app, '/open'), 200, 'and is not called on open routes')
    })
  }

  t.test('is named in errors about its exceptions', async (t) => {
    const app = await protectedApi(t, { extractToken: raise('a string') })
    app.get('/', whoami)
    t.notMatch((await app.inject('/')).json().message, /authorize/)
  })
})

t.test('calls onReject for each rejection, with the reason', async (t) => {
  const calls: [ResourceServerError, FastifyRequest][] = []
  const app = await protectedApi(t, { onReject: (...args) => void calls.push(args) })
  app.get('/', { config: { auth: { scope: 'admin' } } }, () => 'in')
  app.get('/error', { config: { auth: { authorize: raise(new Error('ours')) } } }, () => 'in')
  const cases: [token: string | undefined, code: string, reason: object][] = [
    [undefined, 'missing_credentials', { check: 'credentials', found: 'none' }],
    ['a b', 'invalid_request', { check: 'credentials' }],
    ['opaque', 'invalid_token', { check: 'token' }],
    [invalid, 'invalid_token', { check: 'signature' }],
    [
      await tokenOf({ aud: 'api://other' }),
      'invalid_token',
      { check: 'audience', expected: 'api://default', found: '"api://other"' },
    ],
    [
      await tokenOf({ iss: 'https://s\u0007\u2028.example' }),
      'invalid_token',
      { check: 'issuer', found: '"https://s\\u0007\\u2028.example"' },
    ],
    [valid, 'insufficient_scope', { check: 'scope', expected: 'admin' }],
  ]
  for (const [token, code, reason] of cases) {
    await statusOf(app, '/', token)
    const [error, request] = calls.at(-1) ?? []
    t.equal(error?.code, code)
    t.match(error?.reason, reason)
    t.equal(error?.check, error?.reason.check)
    t.equal(request?.url, '/')
  }
  t.equal(calls.length, cases.length, 'once per rejection')
  t.equal(await statusOf(app, '/error', valid), 500)
  t.equal(calls.length, cases.length, 'and not for other errors')
})

t.test('onReject cannot change the response', async (t) => {
  const doings: Record<string, () => void | Promise<void>> = {
    'returns at once': () => {},
    resolves: async () => {},
    'never ends': () => new Promise(() => {}),
    throws: raise(new Error('broken')),
    'throws nothing': raise(undefined),
    rejects: () => Promise.reject(new Error('broken')),
    'rejects with nothing': () => Promise.reject(),
    'returns a broken thenable': () => thenable(raise(new Error('broken'))) as never,
  }
  for (const [title, onReject] of Object.entries(doings)) {
    const lines: string[] = []
    const app = await protectedApi(
      t,
      { onReject },
      { logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } },
    )
    app.get('/', whoami)
    for (const token of [undefined, invalid]) {
      const response = await app.inject({ url: '/', headers: token ? bearer(token) : {} })
      t.equal(response.statusCode, 401, title)
      t.ok(parseChallenge(response.headers['www-authenticate']))
    }
    t.equal(await statusOf(app, '/', valid), 200)
    const failed = lines.filter((line) => line.includes('\\"onReject\\" failed'))
    t.equal(
      failed.length,
      /throws|rejects|broken/.test(title) ? 2 : 0,
      `${title}: the failure is logged`,
    )
  }
})

t.test('responds although the logger throws', async (t) => {
  const full = () => {
    throw new Error('the log is full')
  }
  const silent = () => {}
  const log = { fatal: silent, error: full, warn: silent, info: full, debug: silent, trace: silent }
  const logger = { ...log, level: 'info', child: () => logger }
  const app = await protectedApi(t, {}, {
    loggerInstance: logger,
    disableRequestLogging: true,
  } as never)
  app.get('/', whoami)
  t.equal(await statusOf(app, '/'), 401, 'rejected synchronously')
  t.equal(await statusOf(app, '/', invalid), 401, 'rejected asynchronously')
})

t.test('guards HEAD like GET', async (t) => {
  const app = await protectedApi(t)
  app.get('/', { config: { auth: { scope: 'profile' } } }, () => 'in')
  app.get('/admin', { config: { auth: { scope: 'admin' } } }, () => 'in')
  const head = async (url: string, headers: Record<string, string>) =>
    app.inject({ method: 'HEAD', url, headers })
  t.equal((await head('/', {})).statusCode, 401)
  t.equal((await head('/', bearer(valid))).statusCode, 200)
  const rejected = await head('/admin', bearer(valid))
  t.equal(rejected.statusCode, 403)
  t.ok(parseChallenge(rejected.headers['www-authenticate']))
})

t.test(
  'responds to unknown routes with 401 without a token, so that no caller can map the API',
  async (t) => {
    const app = await protectedApi(t)
    app.get('/known', () => 'in')
    t.equal(await statusOf(app, '/unknown'), 401)
    t.equal(await statusOf(app, '/unknown', invalid), 401)
    t.equal(await statusOf(app, '/unknown', valid), 404)
    t.equal((await app.inject({ method: 'POST', url: '/known' })).statusCode, 401, 'nor methods')
    const customApp = Fastify()
    t.teardown(() => customApp.close())
    customApp.register(resourceServer, given())
    customApp.setNotFoundHandler((_request, reply) => reply.code(404).send('own'))
    t.equal(await statusOf(customApp, '/unknown'), 401)
    t.equal(await statusOf(customApp, '/unknown', valid), 404)
  },
)

t.test('guards other spellings of a path the same way', async (t) => {
  const app = Fastify({
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      caseSensitive: false,
    },
  })
  t.teardown(() => app.close())
  await app.register(resourceServer, given())
  app.get('/admin', () => 'in')
  app.get('/open', { config: { auth: false } }, () => 'open')
  for (const url of [
    '/admin',
    '/admin/',
    '//admin',
    '/ADMIN',
    '/%61dmin',
    '/admin;/open',
    '/admin?/open',
  ]) {
    t.equal(await statusOf(app, url), 401, url)
  }
  t.equal(await statusOf(app, '/open/..%2fadmin'), 401)
})

const preflight = {
  origin: 'https://app.example',
  'access-control-request-method': 'GET',
  'access-control-request-headers': 'authorization',
}

t.test('R6: admits CORS preflights without a token', async (t) => {
  const options = { exposedHeaders: ['WWW-Authenticate'] }
  const orders: Record<string, (app: FastifyInstance) => Promise<unknown>> = {
    'cors before': async (app) => {
      await app.register(cors, options)
      await app.register(resourceServer, given())
    },
    'cors after': async (app) => {
      await app.register(resourceServer, given())
      await app.register(cors, options)
    },
    'cors after, not awaited': async (app) => {
      app.register(resourceServer, given())
      app.register(cors, options)
    },
  }
  for (const [title, register] of Object.entries(orders)) {
    t.test(title, async (t) => {
      const app = Fastify()
      t.teardown(() => app.close())
      await register(app)
      await app.register(async (api) => {
        api.get('/orders', whoami)
      })
      for (const url of ['/orders', '/unknown']) {
        const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
        t.equal(response.statusCode, 204, url)
        t.equal(response.headers['access-control-allow-origin'], '*')
        t.notOk(response.headers['www-authenticate'])
      }
      const { origin } = preflight
      const rejected = await app.inject({ url: '/orders', headers: { origin } })
      t.equal(rejected.statusCode, 401)
      const response = await app.inject({ url: '/orders', headers: { origin, ...bearer(valid) } })
      t.equal(response.statusCode, 200)
      t.equal(response.headers['access-control-expose-headers'], 'WWW-Authenticate')
    })
  }

  t.test('in a context with a prefix', async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(
      async (api) => {
        await api.register(resourceServer, given())
        await api.register(cors)
        api.get('/orders', whoami)
      },
      { prefix: '/api' },
    )
    const request = { url: '/api/orders', headers: preflight }
    t.equal((await app.inject({ method: 'OPTIONS', ...request })).statusCode, 204)
    t.equal((await app.inject({ method: 'GET', ...request })).statusCode, 401)
  })

  t.test('a rejection has the CORS headers', async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(cors, options)
    await app.register(resourceServer, given())
    app.get('/', whoami)
    const { headers } = await app.inject({ url: '/', headers: { origin: preflight.origin } })
    t.equal(headers['access-control-allow-origin'], '*')
    t.equal(headers['access-control-expose-headers'], 'WWW-Authenticate')
  })
})

t.test('preflight headers open no route of the application', async (t) => {
  const cases: Record<string, (app: FastifyInstance) => void> = {
    'its own OPTIONS route': (app) => app.options('/', () => 'in'),
    'its own OPTIONS route with a parameter': (app) => app.options('/:id', () => 'in'),
    'all methods': (app) => app.all('/', () => 'in'),
    'all methods of all paths': (app) => app.all('*', () => 'in'),
    'several methods': (app) =>
      app.route({ method: ['GET', 'OPTIONS'], url: '/*', handler: () => 'in' }),
    'its own OPTIONS route for a whole tree': (app) => app.options('/files/*', () => 'in'),
  }
  for (const [title, declare] of Object.entries(cases)) {
    t.test(title, async (t) => {
      const app = await protectedApi(t)
      declare(app)
      for (const url of ['/', '/1', '/files/secret']) {
        const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
        t.equal(response.statusCode, 401, url)
      }
    })
  }
  t.test('preflight headers open no wildcard OPTIONS route with config.auth', async (t) => {
    const app = await protectedApi(t)
    app.options('*', { config: { auth: { scope: 'admin' } } }, () => 'in')
    const response = await app.inject({ method: 'OPTIONS', url: '/', headers: preflight })
    t.equal(response.statusCode, 401)
  })
  t.test(
    'preflight headers open no wildcard OPTIONS route of the application unless it is open',
    async (t) => {
      for (const [config, status] of [
        [{}, 401],
        [{ auth: false }, 204],
      ] as const) {
        const app = await protectedApi(t)
        app.options('*', { config }, (_request, reply) => reply.code(204).send())
        const request = { method: 'OPTIONS', url: '/orders' } as const
        t.equal((await app.inject({ ...request, headers: preflight })).statusCode, status)
        t.equal((await app.inject(request)).statusCode, status)
      }
    },
  )
  t.test('rejects an OPTIONS request that is not a preflight', async (t) => {
    const app = await protectedApi(t)
    await app.register(cors, { strictPreflight: false })
    app.get('/', whoami)
    const { origin } = preflight
    t.equal(
      (await app.inject({ method: 'OPTIONS', url: '/', headers: { origin } })).statusCode,
      401,
    )
  })
})

t.test('responds to an error of this package that the application froze', async (t) => {
  const app = await protectedApi(t)
  const frozen = Object.freeze(new InvalidTokenError('no', { check: 'policy' }))
  const authorize = () => {
    throw frozen
  }
  app.get('/', { config: { auth: { authorize } } }, () => 'in')
  const { statusCode, headers } = await app.inject({ url: '/', headers: bearer(valid) })
  t.equal(statusCode, 401)
  t.match(headers['www-authenticate'], /error="invalid_token"/)
})

t.test('an object that imitates an error of this package does not end the process', async (t) => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  t.teardown(() => process.off('unhandledRejection', onUnhandled))
  const Careless = InsufficientScopeError as unknown as new (message: string) => Error
  for (const [error, status] of [
    [new Careless('no'), 403],
    [Object.create(InsufficientScopeError.prototype), 500],
  ] as const) {
    for (const authorize of [
      () => {
        throw error
      },
      () => Promise.reject(error),
    ]) {
      const app = await protectedApi(t)
      app.get('/', { config: { auth: { authorize } } }, () => 'in')
      t.equal(await statusOf(app, '/', valid), status)
    }
  }
  await new Promise(setImmediate)
  t.same(unhandled, [])
})

t.test('an extractToken that returns a rejected promise does not end the process', async (t) => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  t.teardown(() => process.off('unhandledRejection', onUnhandled))
  const extractToken = () => Promise.reject(new Error('no cookie'))
  const app = await protectedApi(t, { extractToken } as never)
  app.get('/', () => 'in')
  t.equal(await statusOf(app, '/'), 500)
  await new Promise(setImmediate)
  t.same(unhandled, [])
})
