/** A1: a preflight that no plugin responds to reaches no handler without a token. */
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import t, { type Test } from 'tap'
import resourceServer from '../../src/index.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'
import { exchange, parseResponse, rawRequest } from '../fixtures/raw-http.js'

const valid = await tokenOf()
const origin = 'https://evil.example'
const preflight = { origin, 'access-control-request-method': 'GET' }

type Register = (app: FastifyInstance) => unknown

/** Every configuration in which `@fastify/cors` forwards a preflight. */
const declining: Record<string, FastifyCorsOptions> = {
  'origin: false': { origin: false },
  'a callback that denies': { origin: (_origin, callback) => callback(null, false) },
  'an async function that denies': { origin: async () => false },
  'a delegator that denies': {
    delegator: (_request, callback) => callback(null, { origin: false }),
  },
  'an async delegator that denies': { delegator: async () => ({ origin: false }) },
  'preflight: false': { origin: true, preflight: false },
  preflightContinue: { origin: true, preflightContinue: true },
  'preflightContinue, denied': { origin: false, preflightContinue: true },
  ...Object.fromEntries(
    (['preParsing', 'preValidation', 'preHandler', 'preSerialization'] as const).map((hook) => [
      `hook: ${hook}, denied`,
      { origin: false, hook },
    ]),
  ),
  'hook: preSerialization': { origin: true, hook: 'preSerialization' },
}

const orders: Record<string, (app: FastifyInstance, other: Register) => Promise<void>> = {
  'other plugin before': async (app, other) => {
    await other(app)
    await app.register(resourceServer, given())
  },
  'other plugin after': async (app, other) => {
    await app.register(resourceServer, given())
    await other(app)
  },
  'not awaited': async (app, other) => {
    app.register(resourceServer, given())
    other(app)
  },
}

function apiWith(t: Test): { app: FastifyInstance; reached: string[] } {
  const app = Fastify()
  t.teardown(() => app.close())
  const reached: string[] = []
  app.setNotFoundHandler((request, reply) => {
    reached.push(`404 for ${request.auth?.subject}`)
    return reply.code(404).send()
  })
  app.get('/', () => 'in')
  return { app, reached }
}

for (const [order, register] of Object.entries(orders)) {
  t.test(order, async (t) => {
    for (const [title, options] of Object.entries(declining)) {
      const { app, reached } = apiWith(t)
      await register(app, (app) => app.register(cors, options))
      for (const url of ['/', '/secret/anything?id=1']) {
        const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
        t.equal(response.statusCode, 401, title)
        t.match(response.headers['www-authenticate'], /^Bearer /)
        t.same(reached, [], title)
      }
      const headers = { ...preflight, ...bearer('not-a-token') }
      t.equal((await app.inject({ method: 'OPTIONS', url: '/x', headers })).statusCode, 401)
      t.same(reached, [])
    }
  })

  t.test(`${order}: a plugin may respond to preflights in any hook`, async (t) => {
    for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
      const { app, reached } = apiWith(t)
      await register(app, (app) => app.register(cors, { origin: true, hook }))
      for (const url of ['/', '/nowhere']) {
        const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
        t.equal(response.statusCode, 204, hook)
        t.equal(response.headers['access-control-allow-origin'], origin)
      }
      t.same(reached, [])
    }
  })

  t.test(`${order}: guards a preflight that a plugin forwards`, async (t) => {
    const passing: Record<string, Register> = {
      'from the handler': (app) => app.options('*', (_request, reply) => reply.callNotFound()),
      'from a hook': (app) =>
        app.register(
          fastifyPlugin(async (app) => {
            app.addHook('preValidation', async (_request, reply) => {
              reply.callNotFound()
              return reply
            })
            app.options('*', () => t.fail('reached'))
          }),
        ),
      'to its own handler': (app) => app.options('*', () => t.fail('reached')),
      'to a handler below a prefix': (app) =>
        app.register(
          async (app) => {
            app.options('*', () => t.fail('reached'))
          },
          { prefix: '/api' },
        ),
    }
    for (const [title, pass] of Object.entries(passing)) {
      const { app, reached } = apiWith(t)
      await register(app, pass)
      for (const url of ['/x', '/api/x', '/api']) {
        const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
        t.equal(response.statusCode, 401, title)
      }
      t.same(reached, [], title)
    }
  })
}

t.test('a preflight with a token is guarded like any request', async (t) => {
  const { app, reached } = apiWith(t)
  await app.register(cors, { origin: false })
  await app.register(resourceServer, given())
  const headers = { ...preflight, ...bearer(valid) }
  t.equal((await app.inject({ method: 'OPTIONS', url: '/x', headers })).statusCode, 404)
  t.same(reached, ['404 for user-1'], "the handler sees the token's subject")
})

