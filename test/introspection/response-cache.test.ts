/** Lifetime and bounds of cached responses (RFC 7662 §4, RFC 9700 §4.9.3). */
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { sha256 } from '../../src/base/thumbprint.js'
import { ResponseCache } from '../../src/introspection/response-cache.js'
import {
  CLIENT,
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { json, status } from '../fixtures/key-server.js'

const GOOD = { active: true, sub: 'user-1' }

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', GOOD)
  return { server, ...(await introspectorOf(t, server, overrides)) }
}

t.test('a thousand requests with one token cause one introspection request', async (t) => {
  const { server, introspector } = await start(t)
  const responses = await Promise.all(
    Array.from({ length: 1_000 }, () => introspector.introspect('good')),
  )
  t.equal(server.introspections.length, 1)
  t.ok(responses.every((response) => response === responses[0] && response?.sub === 'user-1'))
})

t.test(
  'a thousand failing requests share one introspection request, and get an error each',
  async (t) => {
    const { server, introspector } = await start(t)
    server.state.instead = status(503)
    const errors = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        Promise.resolve(introspector.introspect('good')).catch((error) => error),
      ),
    )
    t.equal(server.requestsFor('good'), 1)
    t.equal(server.introspections.length, 2, 'and one for a random token')
    t.equal(new Set(errors).size, 1_000)
  },
)

t.test('returns a cached response synchronously, without a promise', async (t) => {
  const { introspector } = await start(t)
  const pending = introspector.introspect('good')
  t.ok(pending instanceof Promise)
  const response = await pending
  t.equal(introspector.introspect('good'), response)
  await introspector.introspect('bad')
  t.equal(introspector.introspect('bad'), undefined)
})

t.test('I4: introspects an active token again after cacheMaxAge', async (t) => {
  const { server, clock, outcome } = await start(t, { cacheMaxAge: 10_000 })
  t.equal(await outcome('good'), 'active')
  clock.now += 9_999
  t.equal(await outcome('good'), 'active')
  t.equal(server.requestsFor('good'), 1)
  server.state.tokens.delete('good')
  clock.now += 1
  t.equal(await outcome('good'), 'rejected', 'the token was revoked')
  t.equal(server.requestsFor('good'), 2)
})

t.test('cacheMaxAge 0 introspects for each request', async (t) => {
  const { server, outcome } = await start(t, { cacheMaxAge: 0 })
  await outcome('good')
  await outcome('good')
  t.equal(server.requestsFor('good'), 2)
})

t.test('I4: uses no response at or after its exp', async (t) => {
  for (const staleIfError of [0, 60_000]) {
    const { server, clock, outcome } = await start(t, { cacheMaxAge: 30_000, staleIfError })
    server.state.tokens.set('short', { ...GOOD, exp: clock.now / 1_000 + 5 })
    t.equal(await outcome('short'), 'active')
    clock.now += 4_999
    t.equal(await outcome('short'), 'active')
    t.equal(server.requestsFor('short'), 1)
    clock.now += 1
    server.state.instead = status(503)
    t.equal(await outcome('short'), 'unavailable', 'even if the issuer is unreachable')
  }
})

t.test('leaves a non-numeric exp to later checks', async (t) => {
  const { server, introspector } = await start(t)
  server.state.tokens.set('odd', { ...GOOD, exp: 'tomorrow' })
  t.match(await introspector.introspect('odd'), { exp: 'tomorrow' })
})

t.test('I4: introspects an inactive token again after negativeCacheMaxAge', async (t) => {
  const { server, clock, outcome } = await start(t, { negativeCacheMaxAge: 2_000 })
  t.equal(await outcome('late'), 'rejected')
  server.state.tokens.set('late', GOOD)
  clock.now += 1_999
  t.equal(await outcome('late'), 'rejected')
  clock.now += 1
  t.equal(await outcome('late'), 'active')
  t.equal(server.requestsFor('late'), 2)
})

