/** A3: a failed registration leaves no route open, even if the application continues. */
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, { memoryStore, type PluginOptions } from '../../src/index.js'
import { STORE_METHODS } from '../../src/stores/store.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'

const valid = await tokenOf()
const hangs = () => new Promise<never>(() => {})

function methodsOf(store: object): object {
  return Object.fromEntries(
    STORE_METHODS.map((name) => [name, async () => Reflect.get(store, name)]),
  )
}

/** Registrations that fail at different moments. */
const failing: Record<string, () => PluginOptions> = {
  'an unknown option': () => given({ unknown: 1 } as never),
  'no options': () => undefined as never,
  'a wrong option': () => given({ audience: 7 } as never),
  'keys that cannot be read': () => given({ jwks: { keys: [{ kty: 'RSA' }] } as never }),
  'metadata below a prefix': () => given({ resourceMetadata: 'https://api.example' }),
}

const swallowing: Record<string, (app: FastifyInstance, options: PluginOptions) => unknown> = {
  'after (error)': (app, options) => app.register(resourceServer, options).after((_error) => {}),
  'after (error, done)': (app, options) =>
    app
      .register(resourceServer, options)
      .after(((_error: unknown, done: () => void) => done()) as never),
  'after async': (app, options) =>
    app.register(resourceServer, options).after(async (_error) => {}),
}

async function apiThatGoesOn(
  t: Test,
  register: (app: FastifyInstance) => unknown,
): Promise<{ app: FastifyInstance; lines: Record<string, unknown>[] }> {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
  const app = Fastify({ logger: { level: 'warn', stream }, pluginTimeout: 300 })
  t.teardown(() => app.close())
  app.setNotFoundHandler(() => t.fail('reached'))
  await app.register(cors, { origin: false })
  await app.register(
    async (api) => {
      api.get('/before', () => t.fail('reached'))
      api.register(async (child) => {
        child.get('/child-before', () => t.fail('reached'))
      })
      register(api)
      api.get('/', () => t.fail('reached'))
      api.get('/open', { config: { auth: false } }, () => t.fail('reached'))
      api.options('*', () => t.fail('reached'))
      api.register(async (child) => {
        child.get('/child', () => t.fail('reached'))
      })
    },
    { prefix: '/api' },
  )
  return { app, lines }
}

const paths = ['/api', '/api/open', '/api/before', '/api/child', '/api/child-before']

for (const [moment, options] of Object.entries(failing)) {
  t.test(`${moment}: rejects every request with 503`, async (t) => {
    for (const [title, swallow] of Object.entries(swallowing)) {
      const { app, lines } = await apiThatGoesOn(t, (app) => swallow(app, options()))
      for (const url of paths) {
        for (const headers of [{}, bearer(valid)]) {
          const response = await app.inject({ url, headers })
          t.equal(response.statusCode, 503, `${title} ${url}`)
          t.match(response.json(), { code: 'not_registered', statusCode: 503 })
        }
      }
      const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
      const preflight = { method: 'OPTIONS', url: '/api/x', headers } as const
      t.equal((await app.inject(preflight)).statusCode, 503)
      const messages = lines.filter(({ msg }) => /registration .* failed/.test(`${msg}`))
      t.equal(messages.length, 1, 'logged once')
      t.match(messages[0], { level: 50, err: { type: /Error/, message: /./ } })
    }
  })
}

t.test('rejects requests if the registration exceeds the timeout of Fastify', async (t) => {
  // The start continues after two seconds without a response of the store.
  const hanging = { ...methodsOf(memoryStore()), list: hangs, get: hangs, subscribe: hangs }
  const options = given({ stores: { revocations: hanging as never } })
  const { app } = await apiThatGoesOn(t, (app) => swallowing['after (error)']?.(app, options))
  for (let i = 0; i < 2; i++) {
    for (const url of paths) t.equal((await app.inject(url)).statusCode, 503, url)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
  }
})

t.test('a second registration that fails closes its context', async (t) => {
  const { app } = await apiThatGoesOn(t, (app) => {
    app.register(resourceServer, given())
    app.register(resourceServer, given()).after((_error) => {})
  })
  for (const url of paths) {
    t.equal((await app.inject({ url, headers: bearer(valid) })).statusCode, 503)
  }
})

t.test('a throwing logger opens no route', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(resourceServer, {} as never).after((_error) => {})
  app.addHook('onRequest', async () => t.fail('reached'))
  app.get('/', () => t.fail('reached'))
  await app.ready()
  app.log.error = () => {
    throw new Error('disk full')
  }
  t.equal((await app.inject('/')).statusCode, 503)
})

t.test('does not disclose the cause to callers', async (t) => {
  const { app } = await apiThatGoesOn(t, (app) =>
    app.register(resourceServer, given({ sekrit: 1 } as never)).after((_error) => {}),
  )
  const { body } = await app.inject('/api')
  t.notMatch(body, /sekrit/)
})

t.test('the API does not start unless the application catches the error', async (t) => {
  for (const options of Object.values(failing)) {
    const app = Fastify()
    t.teardown(() => app.close())
    app.register(async (api) => api.register(resourceServer, options()), { prefix: '/api' })
    await t.rejects(Promise.resolve(app.ready()), TypeError)
  }
})

t.test('rejects preflights as well', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(resourceServer, given({ audience: 7 } as never)).after((_error) => {})
  app.register(cors, { origin: true })
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
  t.equal((await app.inject({ method: 'OPTIONS', url: '/x', headers })).statusCode, 503)
})

t.test('another context reaches no 404 handler of a failed context', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.get('/outside', (_request, reply) => reply.callNotFound())
  app.register(async (api) => {
    api.register(resourceServer, given({ audience: 7 } as never)).after((_error) => {})
    api.setNotFoundHandler(() => t.fail('reached'))
  })
  t.equal((await app.inject({ url: '/outside', headers: bearer(valid) })).statusCode, 503)
})
