/** Whether a 401 is about our credentials or about a token (RFC 7662 §2.3). */
import t, { type Test } from 'tap'
import {
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { type ResponseHandler, status } from '../fixtures/key-server.js'

const respondingWith =
  (code: number, error: string): ResponseHandler =>
  (response) =>
    response.writeHead(code).end(JSON.stringify({ error }))

async function start(t: Test, response: ResponseHandler, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  const known = new Set(['good', 'better', 'new'])
  for (const token of known) server.state.tokens.set(token, { active: true })
  server.state.filter = (token) => (known.has(token) ? undefined : response)
  return { server, known, ...(await introspectorOf(t, server, { cacheMaxAge: 500, ...overrides })) }
}

const RESPONSES: Record<string, ResponseHandler> = {
  'a 401': status(401),
  'a 403 with an OAuth error': respondingWith(403, 'access_denied'),
  'a 404': status(404),
  'a 400 with unauthorized_client': respondingWith(400, 'unauthorized_client'),
  'a 401 with invalid_client': respondingWith(401, 'invalid_client'),
}

for (const [name, response] of Object.entries(RESPONSES)) {
  t.test(`${name} for every unknown token is no outage once a token was confirmed`, async (t) => {
    const { clock, outcome, failures } = await start(t, response)
    t.equal(await outcome('good'), 'active')
    for (let second = 0; second < 5; second++) {
      t.equal(await outcome(`forged-${second}`), 'unavailable')
      t.equal(await outcome(second < 4 ? 'good' : 'new'), 'active')
      clock.now += 1_000
    }
    t.notMatch(failures, [{ failure: { attributedTo: 'issuer' } }])
    t.ok(failures.every(({ failure }) => failure.level === 'warn'))
    t.notMatch(failures.map(({ failure }) => failure.message).join(), /credentials/)
  })

  t.test(`${name} is no outage even if the confirmed token was revoked since`, async (t) => {
    const { clock, known, outcome, failures } = await start(t, response)
    t.equal(await outcome('good'), 'active')
    known.delete('good')
    for (let second = 0; second < 5; second++) {
      clock.now += 1_000
      t.equal(await outcome('good'), 'unavailable')
      t.equal(await outcome(`forged-${second}`), 'unavailable')
    }
    t.ok(failures.every(({ failure }) => failure.attributedTo === 'token'))
    t.equal(await outcome('new'), 'active')
  })
}

t.test('reports rejected credentials as an error if confirmed tokens fail as well', async (t) => {
  const { server, clock, outcome, failures } = await start(t, status(401))
  for (const token of ['good', 'better']) t.equal(await outcome(token), 'active')
  clock.now += 500
  server.state.filter = () => status(401)
  t.equal(await outcome('good'), 'unavailable')
  t.match(failures, [
    { failure: { attributedTo: 'issuer', level: 'error', message: /rejects our credentials/ } },
  ])
  t.ok((failures[0]?.retryIn ?? 0) > 0)
})

t.test('a token for which the issuer fails repeatedly loses its priority', async (t) => {
  const { server, known, clock, outcome, introspector } = await start(t, status(401))
  for (const token of ['good', 'better']) t.equal(await outcome(token), 'active')
  known.delete('good')
  for (let i = 0; i < 3; i++) {
    clock.now += 1_000
    t.equal(await outcome('good'), 'unavailable')
  }
  clock.now += 1_000
  server.hold()
  for (let i = 0; i < 40; i++)
    Promise.resolve(introspector.introspect(`forged-${i}`)).catch(() => {})
  while (server.state.mostInFlight < 40) await new Promise((done) => setTimeout(done, 5))
  const requested = server.requestsFor('good')
  outcome('good').catch(() => {})
  outcome('better').catch(() => {})
  while (server.requestsFor('better') < 2) await new Promise((done) => setTimeout(done, 5))
  t.equal(server.requestsFor('good'), requested, 'it is queued like untrusted tokens')
  Promise.resolve(introspector.introspect('a verified JWT', true)).catch(() => {})
  while (server.requestsFor('a verified JWT') < 1) await new Promise((done) => setTimeout(done, 5))
})

t.test(
  'reports an issuer that cannot introspect its JWTs as an error if the mode requires it',
  async (t) => {
    const server = await startIntrospectionServer(t)
    server.state.instead = respondingWith(400, 'unsupported_token_type')
    const { introspector, outcome, failures, clock } = await introspectorOf(t, server)
    t.equal(await outcome('forged'), 'unavailable')
    clock.now += 1_000
    const verified = Promise.resolve(introspector.introspect('a.b.c', true))
    t.match(await verified.catch((error) => error), { statusCode: 503 })
    t.match(failures, [
      { failure: { level: 'warn', message: /400 unsupported_token_type$/ } },
      {
        failure: {
          level: 'error',
          attributedTo: 'token',
          message: /"introspection.mode" to opaque/,
        },
      },
    ])
  },
)
