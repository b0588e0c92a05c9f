/** F39, D42, A2: a mistaken declaration that would leave a route open is an error at startup. */
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../src/index.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const valid = await tokenOf()
const guard = (app: FastifyInstance, options: Partial<PluginOptions> = {}) =>
  app.register(resourceServer, given(options))

function startOf(t: Test, build: (app: FastifyInstance) => unknown, level = 'warn') {
  const warnings: string[] = []
  const lines: Record<string, unknown>[] = []
  const stream = {
    write(line: string) {
      const parsed = JSON.parse(line)
      lines.push(parsed)
      warnings.push(parsed.msg)
    },
  }
  const app = Fastify({ logger: { level, stream } })
  t.teardown(() => app.close())
  build(app)
  return { started: Promise.resolve(app.ready()), warnings, lines }
}

const handler = () => 'in'

t.test('rejects a registration that protects no route', async (t) => {
  const forgotten: Record<string, (app: FastifyInstance) => unknown> = {
    'no other route': (app) => app.register(async (app) => guard(app)),
    'not awaited': (app) =>
      app.register(async (app) => {
        guard(app)
      }),
    'a callback': (app) =>
      app.register((app, _options, done) => {
        guard(app)
        done()
      }),
    'its own metadata only': (app) =>
      app.register(async (app) => guard(app, { resourceMetadata: 'https://api.example' })),
    'global: false': (app) => app.register(async (app) => guard(app, { global: false })),
    'two levels down': (app) =>
      app.register(async (app) => app.register(async (app) => guard(app))),
    'below a prefix': (app) => app.register(async (app) => guard(app), { prefix: '/api' }),
  }
  for (const [title, register] of Object.entries(forgotten)) {
    for (const others of [false, true]) {
      const { started } = startOf(t, (app) => {
        register(app)
        if (others) app.get('/admin', { config: { auth: { scope: 'admin' } } }, handler)
      })
      await t.rejects(started, { name: 'TypeError', message: /fastify-plugin/ }, title)
    }
  }
})

t.test('accepts a context with any route', async (t) => {
  const guarding: Record<string, (app: FastifyInstance) => unknown> = {
    'the root without a route': (app) => guard(app),
    'a route after': (app) =>
      app.register(async (app) => {
        await guard(app)
        app.get('/', handler)
      }),
    'in a context inside': (app) =>
      app.register(async (app) => {
        await guard(app)
        app.register(async (app) => {
          app.post('/', handler)
        })
      }),
    'a path with and without a slash': (app) =>
      app.register(
        async (app) => {
          await guard(app)
          app.get('/', handler)
        },
        { prefix: '/a' },
      ),
    'an open one': (app) =>
      app.register(async (app) => {
        await guard(app)
        app.get('/', { config: { auth: false } }, handler)
      }),
  }
  for (const [title, register] of Object.entries(guarding)) {
    const { started, warnings } = startOf(t, register)
    await t.resolves(started, title)
    t.same(warnings, [])
  }
})

t.test('reports routes that were declared before the plugin was loaded', async (t) => {
  const late: Record<string, [routes: number, (app: FastifyInstance) => unknown]> = {
    'fastify-plugin': [
      2,
      (app) => {
        app.register(fastifyPlugin(async (app) => guard(app)))
        app.get('/', handler)
      },
    ],
    'a route before': [
      1,
      (app) =>
        app.register(async (app) => {
          app.post('/', handler)
          await guard(app)
          app.get('/a', handler)
        }),
    ],
    'not awaited': [
      2,
      (app) =>
        app.register(async (app) => {
          guard(app, { global: false })
          app.get('/', { config: { auth: { role: 'admin' } } } as object, handler)
        }),
    ],
    'in a context inside that was there before': [
      3,
      (app) =>
        app.register(async (app) => {
          await app.register(async (app) => {
            app.route({ method: ['GET', 'POST'], url: '/a/:b/*', handler })
          })
          await guard(app, { resourceMetadata: 'https://api.example' })
        }),
    ],
  }
  for (const [title, [routes, register]] of Object.entries(late)) {
    const { started, lines } = startOf(t, register, 'info')
    await started
    const msg = /^routes were declared before fastify-resource-server was loaded/
    t.match(lines, [{ msg, routes, level: title === 'not awaited' ? 40 : 30 }], title)
    t.equal(lines.length, 1)
  }
})

t.test('accepts a preflight route that was declared before', async (t) => {
  for (const options of [{}, { global: false }]) {
    const build = async (app: FastifyInstance) => {
      await app.register(cors)
      await guard(app, options)
      app.get('/', { config: { auth: true } }, handler)
    }
    const { started, lines } = startOf(t, (app) => app.register(build), 'info')
    await started
    t.same(lines, [])
  }
})

