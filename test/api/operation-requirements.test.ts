/**
 * Requirements that depend on the operation: a function as `scope`, `request.requireScope()`,
 * `request.requireAuthentication()`, and the challenges of errors that application code throws.
 */
import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import resourceServer, {
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  InvalidTokenError,
  MissingCredentialsError,
  onDiagnostics,
  type ResourceServerError,
} from '../../src/index.js'
import { proofFor } from '../fixtures/bound-token.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const METADATA = { resourceMetadata: 'https://api.example/mcp' }
const POINTER = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'
const token = await tokenOf()

const LACKS =
  'error="insufficient_scope", error_description="The access token lacks the required scope"'

function get(app: FastifyInstance, url: string, headers: Record<string, string> = bearer(token)) {
  return app.inject({ url, headers })
}

t.test('a function determines the scope of each request from its headers', async (t) => {
  const app = await protectedApi(t, METADATA)
  const scope = ({ headers, body }: FastifyRequest) => {
    t.equal(body, undefined, 'before any body is read')
    return headers['mcp-name'] === 'count' ? 'orders:read' : 'orders:read orders:write'
  }
  app.post('/mcp', { config: { auth: { scope } } }, async () => 'in')
  const call = (name: string, headers: Record<string, string> = bearer(token)) =>
    app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...headers, 'mcp-name': name },
      payload: { name: 'count' },
    })
  t.equal((await call('count')).statusCode, 200)
  const rejected = await call('cancel')
  t.equal(rejected.statusCode, 403)
  t.equal(
    rejected.headers['www-authenticate'],
    `Bearer realm="api", ${LACKS}, scope="orders:read orders:write", ${POINTER}`,
  )
  for (const headers of [{}, bearer('invalid')]) {
    const challenges = await Promise.all([call('count', headers), call('cancel', headers)])
    t.match(challenges[0]?.headers['www-authenticate'], /scope="orders:read", res/)
    t.match(challenges[1]?.headers['www-authenticate'], /scope="orders:read orders:write", res/)
  }
})

t.test(
  'responds with 500 to a valid token if the function throws, and with 401 without a token',
  async (t) => {
    const app = await protectedApi(t)
    const fail = () => {
      throw new Error('secret')
    }
    app.get('/throws', { config: { auth: { scope: fail } } }, async () => t.fail('admitted'))
    const late = (() => Promise.resolve('orders:read')) as never
    app.get('/promise', { config: { auth: { anyScope: late } } }, async () => t.fail('admitted'))
    const injecting = () => 'a"\r\nx: y'
    app.get('/injects', { config: { auth: { scope: injecting } } }, async () => t.fail('admitted'))
    for (const [url, name] of [
      ['/throws', 'scope'],
      ['/promise', 'anyScope'],
      ['/injects', 'scope'],
    ] as const) {
      const response = await get(app, url)
      t.equal(response.statusCode, 500)
      t.match(response.json(), { message: `The function "${name}" failed` })
      t.notMatch(response.body, 'secret')
      const anonymous = await get(app, url, {})
      t.equal(anonymous.statusCode, 401)
      t.equal(anonymous.headers['www-authenticate'], 'Bearer realm="api"')
    }
  },
)

t.test('OpenAPI documents and metadata name the fixed scope only', async (t) => {
  const app = await protectedApi(t, METADATA)
  const auth = { scope: () => 'orders:write', anyScope: ['orders:read', 'orders:all'] }
  app.get('/', { config: { auth } }, async () => 'in')
  const { body } = await get(app, '/.well-known/oauth-protected-resource/mcp', {})
  t.same(JSON.parse(body).scopes_supported, ['orders:all', 'orders:read'])
})

t.test('a scope implies narrower ones in routes and operations', async (t) => {
  const app = await protectedApi(t, { scopeImplies: { orders: ['orders:read'], admin: 'orders' } })
  app.get('/', { config: { auth: { scope: 'orders:read' } } }, async (request) => {
    request.requireScope('orders')
    return [...(request.auth?.scope ?? [])]
  })
  const admin = await get(app, '/', bearer(await tokenOf({ scope: 'admin' })))
  t.same(admin.json(), ['admin'], "the token's scope is unchanged")
  t.equal((await get(app, '/', bearer(await tokenOf({ scope: 'orders:read' })))).statusCode, 403)
  t.equal((await get(app, '/', bearer(await tokenOf({ scope: 'other' })))).statusCode, 403)
})