t.test('guards a request that an earlier onRequest hook forwards', async (t) => {
  const { app, reached } = apiWith(t)
  app.addHook('onRequest', async (request, reply) => {
    if (request.host !== 'evil.example') return
    reply.callNotFound()
    return reply
  })
  await app.register(resourceServer, given())
  const request = { url: '/', headers: { host: 'evil.example' } }
  t.equal((await app.inject(request)).statusCode, 401)
  t.same(reached, [])
  const headers = { ...request.headers, ...bearer(valid) }
  t.equal((await app.inject({ ...request, headers })).statusCode, 404)
  t.same(reached, ['404 for user-1'])
})

t.test('guards a request that an outer context forwards to a guarded 404 handler', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const reached: unknown[] = []
  await app.register(cors, { origin: false })
  app.get('/outside', (_request, reply) => reply.callNotFound())
  await app.register(async (api) => {
    await api.register(resourceServer, given())
    api.get('/', () => 'in')
    // Without a prefix, this is the 404 handler of the whole server.
    api.setNotFoundHandler((request) => {
      reached.push(request.auth?.subject)
      return 'in'
    })
  })
  t.equal((await app.inject({ method: 'OPTIONS', url: '/', headers: preflight })).statusCode, 401)
  t.equal((await app.inject('/outside')).statusCode, 401)
  t.same(reached, [])
  t.equal((await app.inject({ url: '/outside', headers: bearer(valid) })).statusCode, 200)
  t.same(reached, ['user-1'])
})

t.test('an open route may forward a request', async (t) => {
  const { app, reached } = apiWith(t)
  await app.register(resourceServer, given())
  app.get('/assets/*', { config: { auth: false } }, (_request, reply) => reply.callNotFound())
  t.equal((await app.inject('/assets/none.css')).statusCode, 404)
  t.same(reached, ['404 for undefined'])
})

t.test('a 404 handler with config.auth requires it of forwarded requests', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, given())
  let calls = 0
  const auth = { scope: 'admin', authorize: () => ++calls > 0 }
  // Fastify's types omit "config" here.
  app.setNotFoundHandler({ config: { auth } } as object, () => 'in')
  app.get('/open', { config: { auth: false } }, (_request, reply) => reply.callNotFound())
  app.get('/read', { config: { auth: { scope: 'read' } } }, (_request, reply) =>
    reply.callNotFound(),
  )
  app.get(
    '/hook',
    {
      preValidation: async (_request, reply) => {
        reply.callNotFound()
        return reply
      },
    },
    () => t.fail('reached'),
  )
  const [read, admin] = [await tokenOf({ scope: 'read' }), await tokenOf({ scope: 'read admin' })]
  for (const url of ['/open', '/read', '/hook', '/nowhere']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.equal((await app.inject({ url, headers: bearer(read) })).statusCode, 403, url)
    calls = 0
    t.equal((await app.inject({ url, headers: bearer(admin) })).body, 'in', url)
    t.equal(calls, 1, `${url}: is evaluated once`)
  }
})

t.test('a 404 handler with config.auth: true requires any token, with false none', async (t) => {
  for (const [auth, status] of [
    [true, 401],
    [false, 200],
  ] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(resourceServer, given())
    app.setNotFoundHandler({ config: { auth } } as object, () => 'in')
    app.get('/open', { config: { auth: false } }, (_request, reply) => reply.callNotFound())
    app.get('/any', (_request, reply) => reply.callNotFound())
    t.equal((await app.inject('/open')).statusCode, status)
    t.equal((await app.inject('/nowhere')).statusCode, status)
    t.equal((await app.inject('/any')).statusCode, 401)
    t.equal((await app.inject({ url: '/any', headers: bearer(valid) })).statusCode, 200)
  }
})

t.test('with global: false, the 404 handler is open', async (t) => {
  const { app, reached } = apiWith(t)
  await app.register(cors, { origin: false })
  await app.register(resourceServer, given({ global: false }))
  t.equal((await app.inject({ method: 'OPTIONS', url: '/', headers: preflight })).statusCode, 404)
  t.equal(reached.length, 1)
})

t.test('a polluted prototype turns no request into a preflight', async (t) => {
  const { app, reached } = apiWith(t)
  await app.register(resourceServer, given())
  await app.register(cors, { strictPreflight: false, preflightContinue: true })
  await app.ready()
  const prototype = Object.prototype as Record<string, unknown>
  Object.assign(prototype, preflight)
  t.teardown(() => {
    for (const name of Object.keys(preflight)) delete prototype[name]
  })
  t.equal((await app.inject({ method: 'OPTIONS', url: '/' })).statusCode, 401)
  t.same(reached, [])
})

