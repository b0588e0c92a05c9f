import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, * as face from '../../src/index.js'
import { ISSUER, makeKey, sign } from '../fixtures/issuer.js'
import { bearer, given, key, tokenOf } from '../fixtures/protected-api.js'

const valid = await tokenOf()
const scoped = { config: { auth: { scope: 'admin' } } }

function api(t: Test): FastifyInstance {
  const app = Fastify()
  t.teardown(() => app.close())
  return app
}

async function statusOf(app: FastifyInstance, url: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : bearer(token)
  return (await app.inject({ url, headers })).statusCode
}

async function start(app: FastifyInstance): Promise<void> {
  await app.ready()
}

async function isGuarded(t: Test, app: FastifyInstance, url: string): Promise<void> {
  t.equal(await statusOf(app, url), 401, `${url} is guarded`)
  t.equal(await statusOf(app, url, valid), 200, `${url} accepts a valid token`)
}

async function isOpen(t: Test, app: FastifyInstance, url: string): Promise<void> {
  t.equal(await statusOf(app, url), 200, `${url} is open`)
}

t.test('awaited: guards the routes before it and after it', async (t) => {
  const app = api(t)
  app.get('/before', () => 'in')
  app.get('/before/admin', scoped, () => 'in')
  await app.register(resourceServer, given())
  app.get('/after', () => 'in')
  app.register(async (child) => {
    child.get('/child', () => 'in')
    child.register(async (grandchild) => {
      grandchild.get('/grandchild', () => 'in')
    })
  })
  for (const url of ['/before', '/after', '/child', '/grandchild']) await isGuarded(t, app, url)
  t.equal(await statusOf(app, '/before/admin', valid), 403, 'including their requirements')
})

t.test('not awaited: guards the routes before it and after it', async (t) => {
  const app = api(t)
  app.get('/before', () => 'in')
  app.get('/before/open', { config: { auth: false } }, () => 'in')
  app.register(resourceServer, given())
  app.get('/after', () => 'in')
  app.get('/after/admin', scoped, () => 'in')
  app.register(async (child) => {
    child.get('/child', () => 'in')
  })
  for (const url of ['/before', '/after', '/child']) await isGuarded(t, app, url)
  t.equal(await statusOf(app, '/after/admin', valid), 403)
  await isOpen(t, app, '/before/open')
})

t.test('accepts the namespace that require() returns as the plugin', async (t) => {
  const app = api(t)
  await app.register(face as never, given())
  app.get('/', () => 'in')
  await isGuarded(t, app, '/')
})

t.test('accepts a function of the instance as options', async (t) => {
  const app = api(t)
  app.register(resourceServer, () => given())
  app.get('/', () => 'in')
  await isGuarded(t, app, '/')
})

t.test('in a nested context, leaves routes outside open', async (t) => {
  const app = api(t)
  app.get('/outside', () => 'in')
  app.register(async (nested) => {
    await nested.register(resourceServer, given())
    nested.get('/inside', () => 'in')
  })
  app.register(async (sibling) => {
    sibling.get('/sibling', () => 'in')
  })
  await isGuarded(t, app, '/inside')
  await isOpen(t, app, '/outside')
  await isOpen(t, app, '/sibling')
  t.equal(await statusOf(app, '/nowhere'), 404)
  t.notOk(app.hasDecorator('resourceServer'))
})

t.test('guards contexts that were registered before it', async (t) => {
  for (const awaited of [true, false]) {
    const app = api(t)
    const earlier = app.register(async (scope) => {
      scope.get('/earlier', (request) => ({ user: request.claims.sub }))
      scope.get('/earlier/open', { config: { auth: false } }, ({ auth }) => ({ auth }))
      scope.get('/earlier/admin', scoped, () => 'in')
      scope.get('/earlier/bad', { config: { auth: 'x' } } as never, () => 'in')
      scope.register(async (nested) => {
        nested.get('/earlier/nested', () => 'in')
      })
    })
    if (awaited) await earlier
    app.register(resourceServer, given())
    await isGuarded(t, app, '/earlier')
    await isGuarded(t, app, '/earlier/nested')
    t.equal(await statusOf(app, '/earlier/admin', valid), 403)
    t.equal(await statusOf(app, '/earlier/bad', valid), 500)
    t.same((await app.inject('/earlier/open')).json(), { auth: null })
  }
})