/** Ways in which application code may throw, or use `requireScope`. */
function declare(app: FastifyInstance, fail: (request: FastifyRequest) => void): string[] {
  const config = { auth: { scope: 'profile' } }
  app.get('/handler', { config }, async (request) => fail(request))
  app.get('/callback', { config }, (request, _reply: FastifyReply) => fail(request))
  app.get('/send', { config }, (request, reply) => {
    try {
      fail(request)
    } catch (error) {
      reply.send(error)
    }
  })
  const preHandler = (request: FastifyRequest, _reply: unknown, done: () => void) => {
    fail(request)
    done()
  }
  app.get('/pre-handler', { config, preHandler }, async () => t.fail('admitted'))
  app.get('/own', {
    config,
    handler: async (request) => fail(request),
    errorHandler: (error, _request, reply) =>
      reply.code((error as ResourceServerError).statusCode).send('own'),
  })
  app.get('/stream', { config }, (request, reply) => {
    const stream = new Readable({
      read() {
        try {
          fail(request)
        } catch (error) {
          this.destroy(error as Error)
        }
      },
    })
    reply.send(stream)
  })
  return ['/handler', '/callback', '/send', '/pre-handler', '/own', '/stream']
}

const HANDLERS: Record<string, ((app: FastifyInstance) => void) | undefined> = {
  "Fastify's error handler": () => {},
  'an error handler of the application': (app) => {
    app.setErrorHandler(async (error: ResourceServerError, _request, reply) => {
      reply.code(error.statusCode)
      return { problem: error.code }
    })
  },
}

for (const [title, setErrorHandler] of Object.entries(HANDLERS)) {
  t.test(`requireScope() responds with 403 and one challenge, with ${title}`, async (t) => {
    const app = await protectedApi(t, METADATA)
    setErrorHandler?.(app)
    for (const url of declare(app, (request) =>
      request.requireScope('orders:write', 'orders:read'),
    )) {
      const response = await get(app, url)
      t.equal(response.statusCode, 403, url)
      t.equal(
        response.headers['www-authenticate'],
        `Bearer realm="api", ${LACKS}, scope="profile orders:write orders:read", ${POINTER}`,
        url,
      )
    }
  })

  t.test(`errors of this package get a challenge, with ${title}`, async (t) => {
    const errors: [() => Error, number, RegExp][] = [
      [
        () => new InsufficientScopeError('Not this order', 'orders:7', { check: 'scope' }),
        403,
        /error="insufficient_scope", error_description="Not this order", scope="orders:7"/,
      ],
      [
        () => new InvalidTokenError('Signed out'),
        401,
        /error_description="Signed out", scope="profile"/,
      ],
      [() => new MissingCredentialsError(), 401, /^Bearer realm="api", scope="profile"$/],
      [
        () => new InsufficientUserAuthenticationError('Sign in again', { maxAge: 60 }),
        401,
        /max_age="60"/,
      ],
    ]
    for (const [make, status, challenge] of errors) {
      const app = await protectedApi(t)
      setErrorHandler?.(app)
      const urls = declare(app, () => {
        throw make()
      })
      for (const url of urls) {
        const response = await get(app, url)
        t.equal(response.statusCode, status, url)
        t.match(response.headers['www-authenticate'], challenge, url)
      }
    }
  })
}

t.test('requireScope() returns if the token has the scope', async (t) => {
  const app = await protectedApi(t)
  app.get('/', async (request) => {
    t.equal(request.requireScope('orders:read', 'profile'), undefined)
    return 'in'
  })
  t.equal((await get(app, '/')).statusCode, 200)
})

t.test('requireScope() without scope tokens, or with invalid ones, is a 500', async (t) => {
  const app = await protectedApi(t)
  const wrong: unknown[][] = [[], [''], ['a b'], ['a"'], [undefined], [['profile']], [7], [null]]
  for (const [i, tokens] of wrong.entries()) {
    app.get(`/${i}`, async (request) => request.requireScope(...(tokens as string[])))
  }
  for (const [i, tokens] of wrong.entries()) {
    const response = await get(app, `/${i}`)
    t.equal(response.statusCode, 500, JSON.stringify(tokens))
    t.match(response.json().message, 'must have one or more scope tokens')
  }
})

t.test('requireScope() on an optional route without a token responds with 401', async (t) => {
  const app = await protectedApi(t)
  app.get('/', { config: { auth: { optional: true } } }, async (request) => {
    request.requireScope('orders:read')
    return 'in'
  })
  const anonymous = await get(app, '/', {})
  t.equal(anonymous.statusCode, 401)
  t.equal(anonymous.headers['www-authenticate'], 'Bearer realm="api", scope="orders:read"')
  t.equal((await get(app, '/')).statusCode, 200)
})

t.test(
  'requirements of an operation on an open route, or before the guard, are a 500',
  async (t) => {
    const app = await protectedApi(t)
    const config = { auth: false as const }
    app.get('/scope', { config }, async (request) => request.requireScope('a'))
    app.get('/age', { config }, async (request) => request.requireAuthentication({ maxAge: 60 }))
    for (const url of ['/scope', '/age']) {
      const response = await get(app, url)
      t.equal(response.statusCode, 500)
      t.match(response.json().message, 'on a request without a verified access token')
    }
  },
)

