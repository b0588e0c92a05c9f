/** An issuer that responds with 429: untrusted tokens wait, trusted ones continue. */
import t, { type Test } from 'tap'
import { fakeTimers } from '../fixtures/fake-timers.js'
import {
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { type ResponseHandler, status } from '../fixtures/key-server.js'

const KNOWN = ['good', 'better', 'best', 'fine']

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  for (const token of [...KNOWN, 'new']) server.state.tokens.set(token, { active: true })
  const it = await introspectorOf(t, server, { cacheMaxAge: 500, ...overrides })
  for (const token of KNOWN) t.equal(await it.outcome(token), 'active')
  it.clock.now += 500
  /** Whether the issuer throttles only unknown tokens, or all. */
  const limit = (response: ResponseHandler, which: (token: string) => boolean) => {
    server.state.filter = (token) => (which(token) ? response : undefined)
  }
  return { server, limit, ...it }
}

/** The response for the random token of the probe may be later than for a confirmed one. */
const aWhile = () => new Promise((done) => setTimeout(done, 50))

const isUnknown = (token: string) => ![...KNOWN, 'new'].includes(token)

t.test('a 429 for unknown tokens stops no token that the issuer would confirm', async (t) => {
  const { server, limit, clock, introspector, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '20' }), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  for (const token of ['new', ...KNOWN]) t.equal(await outcome(token), 'active', token)
  t.match(failures, [{ failure: { level: 'warn', attributedTo: 'token' }, retryIn: 0 }])
  t.equal(failures.length, 1)
  clock.now += 18_500
  const introspect = async () => introspector.introspect('forged')
  t.match(await introspect().catch((error) => error), { statusCode: 503, retryAfter: 2 })
  t.equal(server.requestsFor('forged'), 1, 'its own Retry-After has not passed')
  clock.now += 1_500
  t.equal(await outcome('forged'), 'unavailable')
  t.equal(server.requestsFor('forged'), 2)
})

t.test('a Retry-After applies to its token for at most a minute', async (t) => {
  const { server, limit, clock, outcome } = await start(t)
  limit(status(429, { 'retry-after': '3600' }), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  clock.now += 59_999
  t.equal(await outcome('forged'), 'unavailable')
  t.equal(server.requestsFor('forged'), 1)
  clock.now += 1
  t.equal(await outcome('forged'), 'unavailable')
  t.equal(server.requestsFor('forged'), 2)
})

t.test('a Retry-After does not apply to a trusted token', async (t) => {
  const { server, limit, clock, outcome } = await start(t)
  limit(status(429, { 'retry-after': '20' }), (token) => token === 'good')
  t.equal(await outcome('good'), 'unavailable')
  limit(status(429), () => false)
  clock.now += 1_000
  t.equal(await outcome('good'), 'active')
  t.equal(server.requestsFor('good'), 3)
})

t.test('a 429 for confirmed tokens stops untrusted ones', async (t) => {
  const { server, limit, clock, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '20' }), () => true)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  t.match(failures, [
    {
      failure: { level: 'warn', message: /responded with 429: untrusted tokens/ },
      retryIn: 20_000,
    },
    { failure: { attributedTo: 'issuer', status: 429 } },
  ])
  limit(status(429), () => false)
  clock.now += 1_000
  for (const token of KNOWN) t.equal(await outcome(token), 'active', token)
  t.equal(await outcome('new'), 'unavailable')
  t.equal(server.requestsFor('new'), 0)
  clock.now += 19_000
  t.equal(await outcome('new'), 'active')
})

t.test('an untrusted token waits for a stop that ends within the timeout', async (t) => {
  const { server, limit, clock, outcome } = await start(t, { timeout: 3_000 })
  limit(status(429, { 'retry-after': '2' }), () => true)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  limit(status(429), () => false)
  clock.now += 1_000
  const waiting = outcome('new')
  t.equal(await outcome('good'), 'active')
  t.equal(server.requestsFor('new'), 0, 'the issuer requested two seconds')
  clock.now += 1_000
  t.equal(await outcome('better'), 'active')
  t.equal(await waiting, 'active')
})

t.test('a 429 without Retry-After slows untrusted tokens down', async (t) => {
  const { server, limit, clock, outcome } = await start(t, { timeout: 1_000 })
  limit(status(429), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  const timers = fakeTimers(t, ['setTimeout'])
  const many = Array.from({ length: 70 }, (_, i) => `forged-${i}`)
  const outcomes = Promise.all(many.map(outcome))
  const sent = () => many.filter((token) => server.requestsFor(token) > 0).length
  while (sent() < 50) await new Promise(setImmediate)
  // The others wait until the timeout.
  await timers.advanceUntil(outcomes)
  t.strictSame(new Set(await outcomes), new Set(['unavailable']))
  t.equal(sent(), 50)
  clock.now += 1_000
  t.equal(await outcome('new'), 'active')
})

t.test('a 429 caused by the text of a token affects this token only', async (t) => {
  const { limit, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '60' }), (token) => token.startsWith('../'))
  t.equal(await outcome('../etc/passwd'), 'unavailable')
  t.equal(await outcome('new'), 'active')
  t.match(failures, [{ failure: { attributedTo: 'token', message: /responds to other tokens/ } }])
})

t.test('a 429 for every token is an outage, regardless of its Retry-After', async (t) => {
  const { limit, clock, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '3600' }), () => true)
  t.equal(await outcome('good'), 'unavailable')
  const { retryIn = 0 } = failures.at(-1) ?? {}
  t.ok(retryIn >= 500 && retryIn <= 1_000, 'trusted tokens continue, more slowly')
  limit(status(429), () => false)
  clock.now += retryIn
  t.equal(await outcome('better'), 'active')
  t.equal(await outcome('new'), 'unavailable')
})

t.test('a 429 before any token was confirmed only slows untrusted tokens', async (t) => {
  const server = await startIntrospectionServer(t)
  for (const token of ['new', 'newer']) server.state.tokens.set(token, { active: true })
  server.state.filter = (token) =>
    token.startsWith('new') ? undefined : status(429, { 'retry-after': '20' })
  const { outcome, failures } = await introspectorOf(t, server, { timeout: 1_000 })
  t.equal(await outcome('forged'), 'unavailable')
  t.match(failures, [{ failure: { attributedTo: 'token' }, retryIn: 0 }])
  const many = Array.from({ length: 20 }, (_, i) => `forged-${i}`)
  await Promise.all(many.map(outcome))
  t.equal(many.filter((token) => server.requestsFor(token) > 0).length, 5)
  t.equal(await outcome('new'), 'unavailable', 'a flood uses the whole rate')
})

t.test('a confirmed token ends the trial after a 429', async (t) => {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('new', { active: true })
  server.state.filter = (token) =>
    token === 'new' ? undefined : status(429, { 'retry-after': '20' })
  const { clock, outcome } = await introspectorOf(t, server, { timeout: 3_000 })
  t.equal(await outcome('forged'), 'unavailable')
  t.equal(await outcome('new'), 'active')
  clock.now += 1_000
  const many = Array.from({ length: 60 }, (_, i) => `forged-${i}`)
  await Promise.all(many.map(outcome))
  t.equal(many.filter((token) => server.requestsFor(token) > 0).length, 50)
})