t.test('each of two sibling contexts trusts only its own issuer', async (t) => {
  const other = 'https://other.example'
  const otherKey = await makeKey('ES256', 'other')
  const app = api(t)
  app.register(
    async (a) => {
      a.register(resourceServer, given({ realm: 'a' }))
      a.get('/', () => 'in')
    },
    { prefix: '/a' },
  )
  app.register(
    async (b) => {
      b.register(resourceServer, given({ issuer: other, jwks: { keys: [otherKey.publicJwk] } }))
      b.get('/', () => 'in')
    },
    { prefix: '/b' },
  )
  const ofA = valid
  const ofB = await sign(otherKey, { iss: other })
  const forged = await sign(otherKey, { iss: ISSUER }, { header: { kid: key.publicJwk.kid } })
  for (const round of ['fresh', 'verified before']) {
    t.equal(await statusOf(app, '/a', ofA), 200, round)
    t.equal(await statusOf(app, '/b', ofB), 200, round)
    t.equal(await statusOf(app, '/a', ofB), 401, round)
    t.equal(await statusOf(app, '/b', ofA), 401, round)
    t.equal(await statusOf(app, '/a', forged), 401, round)
    t.equal(await statusOf(app, '/b', forged), 401, round)
  }
  const { headers } = await app.inject('/a')
  t.equal(headers['www-authenticate'], 'Bearer realm="a"')
})

t.test('rejects a second registration in the same context or a nested one', async (t) => {
  const message = /already registered .*set "issuer" to an array.* several sibling contexts/
  const twice = api(t)
  twice.register(resourceServer, given())
  twice.register(resourceServer, given())
  await t.rejects(start(twice), { name: 'TypeError', message })

  const nested = api(t)
  nested.register(resourceServer, given())
  nested.register(async (child) => {
    await child.register(resourceServer, given())
  })
  await t.rejects(start(nested), { name: 'TypeError', message })
})

t.test('rejects a second registration in a surrounding context', async (t) => {
  const app = api(t)
  app.register(async (child) => {
    await child.register(resourceServer, given({ issuer: 'https://other.example' }))
  })
  app.register(resourceServer, given())
  // Fastify adds hooks to existing child contexts: both would guard the inner one.
  await t.rejects(start(app), { name: 'TypeError', message: /already registered/ })
})

t.test('a failed registration prevents the start', async (t) => {
  const app = api(t)
  app.register(resourceServer, given({ audience: '' }))
  app.get('/', () => 'in')
  await t.rejects(start(app), { name: 'TypeError', message: /"audience" option/ })
  const bare = api(t)
  bare.register(resourceServer, undefined as never)
  await t.rejects(start(bare), { name: 'TypeError', message: /"issuer" option/ })
})

t.test('rejects the option prefix, which would have no effect', async (t) => {
  const app = api(t)
  app.register(resourceServer, { ...given(), prefix: '/api' })
  await t.rejects(start(app), {
    name: 'TypeError',
    message:
      '"prefix" option has no effect here: register the plugin in an encapsulation context that has the prefix',
  })
})

class Admin {
  get scope(): string {
    return 'admin'
  }
}