t.test('requireAuthentication() requires a stronger or more recent authentication', async (t) => {
  const app = await protectedApi(t, METADATA)
  const config = { auth: { scope: 'profile', optional: true } }
  app.get('/acr', { config }, async (request) => {
    request.requireAuthentication({ acr: ['gold', 'silver'], maxAge: 60 })
    return 'in'
  })
  const rejected = await get(app, '/acr')
  t.equal(rejected.statusCode, 401)
  t.equal(
    rejected.headers['www-authenticate'],
    'Bearer realm="api", error="insufficient_user_authentication", ' +
      'error_description="A different authentication level is required", ' +
      `acr_values="gold silver", max_age="60", ${POINTER}`,
  )
  const now = Math.floor(Date.now() / 1000)
  const strong = await tokenOf({ acr: 'silver', auth_time: now - 30 })
  t.equal((await get(app, '/acr', bearer(strong))).statusCode, 200)
  const old = await tokenOf({ acr: 'gold', auth_time: now - 300 })
  t.match((await get(app, '/acr', bearer(old))).headers['www-authenticate'], 'More recent')
  const anonymous = await get(app, '/acr', {})
  t.equal(anonymous.headers['www-authenticate'], `Bearer realm="api", scope="profile", ${POINTER}`)
  const wrong: unknown[] = [{}, { acr: '' }, { maxAge: 0 }, { scope: 'a' }, undefined, null]
  const lax = await protectedApi(t)
  for (const [i, requirement] of wrong.entries()) {
    lax.get(`/${i}`, async (request) => request.requireAuthentication(requirement as never))
  }
  for (const i of wrong.keys()) t.equal((await get(lax, `/${i}`)).statusCode, 500)
})

t.test('with DPoP the challenge is for the scheme of the request, without a proof', async (t) => {
  const options = { dpop: { mode: 'allowed', baseUrl: 'https://api.example' } } as const
  const app = await protectedApi(t, options)
  app.get('/orders', async (request) => request.requireScope('orders:write'))
  const { token: bound, dpop } = await proofFor()
  const headers = { authorization: `DPoP ${bound}`, dpop: `${dpop?.proof}` }
  const response = await app.inject({ url: '/orders', headers })
  t.equal(response.statusCode, 403)
  t.match(response.headers['www-authenticate'], /^DPoP realm="api", error="insufficient_scope"/)
  const withBearer = await get(app, '/orders')
  t.match(withBearer.headers['www-authenticate'], [/^Bearer .*insufficient_scope/, /^DPoP realm/])
})

t.test('a rejected operation is counted and published once', async (t) => {
  const codes: string[] = []
  t.teardown(onDiagnostics('token:reject', ({ error }) => codes.push(error.code)))
  const app = await protectedApi(t)
  app.setErrorHandler(async (error: ResourceServerError, _request, reply) => {
    reply.code(error.statusCode)
    return ''
  })
  app.get('/require', async (request) => request.requireScope('admin'))
  app.get('/verify', async () => app.resourceServer.verify(token, { scope: 'admin' }))
  app.get('/new', async () => {
    throw new InsufficientScopeError('no', 'admin', { check: 'scope' })
  })
  app.get('/guard', { config: { auth: { scope: 'admin' } } }, async () => 'in')
  for (const url of ['/require', '/verify', '/new', '/guard']) {
    codes.length = 0
    const before = app.resourceServer.statistics().rejections.insufficient_scope ?? 0
    const response = await get(app, url)
    t.match(response.headers['www-authenticate'], 'scope="admin"', url)
    t.same(codes, ['insufficient_scope'], url)
    t.equal(app.resourceServer.statistics().rejections.insufficient_scope, before + 1, url)
  }
})

t.test('a rejected operation is reported to onReject and in the log, once', async (t) => {
  const reported: string[] = []
  const lines: string[] = []
  const app = await protectedApi(
    t,
    { onReject: ({ code, reason }) => void reported.push(`${code} ${reason.expected}`) },
    { logger: { stream: { write: (line: string) => void lines.push(line) } } },
  )
  app.get('/scope', async (request) => request.requireScope('orders:write'))
  app.get('/sign-in', async (request) => request.requireAuthentication({ acr: 'phr' }))
  app.get('/own', () => Promise.reject(new InvalidTokenError('Unknown device')))
  app.get('/caught', async (request) => {
    t.throws(() => request.requireScope('orders:write'))
    return 'handled'
  })
  app.get('/guard', { config: { auth: { scope: 'orders:write' } } }, async () => 'in')
  app.setErrorHandler((error, _request, reply) => reply.send(error))
  for (const url of ['/scope', '/sign-in', '/own', '/caught', '/guard']) await get(app, url)
  t.strictSame(reported, [
    'insufficient_scope orders:write',
    'insufficient_user_authentication "acr": phr',
    'invalid_token undefined',
    'insufficient_scope orders:write',
  ])
  t.equal(lines.filter((line) => line.includes('request rejected: ')).length, 4)
})