t.test('warns of requirements in the options of register()', async (t) => {
  const auth = { roles: 'admin', optional: true }
  const nested: Record<string, [isWarned: boolean, options: object, config?: object]> = {
    config: [true, { config: { auth } }],
    auth: [true, { auth }],
    'open routes': [true, { auth }, {}],
    'options that the routes have': [false, { auth }, { auth }],
    'options of the plugin': [false, { auth: given() }],
    'options of another plugin': [false, { auth: { user: 'a', pass: 'b' }, config: null }],
    'options without requirements': [false, { auth: {}, config: { auth: false } }],
  }
  for (const [title, [isWarned, options, config]] of Object.entries(nested)) {
    const { started, lines } = startOf(t, async (app) => {
      guard(app)
      app.register(
        async (app) => {
          app.register(async (app) => {
            app.get('/', config === undefined ? {} : { config }, handler)
          })
        },
        { prefix: '/admin', ...options },
      )
    })
    await started
    const msg = /^routes lack the requirements in the options of register\(\)/
    t.match(lines, isWarned ? [{ msg, prefixes: ['/admin'] }] : [], title)
    t.equal(lines.length, isWarned ? 1 : 0)
  }
})

t.test('checks the requirements that onRoute hooks of nested contexts add', async (t) => {
  const startWith = (auth: object) =>
    startOf(t, (app) => {
      guard(app, { global: false })
      app.register(async (app) => {
        app.addHook('onRoute', (route) => {
          route.config = { ...route.config, auth }
        })
        app.get('/', handler)
      })
    })
  const { started, warnings } = startWith({ roles: 'admin' })
  await started
  t.same(warnings, [], 'a route is guarded')
  const mistaken = startWith({ role: 'admin' }).started
  await t.rejects(mistaken, { message: /^Route GET:\/: Unknown option "role"/ })
})

t.test('with global: false, warns if no route has config.auth', async (t) => {
  const warned: Record<string, [boolean, (app: FastifyInstance) => unknown]> = {
    none: [true, async (app) => app.get('/', handler)],
    'auth: false': [true, (app) => app.get('/', { config: { auth: false } }, handler)],
    'one of two': [
      false,
      (app) => {
        app.get('/', handler)
        app.get('/a', { config: { auth: true } }, handler)
      },
    ],
  }
  for (const [title, [isWarned, declare]] of Object.entries(warned)) {
    const { started, warnings } = startOf(t, (app) => {
      app.register(
        fastifyPlugin(async (app) => {
          await guard(app, { global: false })
        }),
      )
      app.register(async (app) => {
        declare(app)
      })
    })
    await started
    t.equal(warnings.length, isWarned ? 1 : 0, title)
    if (isWarned) t.match(warnings, [/^fastify-resource-server guards nothing/])
  }
  const { started, warnings } = startOf(t, (app) => {
    guard(app, { global: false })
    app.get('/before', { config: { auth: true } }, handler)
    app.register(async (app) => {
      app.get('/after', handler)
    })
  })
  await started
  t.match(warnings, [/^routes were declared before/], 'such a route may have a requirement')
  t.equal(warnings.length, 1)
})

t.test('errors name the route', async (t) => {
  const app = await protectedApi(t)
  const declare = (route: object) => () =>
    app.route({ method: 'GET', url: '/a', handler, ...route })
  const wrong: [object, RegExp][] = [
    [{ auth: { scope: 'a' } }, /^Route GET:\/a: "auth" .* config: \{ auth/],
    [{ auth: false }, /^Route GET:\/a: "auth"/],
    [{ method: ['PUT', 'POST'], config: { auth: { scope: '' } } }, /^Route PUT,POST:\/a: "scope"/],
    [
      { config: { auth: 'admin' } },
      /^Route GET:\/a: config\.auth must be .* such as { scope: 'orders:read' }, not the string "admin"/,
    ],
    [{ config: { auth: ['admin'] } }, /^Route GET:\/a: config\.auth must be .*, not an array/],
    [{ config: { Auth: true } }, /^Route GET:\/a: config\.Auth has no effect: write config\.auth$/],
    [{ config: { AUTH: true, auth: true } }, /^Route GET:\/a: config\.AUTH has no effect/],
    [
      { config: Object.create({ auth: true }) },
      /^Route GET:\/a: config\.auth must be an own property/,
    ],
  ]
  for (const [route, message] of wrong) {
    t.throws(declare(route), { name: 'TypeError', message })
  }
  t.doesNotThrow(declare({ config: { author: true } }), 'a member of another plugin')
})

t.test('A2: later changes of a declaration have no effect', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/before', handler)
  await guard(app)
  app.get('/', { config: { auth: { scope: 'admin' } } }, () => 'in')
  app.get('/any', () => 'in')
  app.get('/open', { config: { auth: false } }, handler)
  await app.inject('/open')
  const prototype = Object.prototype as Record<string, unknown>
  const polluted = { optional: true, auth: false, scope: 'read', authorization: 'Bearer x' }
  Object.assign(prototype, polluted)
  const statuses: Record<string, number> = {}
  try {
    for (const url of ['/', '/any', '/nowhere', '/before']) {
      statuses[url] = (await app.inject(url)).statusCode
    }
  } finally {
    for (const name of Object.keys(polluted)) delete prototype[name]
  }
  t.same(statuses, { '/': 401, '/any': 401, '/nowhere': 401, '/before': 401 })
  t.equal((await app.inject({ url: '/', headers: bearer(valid) })).statusCode, 403)
  t.equal((await app.inject('/')).statusCode, 401, 'nor later')
})