const mistakes: [title: string, auth: unknown, message: RegExp][] = [
  [
    'a misspelt key',
    { scopes: 'admin' },
    /Unknown option "scopes" of config\.auth\..* Known: scope/,
  ],
  ['a key of another plugin', { realm: 'admin' }, /Unknown option "realm"/],
  ['one role', { role: 'admin' }, /Unknown option "role" .* Did you mean "roles"\?/],
  ['null', null, /config\.auth must be true, false, or an object/],
  ['a string', 'admin', /config\.auth must be/],
  ['an array', ['admin'], /config\.auth must be/],
  ['a number', 1, /config\.auth must be/],
  ['a function', () => true, /config\.auth must be/],
  ['an empty scope', { scope: '' }, /"scope" must have one or more scope tokens/],
  ['no scope', { scope: [] }, /"scope" must have/],
  ['two spaces in a scope', { scope: 'a  b' }, /"scope" must have/],
  ['a space in a scope of an array', { scope: ['a b'] }, /"scope" must have/],
  ['a quotation mark in a scope', { scope: 'a"b' }, /"scope" must have/],
  ['a backslash in a scope', { scope: 'a\\b' }, /"scope" must have/],
  ['a newline in a scope', { scope: 'a\r\nb' }, /"scope" must have/],
  ['a letter beyond ASCII in a scope', { scope: 'é' }, /"scope" must have/],
  ['a scope that is no string', { scope: [1] }, /"scope" must have/],
  ['a scope that is null', { scope: null }, /"scope" must have/],
  ['a scope that is a Set', { scope: new Set(['admin']) }, /"scope" must have/],
  ['anyScope as a string', { anyScope: 'a b' }, /"anyScope" must have/],
  ['no anyScope', { anyScope: [] }, /"anyScope" must have/],
  ['no roles', { roles: [] }, /"roles" must be a non-empty string, or a non-empty array/],
  ['an empty role', { roles: '' }, /"roles" must be/],
  ['a role that is a number', { roles: [1] }, /"roles" must be/],
  ['a hole among groups', { groups: new Array(1).concat('a') }, /"groups" must be/],
  ['groups as a Set', { groups: new Set(['a']) }, /"groups" must be/],
  ['permissions as null', { permissions: null }, /"permissions" must be/],
  ['anyRole as a string', { anyRole: 'a' }, /"anyRole" must be a non-empty array/],
  ['no anyGroup', { anyGroup: [] }, /"anyGroup" must be/],
  ['an empty anyPermission', { anyPermission: [''] }, /"anyPermission" must be/],
  ['claims without a member', { claims: {} }, /"claims" must be an object with one or more/],
  ['claims as an array', { claims: ['tenant'] }, /"claims" must be an object/],
  ['claims as null', { claims: null }, /"claims" must be an object/],
  ['claims as a string', { claims: 'tenant' }, /"claims" must be an object/],
  ['a claim that is undefined', { claims: { tenant: undefined } }, /"tenant"/],
  ['a claim that is null', { claims: { tenant: null } }, /"tenant"/],
  ['a claim that is NaN', { claims: { tenant: Number.NaN } }, /"tenant"/],
  ['a claim that is an object', { claims: { tenant: { is: 'acme' } } }, /"tenant"/],
  ['a claim that is a regular expression', { claims: { tenant: /acme/ } }, /"tenant"/],
  ['a claim of no values', { claims: { tenant: [] } }, /"tenant"/],
  ['a claim of nested values', { claims: { tenant: [['acme']] } }, /"tenant"/],
  ['authorize that is no function', { authorize: true }, /"authorize" must be a function/],
  ['authorize that is null', { authorize: null }, /"authorize" must be a function/],
  [
    'optional that is no boolean',
    { optional: 'yes' },
    /config\.auth\.optional must be true or false/,
  ],
  // An object that is not plain looks empty, and an empty requirement accepts every token.
  ['undefined, as of a misspelt constant', undefined, /config\.auth must be/],
  ['a Map', new Map([['scope', 'admin']]), /config\.auth must be/],
  ['a Set', new Set(['admin']), /config\.auth must be/],
  ['a promise', Promise.resolve({ scope: 'admin' }), /config\.auth must be/],
  ['a Date', new Date(), /config\.auth must be/],
  ['an instance of a class', new Admin(), /config\.auth must be/],
  ['an object that inherits', Object.create({ scope: 'admin' }), /config\.auth must be/],
  [
    'an object that inherits from one without a prototype',
    Object.create(Object.assign(Object.create(null), { scope: 'admin' })),
    /config\.auth must be/,
  ],
  ['claims as a Map', { claims: new Map([['tenant', 'acme']]) }, /"claims" must be an object/],
  [
    'claims that inherit',
    { claims: Object.create({ tenant: 'acme' }) },
    /"claims" must be an object/,
  ],
]

t.test('rejects an invalid requirement when the route is declared', async (t) => {
  for (const [title, auth, message] of mistakes) {
    const app = api(t)
    await app.register(resourceServer, given())
    const declare = () => app.get('/', { config: { auth } as never }, () => 'in')
    t.throws(declare, { name: 'TypeError', message }, title)
  }
})

t.test(
  'responds with 500 to a route with an invalid requirement declared before the plugin',
  async (t) => {
    for (const global of [true, false]) {
      const app = api(t)
      for (const [i, [, auth]] of mistakes.entries()) {
        app.get(`/${i}`, { config: { auth } as never }, () => 'in')
      }
      app.register(resourceServer, given({ global }))
      for (const [i, [title]] of mistakes.entries()) {
        t.equal(await statusOf(app, `/${i}`), 500, title)
        t.equal(await statusOf(app, `/${i}`, valid), 500, `${title}, with a valid token`)
      }
    }
  },
)

