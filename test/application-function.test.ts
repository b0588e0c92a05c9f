import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  InvalidTokenError,
  type PluginOptions,
} from '../src/index.js'
import { AUDIENCE, ISSUER } from './fixtures/issuer.js'
import { bearer, key, tokenOf } from './fixtures/protected-api.js'

const CLIENT_ID = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
const SECRET = 'postgres://user:pw@db'
const jwks = { keys: [key.publicJwk] }

const thrown = (): unknown[] => [
  new Error(SECRET),
  Object.assign(new Error(SECRET), { statusCode: 418, expose: true, headers: { 'x-db': SECRET } }),
  SECRET,
  { message: SECRET, statusCode: 400 },
  null,
  undefined,
]

async function answerTo(t: Test, options: Partial<PluginOptions>, token: string) {
  const logged: string[] = []
  const app = Fastify({ logger: { stream: { write: (line) => logged.push(line) } } })
  t.teardown(() => app.close())
  await app.register(resourceServer, { issuer: ISSUER, audience: AUDIENCE, jwks, ...options })
  app.get('/', async () => 'in')
  const answer = await app.inject({ url: '/', headers: bearer(token) })
  return { answer, logged: logged.join('') }
}

t.test('the client does not see what a function of the options throws', async (t) => {
  const token = await tokenOf({})
  for (const error of thrown()) {
    const fail = () => {
      throw error
    }
    const client = { clientId: 'api', clientSecret: 'x'.repeat(32) }
    for (const [name, options] of [
      ['extractToken', { extractToken: fail }],
      ['introspection.opaqueTokens', { introspection: { ...client, opaqueTokens: fail } }],
      ['issuer', { issuer: fail, jwks: undefined }],
      ['issuer', { issuer: () => Promise.reject(error), jwks: undefined }],
    ] as const) {
      const { answer, logged } = await answerTo(t, options as never, token)
      t.equal(answer.statusCode, 500, name)
      t.equal(answer.json().message, `The function "${name}" failed`)
      t.notMatch(answer.body + JSON.stringify(answer.headers), 'postgres')
      if (error instanceof Error) t.match(logged, SECRET, 'the operator sees the cause')
    }
  }
})

t.test('an error of this package rejects the request as the application wants it', async (t) => {
  const extractToken = () => {
    throw new InvalidTokenError('The cookie has expired')
  }
  const { answer } = await answerTo(t, { extractToken }, await tokenOf({}))
  t.match(answer.json(), { statusCode: 401, message: 'The cookie has expired' })
})

t.test('a revocation names the issuer where several are trusted', async (t) => {
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
