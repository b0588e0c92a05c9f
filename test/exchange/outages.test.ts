/** An authorization server that is down, slow or overloaded, or whose responses are unusable. */
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { UnavailableError } from '../../src/errors/errors.js'
import { TokenExchangeUnavailableError } from '../../src/exchange/index.js'
import type { TokenExchangerOptions } from '../../src/exchange/options.js'
import {
  drip,
  endless,
  gzipBomb,
  hang,
  hangInBody,
  json,
  type ResponseHandler,
  status,
  text,
  truncated,
} from '../fixtures/key-server.js'
import {
  exchangerOf,
  issued,
  jwt,
  oauthError,
  startTokenServer,
  subjectOf,
  until,
} from '../fixtures/token-server.js'

const TEN_USERS = Array.from({ length: 10 }, (_, i) => `failed-${i}`)
const LATE = /no complete response within 300 ms/

async function unavailable(exchanging: Promise<unknown>): Promise<TokenExchangeUnavailableError> {
  const error = await exchanging.then(
    () => new Error('it was not rejected'),
    (error) => error,
  )
  if (!(error instanceof TokenExchangeUnavailableError)) throw error
  return error
}

async function start(t: Test, options: Partial<TokenExchangerOptions> = {}) {
  const server = await startTokenServer(t)
  return { server, ...(await exchangerOf(t, server, options)) }
}

const json200 = (body: string): ResponseHandler =>
  text(body, { 'content-type': 'application/json' })

const UNUSABLE: Record<string, [respond: ResponseHandler, message: RegExp]> = {
  'a 500': [status(500), /responded with 500/],
  'a 502 of a proxy': [text('<html>'), /Content-Type other than application\/json/],
  'a 503': [status(503), /responded with 503/],
  'a 429': [status(429), /responded with 429/],
  'a 404': [status(404), /responded with 404/],
  'a 204': [(response) => response.writeHead(204).end(), /responded with 204 instead of 200/],
  'a 401 without an error': [status(401), /rejects our credentials: "clientId"/],
  'an invalid_client': [oauthError('invalid_client', { status: 401 }), /rejects our credentials/],
  'a server_error': [oauthError('server_error'), /responded with 400 server_error/],
  'a 400 without an error': [oauthError(7 as never), /responded with 400$/],
  'a redirect': [status(307, { location: '/elsewhere' }), /responded with 307 instead of 200/],
  'a redirect elsewhere': [status(302, { location: 'http://127.0.0.1:1/' }), /responded with 302/],
  'a hang': [hang, LATE],
  'a hang in the body': [hangInBody, LATE],
  'a dripping body': [drip, LATE],
  'an endless body': [endless, /responded with more than 131072 bytes/],
  'a body of 50 MB': [json200(`{"access_token":"${'x'.repeat(5e7)}"}`), /more than 131072 bytes/],
  'a gzip bomb': [gzipBomb(5e7), /responded with more than 131072 bytes/],
  'a truncated body': [truncated, /token exchange at .* failed: UND_ERR_SOCKET/],
  'no JSON': [json200('{'), /is not a JSON object/],
  'an array': [json200('[]'), /is not a JSON object/],
  'a duplicate access_token': [
    json200('{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":9}'),
    /is not a JSON object, has duplicate members/,
  ],
  'no access_token': [json(issued({ access_token: undefined })), /has no valid "access_token"/],
  'an access_token with a line break': [
    json(issued({ access_token: 'secret\r\nx: y' })),
    /has no valid "access_token"/,
  ],
  'an access_token that is too long': [
    json(issued({ access_token: 'x'.repeat(65_537) })),
    /has no valid "access_token"/,
  ],
  'no token_type': [json(issued({ token_type: undefined })), /"token_type" other than Bearer/],
  'a token that is no access token': [json(issued({ token_type: 'N_A' })), /other than Bearer/],
  'an unrequested DPoP token': [json(issued({ token_type: 'DPoP' })), /than Bearer/],
  'no issued_token_type': [
    json(issued({ issued_token_type: undefined })),
    /"issued_token_type" other than urn:ietf:params:oauth:token-type:access_token/,
  ],
  'a refresh token': [
    json(issued({ issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })),
    /"issued_token_type" other than/,
  ],
  'an expires_in that is negative': [json(issued({ expires_in: -1 })), /invalid "expires_in"/],
  'an expires_in that is text': [json(issued({ expires_in: 'soon' })), /invalid "expires_in"/],
  'a scope that is an array': [json(issued({ scope: ['a'] })), /has an invalid "scope"/],
}