t.test('rejects a config that inherits auth, because Fastify would drop it', async (t) => {
  for (const global of [true, false]) {
    const app = api(t)
    await app.register(resourceServer, given({ global }))
    const config = Object.create({ auth: { scope: 'admin' } })
    t.throws(() => app.get('/', { config }, () => 'in'), { message: /an own property/ })
  }
})

t.test('accepts a requirement without a prototype', async (t) => {
  const app = api(t)
  await app.register(resourceServer, given())
  const claims = Object.assign(Object.create(null), { tenant: 'acme' })
  app.get('/', { config: { auth: Object.assign(Object.create(null), { claims }) } }, () => 'in')
  t.equal(await statusOf(app, '/', valid), 403)
  t.equal(await statusOf(app, '/', await tokenOf({ tenant: 'acme' })), 200)
})

t.test('accepts one config for several routes, frozen or not', async (t) => {
  const app = api(t)
  await app.register(resourceServer, given())
  const config = Object.freeze({ auth: Object.freeze({ scope: 'admin' }) })
  app.get('/a', { config }, () => 'in')
  app.get('/b', { config }, () => 'in')
  const admin = await tokenOf({ scope: 'admin' })
  for (const url of ['/a', '/b']) {
    t.equal(await statusOf(app, url, valid), 403)
    t.equal(await statusOf(app, url, admin), 200)
  }
})

t.test('treats a config of null as absent', async (t) => {
  const app = api(t)
  await app.register(resourceServer, given())
  app.get('/', { config: null } as never, () => 'in')
  await isGuarded(t, app, '/')
})

t.test('applies what other plugins write into config.auth', async (t) => {
  const app = api(t)
  app.addHook('onRoute', (route) => {
    if (route.url === '/early') route.config = { ...route.config, auth: { scope: 'admin' } }
  })
  await app.register(resourceServer, given())
  app.addHook('onRoute', (route) => {
    if (route.url === '/late') route.config = { ...route.config, auth: { scope: 'admin' } }
    if (route.url === '/in-place') Object.assign(route.config ?? {}, { auth: { scope: 'admin' } })
  })
  app.get('/early', () => 'in')
  app.get('/late', () => 'in')
  app.get('/in-place', { config: {} }, () => 'in')
  for (const url of ['/early', '/late', '/in-place']) {
    t.equal(await statusOf(app, url), 401, url)
    t.equal(await statusOf(app, url, valid), 403, url)
  }
})

t.test('runs the hooks of a route after the guard', async (t) => {
  const app = api(t)
  await app.register(resourceServer, given())
  const subjects: unknown[] = []
  app.get(
    '/',
    {
      onRequest: async (request) => {
        subjects.push(request.claims.sub)
      },
    },
    () => 'in',
  )
  await isGuarded(t, app, '/')
  t.same(subjects, ['user-1'])
})

t.test('close() releases all resources', async (t) => {
  const run = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const script = fileURLToPath(new URL('../fixtures/closing-api.ts', import.meta.url))
      const child = [...process.execArgv, script, ...args]
      const options = { timeout: 60_000, env: { ...process.env, TAP: '0' } }
      execFile(process.execPath, child, options, (error, stdout) =>
        error === null ? resolve(stdout.trim()) : reject(error),
      )
    })

  t.test('with static keys', async (t) => {
    t.equal(await run(), '200')
  })

  t.test('with fetched keys', async (t) => {
    const paths: (string | undefined)[] = []
    const server = createServer((request, response) => {
      paths.push(request.url)
      const metadata = { issuer: origin, jwks_uri: `${origin}/keys` }
      const body = request.url === '/keys' ? { keys: [key.publicJwk] } : metadata
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    })
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    t.equal(await run(origin), '401', 'its key is not published by the issuer')
    const once = ['/.well-known/openid-configuration', '/keys']
    t.same(paths, [...once, ...once], 'one refetch for a newer key')
  })

  t.test('with a fetch in flight', async (t) => {
    const app = Fastify()
    let aborted = false
    let begun = () => {}
    const fetching = new Promise<void>((resolve) => {
      begun = resolve
    })
    await app.register(
      resourceServer,
      given({
        jwks: {
          fetch: (_url, { signal }) =>
            new Promise((_, reject) => {
              begun()
              signal.addEventListener('abort', () => {
                aborted = true
                reject(signal.reason)
              })
            }),
        },
      }),
    )
    app.get('/', () => 'in')
    const response = app.inject({ url: '/', headers: bearer(valid) })
    await fetching
    await app.close()
    t.ok(aborted)
    t.equal((await response).statusCode, 503)
  })
})
