/** The exchanger against the embedded authorization server, and a downstream API of this package. */
import Fastify from 'fastify'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import t, { type Test } from 'tap'
import { createTokenExchanger, type TokenExchangerOptions } from '../../src/exchange/index.js'
import resourceServer from '../../src/index.js'
import {
  type AuthorizationServerOptions,
  createAuthorizationServer,
  type Fault,
} from '../../src/testing/index.js'

const ORDERS = { clientId: 'orders-api', clientSecret: 'orders-secret' }
const PAYMENTS = 'https://payments.example'

async function start(
  t: Test,
  options: Partial<TokenExchangerOptions> = {},
  server: AuthorizationServerOptions = {},
) {
  const authorizationServer = await createAuthorizationServer({
    algorithm: 'ES256',
    clients: [{ clientId: 'web', clientSecret: 'web-secret' }, ORDERS],
    ...server,
  })
  t.teardown(() => authorizationServer.close())
  const { issuer } = authorizationServer
  const exchanger = await createTokenExchanger({ issuer, ...ORDERS, ...options })
  t.teardown(() => exchanger.close())
  return { authorizationServer, exchanger, issuer }
}

t.test('a handler calls a downstream API on behalf of its caller', async (t) => {
  const { authorizationServer, exchanger, issuer } = await start(t)
  const payments = Fastify()
  await payments.register(resourceServer, { issuer, audience: PAYMENTS })
  payments.get('/', async ({ auth }) => ({ user: auth?.subject, actor: auth?.actor?.subject }))

  const orders = Fastify()
  t.teardown(() => Promise.all([orders.close(), payments.close()]))
  await orders.register(resourceServer, { issuer, audience: 'api://default' })
  orders.get('/', async ({ auth }) => {
    const token = await exchanger.exchange(auth, { audience: PAYMENTS, scope: 'orders:read' })
    const headers = await token.headers({ url: `${PAYMENTS}/` })
    return (await payments.inject({ url: '/', headers })).json()
  })

  for (const sub of ['ada', 'bob', 'ada']) {
    const authorization = `Bearer ${await authorizationServer.issueToken({ sub })}`
    const response = await orders.inject({ url: '/', headers: { authorization } })
    t.strictSame(response.json(), { user: sub, actor: 'orders-api' })
  }

  await authorizationServer.suspend()
  const authorization = `Bearer ${await authorizationServer.issueToken({ sub: 'eve' })}`
  const response = await orders.inject({ url: '/', headers: { authorization } })
  t.equal(response.statusCode, 503)
  t.match(response.headers['retry-after'], /^\d+$/)
  t.strictSame(response.json(), {
    statusCode: 503,
    code: 'temporarily_unavailable',
    error: 'Service Unavailable',
    message: 'Token exchange is temporarily unavailable: retry later',
  })
})

t.test('two users get tokens of their own, concurrently and from the cache', async (t) => {
  const { authorizationServer, exchanger } = await start(t)
  const users = ['ada', 'bob', 'adb']
  const subjects = await Promise.all(users.map((sub) => authorizationServer.issueToken({ sub })))
  authorizationServer.resetRequests()
  const exchange = async (subject: string) => {
    const { accessToken } = await exchanger.exchange(subject, { audience: PAYMENTS })
    return decodeJwt(accessToken).sub
  }
  for (let round = 0; round < 2; round++) {
    const exchanged = await Promise.all([...subjects, ...subjects, ...subjects].map(exchange))
    t.strictSame(exchanged, [...users, ...users, ...users])
  }
  t.equal(authorizationServer.requests.token, 3)
})

t.test('a revoked subject token is rejected once the cached token has expired', async (t) => {
  const { authorizationServer, exchanger } = await start(t, { negativeCacheMaxAge: 0 })
  const subject = await authorizationServer.issueToken()
  authorizationServer.revoke(subject)
  t.match(await failureOf(exchanger.exchange(subject)), { error: 'invalid_grant', statusCode: 403 })
  const valid = await authorizationServer.issueToken()
  t.match(await failureOf(exchanger.exchange(valid, { scope: 'unknown' })), {
    error: 'invalid_scope',
    statusCode: 500,
  })
})