t.test('negativeCacheMaxAge 0 introspects for each request', async (t) => {
  const { server, outcome } = await start(t, { negativeCacheMaxAge: 0 })
  await outcome('bad')
  await outcome('bad')
  t.equal(server.requestsFor('bad'), 2)
})

t.test('I4: invalid tokens evict no active response', async (t) => {
  const { server, outcome, introspector } = await start(t, { maxEntries: 2 })
  await outcome('good')
  for (let i = 0; i < 10; i++) await outcome(`garbage-${i}`)
  t.not(introspector.introspect('good'), undefined)
  t.equal(server.requestsFor('good'), 1)
  await outcome('garbage-9')
  t.equal(server.requestsFor('garbage-9'), 1, 'the last inactive token is cached')
  await outcome('garbage-0')
  t.equal(server.requestsFor('garbage-0'), 2, 'the first inactive token was evicted')
})

t.test('bounds the cache in entries and bytes', async (t) => {
  const { server, outcome } = await start(t, { maxEntries: 3, maxBytes: 65_536 })
  for (const token of ['a', 'b', 'c', 'd']) {
    server.state.tokens.set(token, GOOD)
    await outcome(token)
  }
  await outcome('a')
  t.equal(server.requestsFor('a'), 2, 'the oldest of four is evicted')
  for (const token of ['x', 'y']) {
    server.state.tokens.set(token, { ...GOOD, note: 'n'.repeat(10_000) })
    await outcome(token)
  }
  await outcome('x')
  t.equal(server.requestsFor('x'), 2, 'two long responses exceed the limit')
  server.state.tokens.set('oversized', { ...GOOD, note: 'n'.repeat(30_000) })
  t.equal(await outcome('oversized'), 'active', 'an oversized response is used and not cached')
  await outcome('oversized')
  t.equal(server.requestsFor('oversized'), 2)
})

t.test('I4: keys entries by SHA-256 only', async (t) => {
  const token = 'an-opaque-token-that-is-a-secret'
  const known = new ResponseCache({
    cacheMaxAge: 1,
    negativeCacheMaxAge: 1,
    staleIfError: 0,
    maxEntries: 10,
    maxBytes: 65_536,
    now: Date.now,
    monotonicNow: Date.now,
  })
  known.store(sha256(token), GOOD as never, 10)
  t.ok(known.hasEntry(sha256(token)))
  t.notOk(known.hasEntry(token))
})

t.test('B10: inspecting an introspector shows neither token nor secret', async (t) => {
  const { server, introspector, outcome } = await start(t)
  await outcome('good')
  server.state.held = new Promise(() => {})
  outcome('an-opaque-token-under-way').catch(() => {})
  introspector.recheckOf('a-watched-token').check()
  const printed = inspect(introspector, { depth: Number.POSITIVE_INFINITY, showHidden: true })
  t.notMatch(printed, CLIENT.clientSecret)
  t.notMatch(printed, /opaque-token|watched-token/)
})

t.test('a revoked token stays rejected when introspection fails later', async (t) => {
  const { server, clock, outcome } = await start(t, { cacheMaxAge: 1_000, staleIfError: 3_600_000 })
  t.equal(await outcome('good'), 'active')
  server.state.tokens.delete('good')
  clock.now += 1_000
  t.equal(await outcome('good'), 'rejected')
  server.state.instead = status(503)
  clock.now += 5_000
  t.equal(await outcome('good'), 'unavailable', 'the earlier cached response is not used')
})

t.test('a malformed response removes an active one', async (t) => {
  const { server, clock, outcome } = await start(t, { cacheMaxAge: 1_000, staleIfError: 3_600_000 })
  t.equal(await outcome('good'), 'active')
  server.state.instead = json({ active: 'true' })
  clock.now += 1_000
  t.equal(await outcome('good'), 'rejected')
})
