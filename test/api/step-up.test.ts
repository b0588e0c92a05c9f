import t, { type Test } from 'tap'
import {
  createResourceServer,
  InsufficientUserAuthenticationError,
  type ResourceServerOptions,
  type RouteRequirement,
} from '../../src/index.js'
import { parseChallenge } from '../fixtures/challenge-parser.js'
import { seconds } from '../fixtures/issuer.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

async function responseOf(t: Test, auth: RouteRequirement, token: string) {
  const app = await protectedApi(t, { realm: 'pay' })
  app.get('/pay', { config: { auth } }, async ({ auth }) => `${auth?.subject}`)
  const headers = token === '' ? {} : bearer(token)
  const response = await app.inject({ url: '/pay', headers })
  const challenge = response.headers['www-authenticate']
  return { response, challenge: challenge === undefined ? undefined : parseChallenge(challenge) }
}

const auth: RouteRequirement = { acr: ['phrh', 'phr'], maxAge: 300, scope: 'orders:read' }
const description = 'A different authentication level is required'

t.test('R3: accepts a sign-in that is strong and recent enough', async (t) => {
  const token = await tokenOf({ acr: 'phr', auth_time: seconds() - 10 })
  t.match((await responseOf(t, auth, token)).response, { statusCode: 200, body: 'user-1' })
})

t.test('R3: rejects a weaker one with a challenge that names the requirements', async (t) => {
  const token = await tokenOf({ acr: 'pwd', auth_time: seconds() - 10 })
  const { response, challenge } = await responseOf(t, auth, token)
  t.equal(response.statusCode, 401)
  t.match(response.json(), {
    statusCode: 401,
    code: 'insufficient_user_authentication',
    message: description,
  })
  t.strictSame(challenge, {
    scheme: 'Bearer',
    parameters: {
      realm: 'pay',
      error: 'insufficient_user_authentication',
      error_description: description,
      acr_values: 'phrh phr',
      max_age: '300',
    },
  })
})

t.test('R3: the challenge of an older sign-in names the missing scope as well', async (t) => {
  const token = await tokenOf({ acr: 'phr', auth_time: seconds() - 400, scope: 'profile' })
  const { response, challenge } = await responseOf(t, auth, token)
  t.equal(response.statusCode, 401)
  t.match(challenge?.parameters, { max_age: '300', scope: 'orders:read' })
})

t.test('R3: sends no step-up challenge for an invalid token', async (t) => {
  for (const [title, token, error] of [
    ['no token', '', undefined],
    ['an expired one', await tokenOf({ exp: seconds() - 60 }), 'invalid_token'],
    ['one for another resource', await tokenOf({ aud: 'other' }), 'invalid_token'],
    ['one with another signature', `${(await tokenOf()).slice(0, -8)}AAAAAAAA`, 'invalid_token'],
  ] as const) {
    const { response, challenge } = await responseOf(t, auth, token)
    t.equal(response.statusCode, 401, title)
    t.equal(challenge?.parameters.error, error, title)
    t.notOk('acr_values' in (challenge?.parameters ?? {}), title)
    t.notOk('max_age' in (challenge?.parameters ?? {}), title)
  }
})

t.test('R3: checks the age of a cached token', async (t) => {
  let now = Date.now()
  const app = await protectedApi(t, { now: () => now, clockTolerance: 0 })
  app.get('/pay', { config: { auth: { maxAge: 60 } } }, async () => 'ok')
  const headers = bearer(await tokenOf({ iat: seconds(now), auth_time: seconds(now) }))
  t.equal((await app.inject({ url: '/pay', headers })).statusCode, 200)
  now += 59_000
  t.equal((await app.inject({ url: '/pay', headers })).statusCode, 200)
  now += 3_000
  t.equal((await app.inject({ url: '/pay', headers })).statusCode, 401)
})

t.test('rejects an invalid requirement when the route is declared', async (t) => {
  const app = await protectedApi(t)
  for (const auth of [{ maxAge: 0 }, { acr: 'a b' }, { acr: undefined }] as RouteRequirement[]) {
    t.throws(() => app.get('/', { config: { auth } }, async () => ''), TypeError)
  }
})

t.test('an optional route requires it of requests with a token', async (t) => {
  const optional = { ...auth, optional: true }
  t.equal((await responseOf(t, optional, '')).response.statusCode, 200)
  t.equal((await responseOf(t, optional, await tokenOf())).response.statusCode, 401)
})

t.test('authorize may require a step-up', async (t) => {
  const stepUp = () => {
    throw new InsufficientUserAuthenticationError('Large sums need a passkey', {
      acrValues: ['phr'],
      maxAge: 0,
      scope: 'pay',
    })
  }
  const { response, challenge } = await responseOf(t, { authorize: stepUp }, await tokenOf())
  t.equal(response.statusCode, 401)
  t.match(challenge?.parameters, {
    error_description: 'Large sums need a passkey',
    acr_values: 'phr',
    max_age: '0',
    scope: 'pay',
  })
})

t.test('B6: omits requirements of authorize that are invalid in a header', async (t) => {
  for (const demand of [
    undefined,
    null,
    { acrValues: ['a"b'] },
    { acrValues: [] },
    { acrValues: 'phr' },
    { acrValues: [1] },
    { maxAge: -1 },
    { maxAge: 0.5 },
    { maxAge: '60"' },
    { scope: 'a"b' },
    { scope: 5 },
  ]) {
    const stepUp = async () => {
      throw new InsufficientUserAuthenticationError('é', demand as never)
    }
    const { response, challenge } = await responseOf(t, { authorize: stepUp }, await tokenOf())
    t.equal(response.statusCode, 401, JSON.stringify(demand))
    t.strictSame(challenge?.parameters, {
      realm: 'pay',
      error: 'insufficient_user_authentication',
    })
  }
})

t.test('verify() requires it as well', async (t) => {
  const { global: _, ...options } = given()
  const server = await createResourceServer(options as ResourceServerOptions)
  const token = await tokenOf({ acr: 'pwd' })
  await t.rejects(server.verify(token, { acr: 'phr' }), {
    code: 'insufficient_user_authentication',
    check: 'authentication',
    requirements: { acrValues: ['phr'], maxAge: undefined, scope: '' },
    headers: { 'www-authenticate': /acr_values="phr"$/ },
  })
  t.ok(await server.verify(token, { acr: ['phr', 'pwd'] }))
})
