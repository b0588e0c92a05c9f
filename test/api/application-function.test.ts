import Fastify, { type FastifyRequest, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  InvalidTokenError,
  StoreUnavailableError,
} from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { bearer, key, tokenOf } from '../fixtures/protected-api.js'

const CLIENT_ID = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
const SECRET = 'postgres://user:pw@db'
const jwks = { keys: [key.publicJwk] }

const TEAPOT = Object.assign(new Error(`418 ${SECRET}`), {
  statusCode: 418,
  expose: true,
  headers: { 'x-db': SECRET },
})

const thrown = (): unknown[] => [
  new Error(SECRET),
  TEAPOT,
  SECRET,
  { message: SECRET, statusCode: 400 },
  null,
  undefined,
]

interface Called {
  options?: object
  /** The requirement of the route. */
  auth?: object
  /** Runs in the handler. */
  read?: (request: FastifyRequest) => unknown
  server?: FastifyServerOptions
  /** Headers of a proxy. If set, the request has a token that is bound to a key. */
  forwarded?: object
}

async function responseTo(t: Test, called: Called, headers: object) {
  const { options, auth, read = () => 'in', server } = called
  const logged: string[] = []
  // Fastify's own serializer would call "trustProxy".
  const serializers = { req: () => ({}) }
  const logger = { serializers, stream: { write: (line: string) => logged.push(line) } }
  const app = Fastify({ logger, ...server })
  t.teardown(() => app.close())
  await app.register(resourceServer, { issuer: ISSUER, audience: AUDIENCE, jwks, ...options })
  app.get('/', { config: auth === undefined ? {} : { auth } }, async (request) => read(request))
  const response = await app.inject({ url: '/', headers: { ...headers } })
  return { response, logged: logged.join('') }
}

const profile = (reader: object) => ({ options: { profile: { name: 'ours', ...reader } } })

/** For each function, by its name in the message: how to call it, with `fail` in its place. */
function functions(fail: () => never, later: () => Promise<never>): [name: string, Called][] {
  const client = { clientId: 'api', clientSecret: 'x'.repeat(32) }
  const proxied = { options: { dpop: 'allowed' }, server: { trustProxy: fail } }
  const verify = (requirement: object) => (request: FastifyRequest) =>
    request.server.resourceServer.verify(request.auth?.raw as string, requirement, request)
  return [
    ['extractToken', { options: { extractToken: fail } }],
    [
      'introspection.opaqueTokens',
      { options: { introspection: { ...client, opaqueTokens: fail } } },
    ],
    ['issuer', { options: { issuer: fail, jwks: undefined } }],
    ['issuer', { options: { issuer: later, jwks: undefined } }],
    ['now', { options: { now: fail } }],
    ['authorize', { auth: { authorize: fail } }],
    ['authorize', { auth: { authorize: later } }],
    ['authorize', { read: verify({ authorize: later }) }],
    ['claims', { auth: { claims: { tenant: fail } } }],
    ['claims', { read: verify({ claims: { tenant: fail } }) }],
    ['profile.clientId', profile({ clientId: fail })],
    ['profile.scope', { ...profile({ scope: fail }), auth: { scope: 'a' } }],
    ['profile.scope', { ...profile({ scope: fail }), read: ({ auth }) => auth?.hasScope('a') }],
    ['profile.roles', { ...profile({ roles: fail }), read: ({ auth }) => auth?.roles }],
    ['profile.groups', { ...profile({ groups: fail }), read: ({ auth }) => auth?.groups }],
    [
      'profile.permissions',
      { ...profile({ permissions: fail }), read: ({ auth }) => auth?.permissions },
    ],
    [
      'profile.subjectKind',
      { ...profile({ subjectKind: fail }), read: ({ auth }) => auth?.subjectKind },
    ],
    [
      'profile.idTokenSubject',
      { ...profile({ idTokenSubject: fail }), read: ({ auth }) => auth?.idTokenSubject },
    ],
    ['profile.sessionId', { ...profile({ sessionId: fail }), read: ({ auth }) => auth?.sessionId }],
    ['profile.actor', { ...profile({ actor: fail }), auth: { actor: 'none' } }],
    ['profile.roles', { ...profile({ roles: () => hostileArray(fail) }), read: rolesOf }],
    ['trustProxy', { ...proxied, forwarded: { 'x-forwarded-for': '192.0.2.1' } }],
    ['trustProxy', { ...proxied, forwarded: { 'x-forwarded-proto': 'https' } }],
  ]
}

const rolesOf = ({ auth }: FastifyRequest) => auth?.roles

/** Returns an array whose first element is a getter. */
function hostileArray(get: () => never): unknown[] {
  return Object.defineProperty([], 0, { get, enumerable: true })
}

t.test('hides errors thrown by application functions from the client', async (t) => {
  const token = await tokenOf({ tenant: 'acme' })
  const client = await DPoPClient.make()
  const bound = await tokenOf({ cnf: { jkt: client.jkt } })
  const proven = {
    authorization: `DPoP ${bound}`,
    dpop: await client.proof({ token: bound }),
  }
  for (const error of thrown()) {
    const fail = () => {
      throw error
    }
    for (const [name, called] of functions(fail, () => Promise.reject(error))) {
      // A client error thrown by "authorize" is intended for the client.
      const isMeant = name === 'authorize' && (error as Error)?.message === TEAPOT.message
      if (isMeant) continue
      const headers = called.forwarded ? { ...proven, ...called.forwarded } : bearer(token)
      const { response, logged } = await responseTo(t, called, headers)
      t.equal(response.statusCode, 500, name)
      t.equal(response.json().message, `The function "${name}" failed`)
      t.notMatch(response.body + JSON.stringify(response.headers), 'postgres')
      if (error instanceof Error) t.match(logged, SECRET, `${name}: the log contains the cause`)
    }
  }
})

