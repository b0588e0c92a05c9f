/** F35, F38: errors and bytes of another realm. Under Jest, every error of Node itself is of another realm. */
import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import Fastify from 'fastify'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { errorOfThisRealm, isError } from '../../src/base/native-error.js'
import { failureCode, failureText } from '../../src/errors/failure-text.js'
import resourceServer, {
  createResourceServer,
  memoryStore,
  type PluginOptions,
  type RouteRequirement,
} from '../../src/index.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'

const INTROSPECTION = {
  clientId: 'api',
  clientSecret: 'x',
  endpoint: 'https://issuer.example/introspect',
}
const valid = await tokenOf()
const foreign = (code: string, context: object = {}) => runInNewContext(code, context)

async function responseTo(t: Test, auth: RouteRequirement, options: Partial<PluginOptions> = {}) {
  const logged: unknown[] = []
  const stream = { write: (line: string) => logged.push(JSON.parse(line).err) }
  const app = Fastify({ logger: { level: 'error', stream } })
  t.teardown(() => app.close())
  await app.register(resourceServer, given(options))
  app.get('/', { config: { auth } }, () => t.fail('let in'))
  return { response: await app.inject({ url: '/', headers: bearer(valid) }), logged }
}

const THROTTLED = `
  Object.assign(new Error("too many orders"), { statusCode: 429, code: "E_MANY", headers: { "retry-after": "7" } })`

t.test('a client error that authorize throws keeps status, message and headers', async (t) => {
  for (const authorize of [
    () => {
      throw foreign(THROTTLED)
    },
    () => Promise.reject(foreign(THROTTLED)),
    () => foreign(`Promise.reject(${THROTTLED})`),
  ]) {
    const { response } = await responseTo(t, { authorize })
    t.match(response.json(), { statusCode: 429, message: 'too many orders', code: 'E_MANY' })
    t.equal(response.headers['retry-after'], '7')
  }
})

t.test('any other error that authorize throws keeps its status, and is logged', async (t) => {
  const code = 'Object.assign(new Error("connect ECONNREFUSED db:5432"), { statusCode: 503 })'
  for (const authorize of [
    () => {
      throw foreign(code)
    },
    () => Promise.reject(foreign(code)),
    () => foreign(`Promise.reject(${code})`),
  ]) {
    const { response, logged } = await responseTo(t, { authorize })
    t.match(response.json(), { statusCode: 503, message: 'The function "authorize" failed' })
    t.notMatch(response.body, 'ECONNREFUSED')
    t.match(logged, [{ message: /ECONNREFUSED/, stack: /evalmachine|vm/ }])
  }
})

t.test('hides errors thrown by extractToken in another realm from the client', async (t) => {
  const extractToken = () => {
    throw foreign('Object.assign(new TypeError("no cookie"), { status: 418 })')
  }
  const { response } = await responseTo(t, {}, { extractToken })
  t.match(response.json(), { statusCode: 500, message: 'The function "extractToken" failed' })
  t.notMatch(response.body, 'cookie')
})

t.test('converts it to an equal error of this realm', async (t) => {
  const cause = new Error('root')
  const error = foreign('Object.assign(new RangeError("far", { cause }), { own: 1 })', { cause })
  const copy = errorOfThisRealm(error)
  t.ok(copy instanceof Error)
  t.equal(copy.name, 'RangeError')
  t.equal(copy.message, 'far')
  t.equal(copy.cause, cause)
  t.equal(copy.stack, error.stack)
  t.match(copy, { own: 1 })
  t.same(Object.keys(copy), ['own'])
  const own = new Error('of this realm')
  t.equal(errorOfThisRealm(own), own, 'the same')
})

t.test('recognizes errors of any realm', async (t) => {
  for (const error of [new Error(), foreign('new Error()'), foreign('new SyntaxError()')]) {
    t.ok(isError(error))
  }
  for (const fake of [
    { message: 'x', stack: 'x', name: 'Error' },
    foreign('({ __proto__: null, message: "x" })'),
    foreign('new Proxy(new Error(), {})'),
    'Error',
    null,
    undefined,
  ]) {
    t.notOk(isError(fake))
  }
})