t.test('survives the faults of the token endpoint', async (t) => {
  const { authorizationServer, exchanger } = await start(t, { timeout: 500 })
  const subject = await authorizationServer.issueToken()
  await exchanger.exchange(subject)
  const faults: Fault[] = ['hang', 'stalled-body', 'oversized', 'endless', 'html', 'reset']
  for (const fault of [...faults, 'redirect', 'garbage', { status: 503 }] as Fault[]) {
    const other = await authorizationServer.issueToken({ jti: JSON.stringify(fault) })
    authorizationServer.fail(fault, 'token')
    t.match(await failureOf(exchanger.exchange(other)), { statusCode: 503 }, JSON.stringify(fault))
    authorizationServer.recover()
    const next = await authorizationServer.issueToken()
    t.match(await exchanger.exchange(next), { tokenType: 'Bearer' })
  }
  t.match(await exchanger.exchange(subject), { tokenType: 'Bearer' })
})

t.test('RFC 9449: requests a bound token with a nonce, and proves its possession', async (t) => {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true })
  const own = { ...(await exportJWK(privateKey)), alg: 'EdDSA' }
  const rsa = await generateKeyPair('PS256', { extractable: true })
  const ownRsa = { ...(await exportJWK(rsa.privateKey)), alg: 'PS256' }
  for (const dpop of [true, own, ownRsa]) {
    const { authorizationServer, exchanger, issuer } = await start(t, { dpop })
    authorizationServer.requireDPoPNonce()
    const subject = await authorizationServer.issueToken({ sub: 'ada' })
    authorizationServer.resetRequests()
    const token = await exchanger.exchange(subject, { audience: PAYMENTS })
    t.equal(authorizationServer.requests.token, 2, 'the second with the nonce')
    await exchanger.exchange(await authorizationServer.issueToken(), { audience: PAYMENTS })
    t.equal(authorizationServer.requests.token, 3, 'the nonce is remembered')
    t.equal(token.tokenType, 'DPoP')

    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(resourceServer, {
      issuer,
      audience: PAYMENTS,
      dpop: { mode: 'required', baseUrl: PAYMENTS, nonce: { secret: 'x'.repeat(32) } } as never,
    })
    app.post('/pay', async ({ auth }) => ({ user: auth?.subject }))
    const url = new URL('/pay?amount=1', PAYMENTS)
    const send = async (nonce?: string) => {
      const headers = await token.headers({ url, method: 'POST', nonce })
      return app.inject({ method: 'POST', url: '/pay?amount=1', headers })
    }
    const first = await send()
    t.equal(first.statusCode, 401, 'without the nonce')
    const nonce = `${first.headers['dpop-nonce']}`
    t.strictSame((await send(nonce)).json(), { user: 'ada' })
  }
})

t.test('RFC 9449 §5: rejects a bearer token where a bound one was requested', async (t) => {
  const { exchanger, authorizationServer } = await start(t, {
    dpop: true,
    // A server that ignores the proof.
    fetch: (url, { headers: { dpop: _, ...headers }, ...init }) => fetch(url, { ...init, headers }),
  })
  t.match(await failureOf(exchanger.exchange(await authorizationServer.issueToken())), {
    statusCode: 503,
    cause: { message: /has a "token_type" other than DPoP/ },
  })
})

t.test('a server that never accepts its own nonce is unavailable', async (t) => {
  const { exchanger, authorizationServer } = await start(t, {
    dpop: true,
    fetch: async (url, init) => {
      authorizationServer.requireDPoPNonce()
      return fetch(url, init)
    },
  })
  const subject = await authorizationServer.issueToken()
  authorizationServer.resetRequests()
  t.match(await failureOf(exchanger.exchange(subject)), {
    statusCode: 503,
    cause: { message: /responded with 400 use_dpop_nonce/ },
  })
  t.equal(authorizationServer.requests.token, 2)
})

t.test('rejects invalid arguments of headers()', async (t) => {
  const { exchanger, authorizationServer } = await start(t)
  const token = await exchanger.exchange(await authorizationServer.issueToken())
  await t.rejects(token.headers({ url: '/relative' }), { message: '"url" must be an absolute URL' })
  await t.rejects(token.headers({ uri: PAYMENTS } as never), {
    message: /Unknown option "uri" of headers\(\)/,
  })
})

function failureOf(exchanging: Promise<unknown>): Promise<unknown> {
  return exchanging.then(
    () => new Error('it was not rejected'),
    (error) => error,
  )
}