t.test(
  'sends a client error that authorize throws to the client, and no other error',
  async (t) => {
    const token = await tokenOf({})
    const failing = (properties: object) => Object.assign(new Error(SECRET), properties)
    const unreadable = Object.defineProperty(failing({}), 'statusCode', {
      get() {
        throw new Error(SECRET)
      },
    })
    for (const [error, statusCode] of [
      [failing({}), 500],
      [failing({ status: 404 }), 500],
      [failing({ statusCode: '404' }), 500],
      [failing({ statusCode: 200 }), 500],
      [failing({ statusCode: 399.5 }), 500],
      [failing({ statusCode: 500, code: SECRET }), 500],
      [failing({ statusCode: 503, headers: { 'x-db': SECRET }, expose: true }), 503],
      [failing({ statusCode: 600 }), 500],
      [Object.assign(failing({ cause: failing({ statusCode: 404 }) })), 500],
      [unreadable, 500],
    ] as const) {
      for (const authorize of [() => Promise.reject(error), async () => Promise.reject(error)]) {
        const { response, logged } = await responseTo(t, { auth: { authorize } }, bearer(token))
        t.same(
          { ...response.json(), error: '' },
          { statusCode, error: '', message: 'The function "authorize" failed' },
        )
        t.notMatch(response.body + JSON.stringify(response.headers), 'postgres')
        t.match(logged, SECRET, 'the log contains the cause')
      }
    }
    for (const statusCode of [400, 404, 429, 499]) {
      const authorize = () => {
        throw Object.assign(new Error('No such order'), { statusCode, code: 'E_ORDER' })
      }
      const { response } = await responseTo(t, { auth: { authorize } }, bearer(token))
      t.match(response.json(), { statusCode, message: 'No such order', code: 'E_ORDER' })
    }
  },
)

t.test('reports a clock that returns no number', async (t) => {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  t.teardown(() => process.off('unhandledRejection', onUnhandled))
  const token = await tokenOf({})
  for (const time of [undefined, '1', new Date(), 1n]) {
    for (const now of [() => time, async () => Promise.reject(time)]) {
      const { response, logged } = await responseTo(t, { options: { now } }, bearer(token))
      t.match(response.json(), { statusCode: 500, message: 'The function "now" failed' })
      t.match(logged, 'it must return a number, not a promise')
    }
  }
  await new Promise(setImmediate)
  t.same(unhandled, [])
})

t.test('reports a clock in seconds, which would accept expired tokens', async (t) => {
  const token = await tokenOf({ exp: 1_000_000_000, iat: undefined })
  const now = () => Date.now() / 1_000
  const { response, logged } = await responseTo(t, { options: { now } }, bearer(token))
  t.match(response.json(), { statusCode: 500, message: 'The function "now" failed' })
  t.match(logged, 'it must return milliseconds, not seconds')
})

t.test('rejects the request if a function throws an error of this package', async (t) => {
  const extractToken = () => {
    throw new InvalidTokenError('The cookie has expired')
  }
  const { response } = await responseTo(t, { options: { extractToken } }, bearer(await tokenOf({})))
  t.match(response.json(), { statusCode: 401, message: 'The cookie has expired' })
})

t.test('keeps the status of a 503 of this package that authorize throws', async (t) => {
  const outage = new StoreUnavailableError('the orders', 7, new Error(SECRET))
  for (const authorize of [() => Promise.reject(outage), throwing(outage)]) {
    const { response } = await responseTo(t, { auth: { authorize } }, bearer(await tokenOf({})))
    t.equal(response.statusCode, 503)
    t.equal(response.headers['retry-after'], '7')
    t.equal(response.json().code, 'temporarily_unavailable')
    t.notMatch(response.body, 'postgres')
  }
})

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}

t.test('requires the issuer of a revocation if several are trusted', async (t) => {
  const other = 'https://other.example'
  for (const issuer of [
    [
      { issuer: ISSUER, jwks },
      { issuer: other, jwks },
    ],
    () => true,
    'https://login.microsoftonline.com/{tenantid}/v2.0',
  ] as const) {
    const server = await createResourceServer({ issuer, audience: CLIENT_ID } as never)
    t.teardown(() => server.close())
    for (const kind of ['sub', 'sid', 'clientId']) {
      t.throws(() => server.revoke({ [kind]: 'ada' }), {
        name: 'TypeError',
        message: `a revocation by ${kind} must name the "issuer", because several issuers are trusted and another may use the same ${kind}`,
      })
    }
    await server.revoke({ jti: 'ada' })
  }
  const several = await createResourceServer({
    issuer: [
      { issuer: ISSUER, jwks },
      { issuer: other, jwks },
    ],
    audience: AUDIENCE,
  })
  t.teardown(() => several.close())
  await several.revoke({ sub: 'user-1', issuer: other })
  t.match(await several.verify(await tokenOf({ sub: 'user-1' })), { issuer: ISSUER })
  const one = await createResourceServer({ issuer: ISSUER, jwks, audience: AUDIENCE })
  t.teardown(() => one.close())
  await one.revoke({ sub: 'user-1' })
  await t.rejects(one.verify(await tokenOf({ sub: 'user-1' })), InvalidTokenError)
})
