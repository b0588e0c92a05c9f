/** An issuer that answers 429: untrusted tokens wait, the others go on. */
import t, { type Test } from 'tap'
import {
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { type Answer, status } from '../fixtures/key-server.js'

const KNOWN = ['good', 'better', 'best', 'fine']

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  for (const token of [...KNOWN, 'new']) server.state.tokens.set(token, { active: true })
  const it = await introspectorOf(t, server, { maxAge: 500, ...overrides })
  for (const token of KNOWN) t.equal(await it.outcome(token), 'active')
  it.clock.now += 500
  /** It limits requests about tokens that it doesn't know, or all. */
  const limit = (answer: Answer, which: (token: string) => boolean) => {
    server.state.filter = (token) => (which(token) ? answer : undefined)
  }
  return { server, limit, ...it }
}

/** The random token of the probe may be answered a little later than a confirmed one. */
const aWhile = () => new Promise((done) => setTimeout(done, 50))

const isUnknown = (token: string) => ![...KNOWN, 'new'].includes(token)

t.test('a 429 with Retry-After stops untrusted tokens, and no others', async (t) => {
  const { server, limit, clock, introspector, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '20' }), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  const asked = server.questions.length
  const error = await Promise.resolve(introspector.introspect('new')).catch((error) => error)
  t.match(error, { statusCode: 503, retryAfter: 20 })
  t.equal(server.questions.length, asked, 'nobody is asked about it')
  for (const token of KNOWN) t.equal(await outcome(token), 'active')
  t.match(failures, [
    { failure: { level: 'warn', message: /answered 429: .* not confirmed/ }, retryIn: 20_000 },
    { failure: { of: 'token' }, retryIn: 0 },
  ])
  clock.now += 20_000
  t.equal(await outcome('new'), 'active')
})

t.test('no Retry-After stops them for longer than a minute', async (t) => {
  const { limit, clock, outcome } = await start(t)
  limit(status(429, { 'retry-after': '3600' }), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  clock.now += 59_999
  t.equal(await outcome('new'), 'unavailable')
  clock.now += 1
  t.equal(await outcome('new'), 'active')
})

t.test('a 429 without Retry-After slows untrusted tokens down', async (t) => {
  const { server, limit, clock, outcome } = await start(t, { timeout: 1_000 })
  limit(status(429), isUnknown)
  t.equal(await outcome('forged'), 'unavailable')
  await aWhile()
  const many = Array.from({ length: 70 }, (_, i) => `forged-${i}`)
  t.strictSame(new Set(await Promise.all(many.map(outcome))), new Set(['unavailable']))
  t.equal(many.filter((token) => server.asked(token) > 0).length, 50)
  clock.now += 1_000
  t.equal(await outcome('new'), 'active')
})

t.test('a 429 of a rule for the text concerns its token alone', async (t) => {
  const { limit, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '60' }), (token) => token.startsWith('../'))
  t.equal(await outcome('../etc/passwd'), 'unavailable')
  t.equal(await outcome('new'), 'active')
  t.match(failures, [{ failure: { of: 'token', message: /answers about others/ } }])
})

t.test('a 429 about everything is an outage, whatever Retry-After it names', async (t) => {
  const { limit, clock, outcome, failures } = await start(t)
  limit(status(429, { 'retry-after': '3600' }), () => true)
  t.equal(await outcome('good'), 'unavailable')
  const { retryIn = 0 } = failures.at(-1) ?? {}
  t.ok(retryIn >= 500 && retryIn <= 1_000, 'those that are trusted go on, more slowly')
  limit(status(429), () => false)
  clock.now += retryIn
  t.equal(await outcome('better'), 'active')
  t.equal(await outcome('new'), 'unavailable')
})

t.test('a 429 before any token was confirmed stops untrusted ones, and is no outage', async (t) => {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('new', { active: true })
  server.state.instead = status(429, { 'retry-after': '20' })
  const { clock, outcome, failures } = await introspectorOf(t, server)
  t.equal(await outcome('forged'), 'unavailable')
  t.match(failures, [{ retryIn: 20_000 }, { failure: { of: 'token' }, retryIn: 0 }])
  t.equal(await outcome('new'), 'unavailable')
  t.equal(server.asked('new'), 0)
  server.state.instead = undefined
  clock.now += 20_000
  t.equal(await outcome('new'), 'active')
})