t.test('F35: accepts bytes of another realm', async (t) => {
  const bytes = (length: number) => foreign(`new Uint8Array(${length}).fill(7)`)
  t.notOk(bytes(64) instanceof Uint8Array)
  const secretly = { ...given(), jwks: undefined, algorithms: ['HS256'] }
  const servers = [
    { ...secretly, secret: bytes(32) },
    given({ dpop: { nonce: { secret: bytes(32) } } }),
    given({ dpop: { nonce: { secret: [bytes(32), bytes(33)] } } }),
    {
      ...given(),
      introspection: INTROSPECTION,
      stores: { introspection: memoryStore(), sealingSecret: bytes(32) },
    },
    { ...secretly, issuer: () => ({ secret: bytes(32) }) },
  ]
  for (const options of servers) {
    const server = await createResourceServer(options as never)
    t.teardown(() => server.close())
  }
  for (const options of [
    { ...secretly, secret: bytes(31) },
    given({ dpop: { nonce: { secret: bytes(31) } } }),
    { ...secretly, secret: foreign('new Uint16Array(64)') },
    { ...secretly, secret: foreign('({ byteLength: 64, __proto__: Uint8Array.prototype })') },
  ]) {
    await t.rejects(createResourceServer(options as never), TypeError)
  }
})

t.test('F35: verifies with a secret of another realm, also of a tenant', async (t) => {
  const secret = foreign('new Uint8Array(32).fill(7)')
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ada' }
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5m')
    .sign(new Uint8Array(32).fill(7))
  const algorithms = ['HS256'] as const
  for (const options of [{ issuer: ISSUER, secret }, { issuer: () => ({ secret }) }]) {
    const server = await createResourceServer({ audience: AUDIENCE, algorithms, ...options })
    t.teardown(() => server.close())
    t.equal((await server.verify(token)).subject, 'ada')
    t.equal((await server.verify(token)).subject, 'ada')
  }
})

t.test('F35: accepts a certificate of another realm', async (t) => {
  const der = [1, 2, 3]
  const thumbprint = createHash('sha256').update(Uint8Array.from(der)).digest('base64url')
  const server = await createResourceServer(given({ mtls: 'allowed' }) as never)
  t.teardown(() => server.close())
  const token = await tokenOf({ cnf: { 'x5t#S256': thumbprint } })
  const certificate = foreign(`Uint8Array.from(${JSON.stringify(der)})`)
  t.equal((await server.verify({ token, certificate })).raw, token)
  await t.rejects(server.verify({ token, certificate: foreign('[1, 2, 3]') }), TypeError)
})

t.test('F35: reports the causes of an AggregateError of another realm', async (t) => {
  const error = foreign(
    'Object.assign(new AggregateError([Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })], ""))',
  )
  t.equal(
    failureText(new TypeError('fetch failed', { cause: error })),
    'fetch failed: connect ECONNREFUSED',
  )
  t.equal(failureCode(error), 'ECONNREFUSED')
})

t.test('an object that imitates an error of another realm does not end the process', async (t) => {
  const hostile = [
    'new Proxy(new Error("x"), {})',
    'new Proxy(new Error("x"), { getPrototypeOf() { throw new Error("trap") } })',
    'Object.defineProperty(new Error("x"), "name", { get() { throw new Error("getter") } })',
    'Object.defineProperty(new Error("x"), "message", { get() { throw new Error("getter") } })',
    'Object.freeze(new Error("x"))',
    'Object.setPrototypeOf(new Error("x"), null)',
    'Object.create(Error.prototype)',
  ]
  for (const code of hostile) {
    for (const authorize of [
      () => {
        throw foreign(code)
      },
      () => Promise.reject(foreign(code)),
    ]) {
      const { response } = await responseTo(t, { authorize })
      t.equal(response.statusCode, 500, code)
    }
  }
})