t.test('each route has the requirement with which it was declared', async (t) => {
  const read = { authorization: `Bearer ${await tokenOf({ scope: 'read' })}` }
  type Headers = Record<string, string>
  const statusesOf = async (app: FastifyInstance, requests: readonly [string, Headers?][]) => {
    const statuses: number[] = []
    for (const [url, headers = {}] of requests) {
      statuses.push((await app.inject({ url, headers })).statusCode)
    }
    return statuses
  }

  t.test('if the application changes one object between routes', async (t) => {
    const app = await protectedApi(t)
    const auth: { scope?: string[]; optional?: boolean; claims?: { tenant: string[] } } = {
      scope: ['admin'],
    }
    app.get('/admin', { config: { auth } }, handler)
    auth.scope?.splice(0, 1, 'read')
    app.get('/read', { config: { auth } }, handler)
    auth.claims = { tenant: ['acme'] }
    app.get('/acme', { config: { auth } }, handler)
    auth.claims.tenant[0] = 'globex'
    delete auth.claims
    delete auth.scope
    auth.optional = true
    app.get('/optional', { config: { auth } }, handler)
    const requests: [string, Headers?][] = [
      ['/admin', read],
      ['/read', read],
      ['/acme', read],
      ['/optional', read],
      ['/admin'],
      ['/read'],
      ['/optional'],
    ]
    t.same(await statusesOf(app, requests), [403, 200, 403, 200, 401, 401, 200])
    t.same(auth, { optional: true }, 'the object of the application is unchanged')
  })

  t.test('or to which an onRoute hook of a nested context changed it', async (t) => {
    const app = await protectedApi(t)
    const auth = { scope: ['read'] }
    app.register(async (app) => {
      app.addHook('onRoute', ({ url, config }) => {
        const { scope } = (config as { auth: typeof auth }).auth
        if (url.startsWith('/admin')) scope.push('admin')
      })
      app.get('/admin', { config: { auth } }, handler)
      app.post('/admin/x', { config: { auth } }, handler)
      app.get('/read', { config: { auth } }, handler)
    })
    const requests: [string, Headers?][] = [
      ['/admin', read],
      ['/read', read],
    ]
    t.same(await statusesOf(app, requests), [403, 200])
    const post = { method: 'POST', url: '/admin/x', headers: read } as const
    t.equal((await app.inject(post)).statusCode, 403)
    t.same(auth, { scope: ['read'] })
  })
})

t.test('A5: rejects a number that JSON.parse does not represent exactly', async (t) => {
  const app = await protectedApi(t)
  const unsafe = [
    Number('9007199254740993'),
    -(2 ** 53) - 2,
    2 ** 53,
    1e300,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ]
  for (const value of unsafe) {
    for (const claim of [value, [value], [1, value]]) {
      const config = { auth: { claims: { tenant: claim } } }
      t.throws(() => app.get('/x', { config }, handler), TypeError, `${claim}`)
    }
  }
  for (const value of [2 ** 53 - 1, -(2 ** 53) + 1, 0.5, -0]) {
    const config = { auth: { claims: { tenant: value } } }
    t.doesNotThrow(() => app.get(`/${value}`, { config }, handler))
  }
})

t.test('A2: rejects a route that would inherit "config" from Object.prototype', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await guard(app)
  const polluted = Object.prototype as { config?: unknown }
  polluted.config = { auth: false }
  try {
    t.throws(() => app.get('/x', handler), {
      name: 'TypeError',
      message:
        'Route GET:/x: "config" must be an own property of the route, but Object.prototype has it: ' +
        'remove it there',
    })
    t.doesNotThrow(() => app.get('/own', { config: {} }, handler))
  } finally {
    delete polluted.config
  }
  t.equal((await app.inject('/own')).statusCode, 401)
})

t.test('warns at startup of requirements outside of config.auth', async (t) => {
  const lines: unknown[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
  const app = Fastify({ logger: { level: 'warn', stream } })
  t.teardown(() => app.close())
  await guard(app, { resourceMetadata: 'https://api.example' })
  const other = { rateLimit: { max: 1 }, auth: { scope: 'orders:read' } }
  const misplaced = { scope: 'admin', roles: ['admin'] }
  app.get('/correct', { config: other as object }, handler)
  app.get('/in-config', { config: misplaced as object }, handler)
  app.delete('/in-config', { config: { scopes: ['admin'], role: 'admin' } as object }, handler)
  app.post('/in-route', { authorize: () => true } as object, handler)
  await app.ready()
  t.match(lines, [
    {
      msg: /outside of config\.auth/,
      misplaced: [
        '/in-config: config.scope',
        '/in-config: config.roles',
        '/in-config: config.scopes',
        '/in-config: config.role',
        '/in-route: authorize',
      ],
    },
  ])
  t.equal(lines.length, 1)
})