t.test('an error that cannot be read gets the response of a bare Fastify', async (t) => {
  const handler = async ({ params }: FastifyRequest) => {
    const error = new InsufficientScopeError('Not allowed', '', { check: 'policy' })
    const { member } = params as { member: string }
    const read = () => {
      throw new Error(`unreadable ${member}`)
    }
    throw Object.defineProperty(error, member, { get: read })
  }
  const app = await protectedApi(t)
  const bare = Fastify()
  for (const api of [app, bare]) api.get('/:member', handler)
  for (const member of ['code', 'scope', 'check', 'expected', 'reason', 'message', 'headers']) {
    const [ours, theirs] = [await get(app, `/${member}`), await get(bare, `/${member}`)]
    t.equal(ours.statusCode, theirs.statusCode, member)
    t.equal(ours.body, theirs.body, member)
  }
})

t.test('passes on other errors, and survives an error after the response', async (t) => {
  const app = await protectedApi(t)
  app.get('/other', async () => {
    throw Object.assign(new Error('teapot'), { statusCode: 418 })
  })
  app.get('/late', async (request, reply) => {
    await reply.send('sent')
    request.requireScope('admin')
  })
  app.get('/begun', (request, reply) => {
    const stream = Readable.from(
      (async function* () {
        yield 'begun'
        await new Promise((resolve) => setImmediate(resolve))
        request.requireScope('admin')
      })(),
    )
    reply.send(stream)
  })
  const other = await get(app, '/other')
  t.equal(other.statusCode, 418)
  t.equal(other.headers['www-authenticate'], undefined)
  const late = await get(app, '/late')
  t.equal(late.statusCode, 200)
  t.equal(late.body, 'sent')
  const url = await app.listen({ port: 0 })
  await t.rejects(fetch(`${url}/begun`, { headers: bearer(token) }).then((r) => r.text()))
  t.equal((await fetch(`${url}/other`, { headers: bearer(token) })).status, 418, 'still serving')
})

t.test('an error thrown for several requests gets the challenge of each', async (t) => {
  const app = await protectedApi(t)
  const shared = new InvalidTokenError('Signed out')
  const scope = ({ headers }: FastifyRequest) => `${headers['x-scope']}`
  const handler = async () => {
    throw shared
  }
  app.get('/', { config: { auth: { scope } } }, handler)
  for (const needed of ['profile', 'orders:read']) {
    const response = await get(app, '/', { ...bearer(token), 'x-scope': needed })
    t.match(response.headers['www-authenticate'], `scope="${needed}"`)
  }
  t.equal(app.resourceServer.statistics().rejections.invalid_token, 2)
})

t.test("other values that the application throws get Fastify's response", async (t) => {
  const thrown = [undefined, null, 'text', 7, 0, '', { statusCode: 418 }, new Error('an error')]
  const responses = async (app: FastifyInstance) => {
    const seen: string[] = []
    app.addHook('onError', async () => void seen.push('onError'))
    for (const [i, value] of thrown.entries()) {
      const config = { auth: false as const }
      app.get(`/${i}/later`, { config }, async () => {
        throw value
      })
      app.get(`/${i}`, { config }, () => {
        throw value
      })
    }
    for (const i of thrown.keys()) {
      for (const url of [`/${i}/later`, `/${i}`]) {
        const { statusCode, body } = await app.inject(url)
        seen.push(`${url} ${statusCode} ${body}`)
      }
    }
    return seen
  }
  for (const handles of [false, true]) {
    const [bare, guarded] = [Fastify(), await protectedApi(t)]
    t.teardown(() => bare.close())
    for (const app of handles ? [bare, guarded] : []) {
      app.setErrorHandler((error, _request, reply) => reply.code(599).send(`handled ${error}`))
    }
    t.strictSame(await responses(guarded), await responses(bare))
  }
})

t.test('a route declared before the plugin gets the challenge, too', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.setErrorHandler((error: ResourceServerError, _request, reply) =>
    reply.code(error.statusCode).send(),
  )
  app.get('/', async (request) => request.requireScope('admin'))
  app.get('/new', async () => {
    throw new InsufficientScopeError('no', 'admin', { check: 'scope' })
  })
  await app.register(resourceServer, given())
  for (const url of ['/', '/new']) {
    t.match((await get(app, url)).headers['www-authenticate'], 'scope="admin"', url)
  }
})