for (const [name, [respond, message]] of Object.entries(UNUSABLE)) {
  t.test(`${name} is a 503 for this subject token only`, async (t) => {
    const { server, clock, exchanger, outcome } = await start(t, { timeout: 300 })
    server.state.respond = (form) =>
      subjectOf(form) === 'secret-poison' ? respond : json(issued())
    for (let round = 1; round <= 2; round++) {
      const error = await unavailable(exchanger.exchange('secret-poison'))
      t.match(error, {
        statusCode: 503,
        code: 'temporarily_unavailable',
        check: 'exchange-unavailable',
        retryAfter: 1,
        message: 'Token exchange is temporarily unavailable: retry later',
        expected: `a token response from ${server.issuer}`,
        cause: { message },
      })
      t.type(error, UnavailableError)
      t.notMatch(`${inspect(error, { depth: 9 })}${error.reason.found}`, /secret/)
      t.equal(await outcome('secret-poison'), '503')
      t.equal(server.exchanges.length, 2 * round - 1, 'not sent again immediately')
      t.equal(await outcome(`good-${round}`), 'issued', 'no pause for others')
      clock.now += 1_000
    }
    t.equal(server.count('/elsewhere'), 0, 'redirects are not followed')
  })
}

t.test('an outage pauses exchanges, and the first response ends it', async (t) => {
  const { server, clock, exchanger, outcome } = await start(t)
  t.equal(await outcome('cached'), 'issued-for-cached-1')
  server.state.respond = () => status(503)
  for (const user of TEN_USERS) t.equal(await outcome(user), '503')
  t.equal(server.exchanges.length, 11)
  for (let i = 0; i < 50; i++) t.equal(await outcome(`user-${i}`), '503')
  t.equal(server.exchanges.length, 11, 'a server that is down is not hammered')
  t.equal(await outcome('cached'), 'issued-for-cached-1', 'cached tokens are returned')
  t.match((await unavailable(exchanger.exchange('a'))).retryAfter, 1)

  clock.now += 2_000
  server.state.respond = (form) => json(issued({ access_token: `new-${subjectOf(form)}` }))
  t.equal(await outcome('a'), 'new-a')
  t.equal(await outcome('d'), 'new-d')
})

t.test('Retry-After prolongs the pause, up to a minute', async (t) => {
  for (const [header, retryAfter] of [
    ['20', 20],
    ['3600', 60],
  ] as const) {
    const { server, clock, exchanger, outcome } = await start(t)
    server.state.respond = () => status(429, { 'retry-after': header })
    t.match(await unavailable(exchanger.exchange('a')), { retryAfter })
    server.state.respond = () => json(issued())
    t.equal(await outcome('b'), 'issued', 'one throttled token does not stop the others')
    clock.now += retryAfter * 1_000 - 1
    t.equal(await outcome('a'), '503')
    clock.now += 1
    t.equal(await outcome('a'), 'issued')

    server.state.respond = () => status(503, { 'retry-after': header })
    for (const user of TEN_USERS) await outcome(user)
    t.match(await unavailable(exchanger.exchange('new')), { retryAfter })
    clock.now += retryAfter * 1_000
    server.state.respond = () => json(issued())
    t.equal(await outcome('new'), 'issued')
  }
})

t.test('invalid tokens of one caller cause no pause', async (t) => {
  const { server, outcome } = await start(t)
  server.state.respond = (form) =>
    subjectOf(form).startsWith('bad') ? oauthError('invalid_grant') : json(issued())
  for (let i = 0; i < 20; i++) t.equal(await outcome(`bad-${i}`), '403 invalid_grant')
  t.equal(await outcome('good'), 'issued')
})

t.test('a response between failures shows that the server is up', async (t) => {
  const { server, outcome } = await start(t)
  for (let i = 0; i < 3; i++) {
    server.state.respond = () => status(500)
    for (const user of TEN_USERS.slice(1)) t.equal(await outcome(`${user}-${i}`), '503')
    server.state.respond = () => oauthError('invalid_grant')
    t.equal(await outcome(`c-${i}`), '403 invalid_grant')
  }
})

