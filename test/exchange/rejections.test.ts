/** OAuth errors (RFC 6749 §5.2, RFC 8693 §2.2.2), and subject tokens that must not be sent. */
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { TokenExchangeError } from '../../src/exchange/index.js'
import { createResourceServer } from '../../src/index.js'
import { createAuthorizationServer, dpopProof, generateDPoPKey } from '../../src/testing/index.js'
import { base64url } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import {
  CLIENT,
  exchangerOf,
  issued,
  oauthError,
  startTokenServer,
} from '../fixtures/token-server.js'

async function rejectionOf(exchanging: Promise<unknown>): Promise<TokenExchangeError> {
  const error = await exchanging.then(
    () => new Error('it was not rejected'),
    (error) => error,
  )
  if (!(error instanceof TokenExchangeError)) throw error
  return error
}

t.test('converts OAuth errors to errors that the application can map', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  const statuses = {
    invalid_grant: 403,
    access_denied: 403,
    interaction_required: 403,
    invalid_target: 500,
    invalid_scope: 500,
    unauthorized_client: 500,
    invalid_request: 500,
  }
  for (const [error, statusCode] of Object.entries(statuses)) {
    for (const status of [400, 401, 403]) {
      server.state.respond = () => oauthError(error, { status })
      t.match(await rejectionOf(exchanger.exchange(`${error}-${status}`)), {
        name: 'TokenExchangeError',
        code: 'token_exchange_rejected',
        message: `The authorization server rejected the token exchange: ${error}`,
        statusCode,
        error,
        claims: undefined,
        suberror: undefined,
        description: undefined,
      })
    }
  }
})

t.test("passes on Entra ID's claims challenge", async (t) => {
  const server = await startTokenServer(t)
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
  server.state.respond = () =>
    oauthError('interaction_required', {
      error_description: 'AADSTS50076: use\nmulti-factor authentication.',
      suberror: 'basic_action',
      claims,
    })
  const { exchanger } = await exchangerOf(t, server, { protocol: 'entra' })
  t.match(await rejectionOf(exchanger.exchange('user-token', { scope: 'x' })), {
    error: 'interaction_required',
    suberror: 'basic_action',
    claims,
    description: 'AADSTS50076: usemulti-factor authentication.',
  })
})

t.test('caches an error for negativeCacheMaxAge only, and for one request only', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () => oauthError('invalid_grant')
  const { clock, outcome } = await exchangerOf(t, server, { negativeCacheMaxAge: 2_000 })
  t.equal(await outcome('user-token'), '403 invalid_grant')
  clock.now += 1_999
  t.equal(await outcome('user-token'), '403 invalid_grant')
  t.equal(server.exchanges.length, 1)
  t.equal(await outcome('user-token', { audience: 'x' }), '403 invalid_grant')
  t.equal(server.exchanges.length, 2)
  server.state.respond = () => json(issued())
  clock.now += 1
  t.equal(await outcome('user-token'), 'issued')
  t.equal(await outcome('user-token'), 'issued', 'the error is forgotten')
  t.equal(server.exchanges.length, 3)
})

t.test('gives each caller an error of its own', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () => oauthError('invalid_grant')
  const { exchanger } = await exchangerOf(t, server)
  const [one, two] = await Promise.all([
    rejectionOf(exchanger.exchange('user-token')),
    rejectionOf(exchanger.exchange('user-token')),
  ])
  t.not(one, two)
  t.equal(server.exchanges.length, 1)
})

t.test('errors contain neither tokens nor secrets, whatever the server echoes', async (t) => {
  const server = await startTokenServer(t)
  const subject = 'secret-subject-token'
  const actorToken = 'secret-actor-token'
  const echo = `${subject} ${actorToken} ${CLIENT.clientSecret} ${encodeURIComponent(CLIENT.clientSecret)}`
  const echoes: [object, object][] = [
    [{ error: subject }, { error: 'unknown_error' }],
    [{ error: 'a"b' }, { error: 'unknown_error' }],
    [{ error: 'x'.repeat(100) }, { error: 'unknown_error' }],
    [
      { error: 'invalid_grant', suberror: subject, claims: JSON.stringify({ a: echo }) },
      { suberror: undefined, claims: undefined },
    ],
    [{ error: 'invalid_grant', claims: 'no JSON' }, { claims: undefined }],
    [{ error: 'invalid_grant', claims: `{"a":"${'x'.repeat(9_000)}"}` }, { claims: undefined }],
    [{ error: 'invalid_grant', claims: 1, suberror: '' }, { claims: undefined }],
    [{ error: 'invalid_grant', error_description: echo }, { description: /^\[redacted\] \[/ }],
  ]
  for (const [members, expected] of echoes) {
    const { exchanger } = await exchangerOf(t, server)
    server.state.respond = () => oauthError('', { ...members })
    const error = await rejectionOf(exchanger.exchange(subject, { actorToken }))
    t.match(error, expected)
    const everything = [inspect(error, { depth: 9 }), JSON.stringify(error), error.stack]
    t.notMatch(`${everything}${error.description}`, /secret/)
  }
})

t.test('a token and its exchanger show no secret to loggers', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () => json(issued({ access_token: 'secret-issued' }))
  const { exchanger } = await exchangerOf(t, server)
  const token = await exchanger.exchange('secret-subject')
  for (const value of [token, { token }, exchanger]) {
    t.notMatch(inspect(value, { depth: 9, showHidden: true, getters: true }), /secret/)
    t.notMatch(JSON.stringify(value), /secret/)
  }
  t.match(JSON.parse(JSON.stringify(token)), { tokenType: 'Bearer', expiresAt: 1_800_000_300 })
})

