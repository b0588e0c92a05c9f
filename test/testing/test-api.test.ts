import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import resourceServer from '../../src/index.js'
import {
  type EmbeddedIssuerOptions,
  type TestUserClaims,
  testApi,
  testUser,
} from '../../src/testing/index.js'

async function buildApp(options: EmbeddedIssuerOptions): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(resourceServer, options)
  app.get('/me', async ({ auth }) => ({
    user: auth?.subject,
    roles: [...(auth?.roles ?? [])],
    scope: [...(auth?.scope ?? [])],
  }))
  app.post('/orders', { config: { auth: { roles: 'admin' } } }, async ({ body, headers }) => ({
    body,
    trace: headers['x-trace'],
  }))
  return app
}

t.test('sends requests with a token of the user', async (t) => {
  await using api = await testApi(buildApp)
  const ada = api.asUser({ sub: 'ada', roles: ['admin', 'editor'], scope: 'orders:read' })
  const { statusCode, body } = await ada.inject('/me')
  t.equal(statusCode, 200)
  t.same(JSON.parse(body), { user: 'ada', roles: ['admin', 'editor'], scope: ['orders:read'] })
})

t.test('sends the method, the headers and the body of a request', async (t) => {
  await using api = await testApi(buildApp)
  const request = {
    method: 'POST',
    url: '/orders',
    headers: { 'x-trace': '7' },
    payload: { item: 'tea' },
  } as const
  const response = await api.asUser({ roles: ['admin'] }).inject(request)
  t.same(response.json(), { body: { item: 'tea' }, trace: '7' })
  t.equal((await api.asUser({ roles: ['editor'] }).inject(request)).statusCode, 403)
  t.equal((await api.app.inject(request)).statusCode, 401)
})

t.test('the first user of the server is the default', async (t) => {
  await using api = await testApi(buildApp, { users: [{ ...testUser, username: 'grace' }] })
  t.match((await api.asUser().inject('/me')).json(), { user: 'grace' })
  t.match((await api.asUser({ scope: ['a', 'b'] }).inject('/me')).json(), { scope: ['a', 'b'] })
})

t.test('each request has a new token, so that a caller can outlive one', async (t) => {
  let now = Date.now()
  await using api = await testApi(buildApp, { accessTokenLifetime: 1, now: () => now })
  const caller = api.asUser()
  t.equal((await caller.inject('/me')).statusCode, 200)
  now -= 60_000
  t.equal((await caller.inject('/me')).statusCode, 401)
  now += 60_000
  t.equal((await caller.inject('/me')).statusCode, 200)
})

t.test('works with every profile of the server', async (t) => {
  const claims: Record<string, TestUserClaims> = {
    standard: { roles: ['admin'] },
    okta: {},
    auth0: {},
    entra: { roles: ['admin'] },
    'entra-v1': { roles: ['admin'] },
    cognito: {},
    keycloak: { realm_access: { roles: ['admin'] } },
  }
  for (const [profile, given] of Object.entries(claims)) {
    const options = { profile: profile as 'standard' }
    await using api = await testApi(buildApp, options)
    const response = await api.asUser(given).inject('/me')
    t.equal(response.statusCode, 200, profile)
    if (Object.keys(given).length > 0) t.ok(response.json().roles.includes('admin'), profile)
  }
})

t.test('passes all audiences of the server to the application', async (t) => {
  const audience = ['https://api.example', 'https://other.example']
  await using api = await testApi(
    async (options) => {
      t.strictSame(options.audience, audience)
      return await buildApp(options)
    },
    { audience },
  )
  t.equal((await api.asUser().inject('/me')).statusCode, 200)
})

t.test('rejects a request that has the header Authorization', async (t) => {
  await using api = await testApi(buildApp)
  const headers = { Authorization: 'Bearer secret' }
  const error = await api
    .asUser()
    .inject({ url: '/me', headers })
    .catch((error: unknown) => error)
  t.match(error, { name: 'TypeError', message: /"headers" must not contain "authorization"/ })
  t.notMatch((error as Error).message, /secret/)
})

t.test('closes the application and the server', async (t) => {
  const api = await testApi(buildApp)
  let closed = 0
  api.app.addHook('onClose', async () => {
    closed += 1
  })
  await api.close()
  t.equal(closed, 1)
  await t.rejects(fetch(api.authorizationServer.jwksUri))
})

t.test('closes the server if the application cannot be closed', async (t) => {
  const api = await testApi(buildApp)
  api.app.addHook('onClose', async () => {
    throw new Error('still busy')
  })
  await t.rejects(api.close(), /still busy/)
  await t.rejects(fetch(api.authorizationServer.jwksUri))
})

t.test('closes the server if the application cannot be built', async (t) => {
  let issuer = ''
  const build = async (options: EmbeddedIssuerOptions): Promise<FastifyInstance> => {
    issuer = options.issuer
    throw new Error('no database')
  }
  await t.rejects(testApi(build), /no database/)
  await t.rejects(fetch(`${issuer}/.well-known/openid-configuration`))
})

t.test('names an invalid argument', async (t) => {
  const app = Fastify() as unknown as () => FastifyInstance
  await t.rejects(testApi(app), /"build" must be a function/)
  const options = { profil: 'okta' }
  await t.rejects(testApi(buildApp, options as object), /Unknown option "profil"/)
  const forgotten = (() => undefined) as unknown as () => FastifyInstance
  await t.rejects(testApi(forgotten), {
    name: 'TypeError',
    message: 'the result of build() must be an object',
  })
  await using api = await testApi(buildApp)
  t.throws(() => api.asUser('ada' as never), { name: 'TypeError', message: '"claims" must be' })
  const nothing = api.asUser().inject(undefined as never)
  await t.rejects(nothing, { message: 'the argument of inject() must be an object' })
})