t.test('the failures of one user do not stop the exchanges of others', async (t) => {
  const { server, outcome } = await start(t)
  const { issuer } = server
  const poison = Array.from({ length: 30 }, (_, jti) => jwt({ iss: issuer, sub: 'mallory', jti }))
  server.state.respond = (form) =>
    poison.includes(subjectOf(form)) ? (response) => response.destroy() : json(issued())
  for (const token of poison) t.equal(await outcome(token), '503')
  t.equal(server.exchanges.length, 30)
  t.equal(await outcome(jwt({ iss: issuer, sub: 'ada' })), 'issued')
})

t.test('one user has at most half of the slots', async (t) => {
  const { server, outcome } = await start(t, { maxInFlight: 5 })
  await outcome('first')
  const release = server.hold()
  const { issuer } = server
  const tokens = Array.from({ length: 20 }, (_, jti) => jwt({ iss: issuer, sub: 'mallory', jti }))
  const stalled = Promise.all(tokens.map((token) => outcome(token)))
  await until(() => server.state.inFlight === 3)
  const others = Promise.all(['ada', 'bob', 'cleo'].map((user) => outcome(user)))
  await until(() => server.state.inFlight === 5)
  release()
  t.ok((await others).every((one) => one.startsWith('issued')))
  t.ok((await stalled).every((one) => one.startsWith('issued')))
})

t.test('with DPoP, an error page is no request for a nonce', async (t) => {
  const { server, exchanger } = await start(t, { dpop: true })
  server.state.respond = () => (response) => response.writeHead(502).end('<html>')
  t.match((await unavailable(exchanger.exchange('a'))).cause, { message: /responded with 502$/ })
  t.equal(server.exchanges.length, 1)
})

t.test('a response to a request from before an outage does not end it', async (t) => {
  const { server, outcome } = await start(t)
  let respondLate = () => {}
  server.state.respond = (form) =>
    subjectOf(form) === 'slow'
      ? (response, request) => {
          respondLate = () => json(issued())(response, request)
        }
      : status(500)
  const slow = outcome('slow')
  await until(() => server.exchanges.length === 1)
  for (const user of TEN_USERS) await outcome(user)
  respondLate()
  t.equal(await slow, 'issued')
  t.equal(await outcome('d'), '503')
  t.equal(server.exchanges.length, 11)
})

t.test('a refused connection is an outage at once, with a growing pause', async (t) => {
  const { server, clock, exchanger, outcome } = await start(t)
  t.equal(await outcome('a'), 'issued-for-a-1')
  await server.close()
  // The first failure may be that of a connection that was kept alive.
  await outcome('x')
  const error = await unavailable(exchanger.exchange('b'))
  t.match(error.cause, { message: /failed: ECONNREFUSED$/, attributedTo: 'server' })
  t.match((await unavailable(exchanger.exchange('c'))).cause, { message: /ECONNREFUSED/ })
  const pauses: number[] = []
  for (let i = 0; i < 6; i++) {
    clock.now += 60_000
    pauses.push((await unavailable(exchanger.exchange(`user-${i}`))).retryAfter)
  }
  t.ok((pauses.at(-1) ?? 0) > 10, `${pauses}`)
})

t.test('a failed discovery is an outage, and is repeated after the pause', async (t) => {
  const { server, clock, exchanger, outcome } = await start(t, { timeout: 300 })
  const metadata = { issuer: server.issuer, token_endpoint: server.endpoint }
  const failures: [ResponseHandler, RegExp][] = [
    [status(404), /no metadata for the issuer/],
    [status(503, { 'retry-after': '7' }), /responded with 503/],
    [json({ ...metadata, issuer: 'https://evil.example' }), /which is not identical to/],
    [json({ ...metadata, token_endpoint: undefined }), /has no "token_endpoint"/],
    [json({ ...metadata, token_endpoint: 'http://evil.example/' }), /that is not an https URL/],
    [truncated, /sent no complete response/],
    [hang, LATE],
  ]
  for (const [respond, message] of failures) {
    server.respond(server.metadataPath, respond)
    const error = await unavailable(exchanger.exchange('a'))
    t.match(error.cause, { message, attributedTo: 'server' })
    t.equal(await outcome('b'), '503', 'no other request during the pause')
    clock.now += 60_000
    // The clock jumps, while the deadline of the discovery itself ends a moment later.
    await new Promise((done) => setTimeout(done, 50))
  }
  t.equal(server.exchanges.length, 0, 'the token was never sent')
  server.respond(server.metadataPath, json(metadata))
  t.equal(await outcome('a'), 'issued-for-a-1')
})