t.test('an unusable subject token is not sent', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server, {
    subjectIssuers: [server.issuer, 'https://partner.example'],
  })
  const jwt = (claims: object) => `${base64url({ alg: 'RS256' })}.${base64url(claims)}.c2ln`
  const rejected: [string, RegExp][] = [
    ['', /is not an access token/],
    ['two words', /is not an access token/],
    ['secret\r\nx: y', /is not an access token/],
    ['x'.repeat(65_537), /is not an access token/],
    [jwt({ iss: 'https://evil.example' }), /issuer that is not among "subjectIssuers"/],
    [jwt({ iss: ['https://partner.example'] }), /issuer that is not among "subjectIssuers"/],
    [jwt({ iss: server.issuer, cnf: { jkt: 'x' } }), /is sender-constrained/],
    [jwt({ cnf: null }), /is sender-constrained/],
  ]
  for (const [token, message] of rejected) {
    const error = await rejectionOf(exchanger.exchange(token))
    t.match(error, { error: 'invalid_subject_token', statusCode: 403, message })
    t.notMatch(error.message, /secret|eyJ/)
  }
  for (const value of [undefined, 7, {}, { raw: 'a' }]) {
    await t.rejects(exchanger.exchange(value as never), {
      name: 'TypeError',
      message: /the subject token must be an access token, such as request.auth, or a string/,
    })
  }
  await t.rejects(exchanger.exchange(null), { name: 'MissingCredentialsError' })
  t.equal(server.exchanges.length, 0)
  for (const token of [jwt({ iss: 'https://partner.example' }), jwt({}), 'a.b', 'a.!.c']) {
    if (token.includes('!')) t.rejects(exchanger.exchange(token))
    else t.match(await exchanger.exchange(token), { tokenType: 'Bearer' })
  }
})

async function verified(t: Test, isBound: boolean) {
  const server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => server.close())
  const key = await generateDPoPKey()
  const api = await createResourceServer({
    issuer: server.issuer,
    audience: server.audience,
    dpop: { baseUrl: 'http://api.example' },
  })
  t.teardown(() => api.close())
  const confirmation = { confirmation: { key } }
  const raw = await server.issueToken({ sub: 'ada' }, isBound ? confirmation : {})
  return { server, api, raw, key }
}

t.test('takes the issuer, expiry and binding of a verified access token', async (t) => {
  const { server, api, raw } = await verified(t, false)
  const token = await api.verify(raw)
  const endpoint = await startTokenServer(t)
  const options = { issuer: undefined as never, tokenEndpoint: endpoint.endpoint }
  const own = await exchangerOf(t, endpoint, { ...options, subjectIssuers: server.issuer })
  t.match(await own.exchanger.exchange(token), { tokenType: 'Bearer' })
  t.equal(endpoint.exchanges[0]?.form.get('subject_token'), raw)
  const foreign = await exchangerOf(t, endpoint, {
    ...options,
    subjectIssuers: 'https://b.example',
  })
  const error = await rejectionOf(foreign.exchanger.exchange(token))
  t.match(error, { error: 'invalid_subject_token', message: /issuer that is not among/ })
})

t.test('rejects a verified sender-constrained token, unless it is allowed', async (t) => {
  const { server, api, raw, key } = await verified(t, true)
  const url = 'http://api.example/'
  const proof = await dpopProof({ key, url, accessToken: raw })
  const token = await api.verify({ token: raw, dpop: { proof, method: 'GET', url } })
  const endpoint = await startTokenServer(t)
  const options = {
    issuer: undefined as never,
    tokenEndpoint: endpoint.endpoint,
    subjectIssuers: server.issuer,
  }
  const strict = await exchangerOf(t, endpoint, options)
  t.match(await rejectionOf(strict.exchanger.exchange(token)), { message: /is sender-constrained/ })
  t.equal(endpoint.exchanges.length, 0)
  const lax = await exchangerOf(t, endpoint, { ...options, dangerouslyAllowBoundTokens: true })
  t.match(await lax.exchanger.exchange(token), { tokenType: 'Bearer' })
})