t.test('rejects a request with a body before parsing it', async (t) => {
  const { app, reached } = apiWith(t)
  const parsed: string[] = []
  app.addContentTypeParser('text/x', { parseAs: 'string' }, (_request, body, done) => {
    parsed.push(`${body}`)
    done(null, body)
  })
  await app.register(cors, { origin: false })
  await app.register(resourceServer, given())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const lines = ['Origin: a', 'Access-Control-Request-Method: GET', 'Content-Type: text/x']
  const send = (lines: readonly string[], body: string) =>
    rawRequest(port, { method: 'OPTIONS', path: '/x', lines, body })
  t.equal((await send(lines, 'x')).status, 401)
  for (const coding of ['Transfer-Encoding: chunked', 'TRANSFER-ENCODING: gzip, chunked']) {
    const head = [`OPTIONS /x HTTP/1.1`, 'Host: a', ...lines, coding, 'Connection: close']
    const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n1\r\nx\r\n0\r\n\r\n`)
    t.equal(parseResponse(await exchange(port, bytes)).status, 401)
  }
  t.same(parsed, [])
  t.same(reached, [])
  t.equal((await send([...lines, `Authorization: Bearer ${valid}`], 'x')).status, 404)
  t.same(parsed, ['x'], 'with a token it is parsed')
})

t.test('rejects a request that is not a preflight before any other hook runs', async (t) => {
  const { app } = apiWith(t)
  const hooked: string[] = []
  await app.register(resourceServer, given())
  app.addHook('preValidation', async ({ url }) => void hooked.push(url))
  app.options('*', () => t.fail('reached'))
  app.options('/files/*', () => t.fail('reached'))
  app.options('/own*', { config: { auth: { scope: 'admin' } } }, () => t.fail('reached'))
  const send = (url: string, headers: Record<string, string>) =>
    app.inject({ method: 'OPTIONS', url, headers })
  for (const url of ['/files/x', '/own', '/own/x']) {
    t.equal((await send(url, preflight)).statusCode, 401, url)
  }
  t.same(hooked, [])
  t.equal((await send('/x', preflight)).statusCode, 401)
  t.same(hooked, ['/x'], 'a preflight is rejected after the hooks')
})

t.test('the guard of the 404 handler checks a request that another guard admitted', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (one) => {
    await one.register(resourceServer, given())
    one.get('/one', { config: { auth: false } }, (_request, reply) => reply.callNotFound())
  })
  await app.register(async (other) => {
    await other.register(resourceServer, given())
    other.get('/other', () => 'in')
    other.setNotFoundHandler(() => 'in')
  })
  t.equal((await app.inject('/one')).statusCode, 401)
  t.equal((await app.inject({ url: '/one', headers: bearer(valid) })).statusCode, 200)
})

t.test('accepts a preflight with Content-Length 0', async (t) => {
  const { app } = apiWith(t)
  await app.register(resourceServer, given())
  await app.register(cors, { origin: true })
  const headers = { ...preflight, 'content-length': '0', 'content-type': 'application/json' }
  t.equal((await app.inject({ method: 'OPTIONS', url: '/x', headers })).statusCode, 204)
})

t.test(
  'handles unusual spellings and a thousand concurrent preflights over the wire',
  async (t) => {
    const { app, reached } = apiWith(t)
    await app.register(cors, { origin: false })
    await app.register(resourceServer, given())
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const spellings = [
      ['Origin:', 'Access-Control-Request-Method:'],
      ['ORIGIN: null', 'ACCESS-CONTROL-REQUEST-METHOD: GET'],
      ['Origin: a', 'Origin: b', 'Access-Control-Request-Method: GET'],
      ['Origin: \xe9', 'Access-Control-Request-Method: \xe9'],
      [`Origin: ${'x'.repeat(8_000)}`, 'Access-Control-Request-Method: *'],
      ['Origin: a', 'Access-Control-Request-Method: GET', 'Authorization:'],
    ]
    for (const lines of spellings) {
      for (const path of ['/', '*', '/a%2f..', '//evil.example/']) {
        const { status } = await rawRequest(port, { method: 'OPTIONS', path, lines })
        t.not(status, 404, path)
        t.ok(status === 401 || status === 400, `${path} ${lines[0]?.slice(0, 20)}: ${status}`)
      }
    }
    const responses = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) =>
        app.inject({ method: 'OPTIONS', url: `/${i}`, headers: preflight }),
      ),
    )
    t.ok(responses.every(({ statusCode }) => statusCode === 401))
    t.same(reached, [])
  },
)