t.test('locates an endpoint that has moved again', async (t) => {
  const { server, clock, outcome } = await start(t)
  t.equal(await outcome('a'), 'issued-for-a-1')
  server.state.respond = () => status(404)
  t.equal(await outcome('b'), '503')
  server.respond('/new', json(issued({ access_token: 'moved' })))
  const moved = { issuer: server.issuer, token_endpoint: `${server.origin}/new` }
  server.respond(server.metadataPath, json(moved))
  clock.now += 1_000
  t.equal(await outcome('b'), 'moved')
})

t.test('after an outage, few requests find out whether it is over', async (t) => {
  const { server, clock, outcome } = await start(t)
  server.state.respond = () => status(500)
  for (const user of TEN_USERS) await outcome(user)
  clock.now += 2_000
  const release = server.hold()
  server.state.mostInFlight = 0
  const waiting = Promise.all(Array.from({ length: 40 }, (_, i) => outcome(`user-${i}`)))
  await until(() => server.state.inFlight === 10)
  release()
  t.ok((await waiting).every((one) => one === '503'))
  t.equal(server.state.mostInFlight, 10)
  t.ok(server.exchanges.length < 40, 'the queued ones fail with those in flight')

  clock.now += 60_000
  server.state.respond = () => json(issued())
  const recovered = await Promise.all(Array.from({ length: 40 }, (_, i) => outcome(`new-${i}`)))
  t.ok(recovered.every((one) => one === 'issued'))
})

t.test('after a refused connection, one request finds out whether it is over', async (t) => {
  const { server, clock, outcome } = await start(t)
  const metadata = { issuer: server.issuer, token_endpoint: server.endpoint }
  server.respond(server.metadataPath, status(404))
  await outcome('a')
  server.respond(server.metadataPath, json(metadata))
  clock.now += 60_000
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => outcome(`new-${i}`)))
  t.ok(outcomes.every((one) => one.startsWith('issued-for-new-')))
})

t.test('limits the requests in flight, and the time in the queue', async (t) => {
  const { server, outcome, exchanger } = await start(t, { maxInFlight: 3, timeout: 1_500 })
  await outcome('first')
  server.state.mostInFlight = 0
  const release = server.hold()
  const users = Array.from({ length: 30 }, (_, i) => outcome(`user-${i}`))
  await until(() => server.state.inFlight === 3)
  release()
  t.ok((await Promise.all(users)).every((one) => one.startsWith('issued')))
  t.equal(server.state.mostInFlight, 3)

  server.hold()
  const stuck = Array.from({ length: 1_003 }, (_, i) => outcome(`stuck-${i}`))
  const full = await unavailable(exchanger.exchange('one-more'))
  t.match(full.cause, { message: 'too many token exchanges are queued', attributedTo: 'ours' })
  t.ok((await Promise.all(stuck)).every((one) => one === '503'))
})

t.test('close() aborts requests, and rejects queued and further ones', async (t) => {
  const { server, exchanger, outcome } = await start(t, { maxInFlight: 1 })
  await outcome('cached')
  server.hold()
  const waiting = ['a', 'b'].map((user) => unavailable(exchanger.exchange(user)))
  await until(() => server.state.inFlight === 1)
  exchanger.close()
  for (const error of await Promise.all(waiting)) {
    t.match(error, { statusCode: 503, cause: { message: 'the token exchanger was closed' } })
  }
  await until(() => server.state.inFlight === 0)
  for (const user of ['cached', 'c']) t.equal(await outcome(user), '503')
})

t.test(
  "the error of the application's fetch, which may hold the request, is dropped",
  async (t) => {
    const { exchanger } = await start(t, {
      fetch: async (url, init) => {
        if (init.method === 'GET') return fetch(url, init)
        throw Object.assign(new Error(`no route for ${init.body}`), { request: init })
      },
    })
    const error = await unavailable(exchanger.exchange('secret-subject'))
    t.match(error.cause, { message: /^token exchange at http:\S+\/token failed: no response$/ })
    t.notMatch(inspect(error, { depth: 9 }), /secret/)
  },
)
