/** Background rechecks of tokens whose signature was verified here. */
import t, { type Test } from 'tap'
import {
  RecheckCache,
  type RecheckCacheOptions,
  type TokenState,
} from '../../src/introspection/background-recheck.js'
import {
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { json, status } from '../fixtures/key-server.js'
import { NO_COST, startCounting } from '../fixtures/request-cost.js'

async function start(t: Test, overrides: Overrides = {}) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('jwt', { active: true })
  const it = await introspectorOf(t, server, { mode: 'recheck', ...overrides })
  return { server, ...it, recheck: it.introspector.recheckOf('jwt') }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

/** Long enough for a request that must not be sent. */
const aWhile = () => new Promise((done) => setTimeout(done, 50))

/** Rechecks without a network, for tests of memory and time. */
function watches(options: Partial<RecheckCacheOptions> = {}) {
  const state = { now: 1_000, requested: [] as string[], kind: 'active' as string, pause: 0 }
  const fake = new RecheckCache({
    client: {
      request: async (token) => {
        state.requested.push(token)
        if (state.kind === 'failed') throw new Error('no result')
        return { kind: state.kind } as never
      },
      pause: () => state.pause,
    },
    recheckInterval: 60_000,
    recheckStaleIfError: 300_000,
    timeout: 5_000,
    maxEntries: 100,
    maxBytes: 65_536,
    monotonicNow: () => state.now,
    ...options,
  })
  return { state, watches: fake }
}

const settle = () => new Promise(setImmediate)

t.test('a token is unknown until the first response, and no request waits for it', async (t) => {
  const { server, recheck } = await start(t)
  t.equal(recheck.check(), 'unknown')
  await until(() => recheck.check() === 'active')
  t.equal(server.requestsFor('jwt'), 1)
})

t.test('rejects a revoked token within the interval, permanently', async (t) => {
  const { server, clock, recheck, introspector } = await start(t, { recheckInterval: 60_000 })
  recheck.check()
  await until(() => recheck.check() === 'active')
  server.state.tokens.delete('jwt')
  clock.now += 59_999
  t.equal(recheck.check(), 'active')
  await aWhile()
  t.equal(server.requestsFor('jwt'), 1, 'not due')
  clock.now += 1
  t.equal(recheck.check(), 'active', 'no request waits for the issuer')
  await until(() => recheck.check() === 'revoked')
  server.state.tokens.set('jwt', { active: true })
  clock.now += 3_600_000
  t.equal(recheck.check(), 'revoked')
  t.equal(introspector.recheckOf('jwt').check(), 'revoked', 'also when it is verified again')
  await aWhile()
  t.equal(server.requestsFor('jwt'), 2, 'it is not rechecked')
})

t.test('a malleated signature does not start a new recheck', async (t) => {
  const { state, watches: these } = watches()
  state.kind = 'inactive'
  these.recheckOf('header.claims.signature').check()
  await settle()
  t.equal(
    these.recheckOf('header.claims.other-spelling').check(),
    'revoked',
    'even on its first use',
  )
  t.equal(these.recheckOf('header.others.signature').check(), 'unknown')
  t.equal(state.requested.length, 2)
})

t.test('a thousand requests cause one recheck per interval', async (t) => {
  const { server, clock, introspector } = await start(t, { recheckInterval: 60_000 })
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 1_000; i++) introspector.recheckOf('jwt').check()
    await until(() => server.requestsFor('jwt') === round)
    await aWhile()
    for (let i = 0; i < 1_000; i++) introspector.recheckOf('jwt').check()
    await aWhile()
    t.equal(server.requestsFor('jwt'), round)
    clock.now += 60_000
  }
})

t.test('a recheck that takes longer than the interval is not repeated meanwhile', async (t) => {
  const { server, clock, recheck } = await start(t, { recheckInterval: 1_000 })
  const release = server.hold()
  recheck.check()
  await until(() => server.requestsFor('jwt') === 1)
  clock.now += 10_000
  recheck.check()
  await aWhile()
  t.equal(server.requestsFor('jwt'), 1)
  release()
  await until(() => recheck.check() === 'active')
})

t.test('a failed recheck does not revoke', async (t) => {
  for (const instead of [status(503), status(500), status(401), json({ active: 'false' })]) {
    const { server, clock, recheck } = await start(t, { recheckInterval: 60_000 })
    recheck.check()
    await until(() => recheck.check() === 'active')
    clock.now += 60_000
    server.state.instead = instead
    recheck.check()
    await until(() => server.requestsFor('jwt') === 2)
    await aWhile()
    t.equal(recheck.check(), 'active')
  }
})

t.test('retries a failed recheck before the interval ends', async (t) => {
  const { state, watches: these } = watches()
  const recheck = these.recheckOf('jwt')
  state.kind = 'failed'
  recheck.check()
  await settle()
  state.now += 999
  recheck.check()
  t.equal(state.requested.length, 1)
  state.now += 1
  state.pause = 30_000
  recheck.check()
  await settle()
  t.equal(state.requested.length, 2)
  state.now += 29_999
  recheck.check()
  t.equal(state.requested.length, 2, 'but not during a pause')
  state.now += 1
  recheck.check()
  await settle()
  t.equal(state.requested.length, 3)
  t.equal(recheck.check(), 'unknown')
})

t.test('accepts an unconfirmed token for a bounded time', async (t) => {
  const { state, watches: these } = watches({ recheckStaleIfError: 120_000 })
  const recheck = these.recheckOf('jwt')
  recheck.check()
  await settle()
  t.equal(recheck.check(), 'active')
  state.now += 3_600_000
  state.kind = 'failed'
  t.equal(recheck.check(), 'active', 'even after a long time without requests')
  await settle()
  state.now += 120_000
  t.equal(recheck.check(), 'active')
  await settle()
  state.now += 1
  t.equal(recheck.check(), 'unconfirmed')
  t.match(recheck.failure, { message: 'no result' })
  t.equal(these.recheckOf('jwt').check(), 'unconfirmed', 'also when it is verified again')
  state.kind = 'active'
  state.now += 1_000
  recheck.check()
  await settle()
  t.equal(recheck.check(), 'active')
  state.kind = 'malformed'
  state.now += 60_000
  recheck.check()
  await settle()
  state.now += 120_001
  t.equal(recheck.check(), 'unconfirmed', 'a malformed response confirms nothing')
  await settle()
  state.kind = 'inactive'
  state.now += 60_000
  recheck.check()
  await settle()
  t.equal(recheck.check(), 'revoked')
})

t.test('retries a failed recheck on a timer while the token is in use', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const { state, watches: these } = watches()
  t.teardown(() => these.close())
  const recheck = these.recheckOf('jwt')
  state.kind = 'failed'
  recheck.check()
  await settle()
  await new Promise((done) => setTimeout(done, 600))
  t.equal(state.requested.length, 1, 'not before it is due')
  state.now += 1_000
  await until(() => state.requested.length === 2)
  state.now += 1_000
  state.kind = 'inactive'
  await until(() => state.requested.length === 3)
  t.equal(recheck.check(), 'revoked')
  const idle = these.recheckOf('other')
  state.kind = 'failed'
  idle.check()
  await settle()
  state.now += 60_001
  await new Promise((done) => setTimeout(done, 1_200))
  t.equal(state.requested.length, 4, 'unused for an interval')
})

t.test('retries nothing after close()', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const { state, watches: these } = watches()
  state.kind = 'failed'
  these.recheckOf('jwt').check()
  these.close()
  await settle()
  state.now += 1_000
  await new Promise((done) => setTimeout(done, 600))
  t.equal(state.requested.length, 1)
})

t.test('bounds the rechecked tokens in number and bytes', async (t) => {
  const { watches: few } = watches({ maxEntries: 2 })
  const first = few.recheckOf('a.b.c')
  t.equal(few.recheckOf('a.b.c'), first)
  few.recheckOf('d.e.f')
  few.recheckOf('g.h.i')
  t.not(few.recheckOf('a.b.c'), first)
  const { watches: small } = watches({ maxBytes: 65_536 })
  const long = small.recheckOf(`${'x'.repeat(40_000)}.signature`)
  t.equal(small.recheckOf(`${'x'.repeat(40_000)}.signature`), long)
  small.recheckOf(`${'y'.repeat(40_000)}.signature`)
  t.not(small.recheckOf(`${'x'.repeat(40_000)}.signature`), long)
  const tooLong = `${'z'.repeat(70_000)}.signature`
  t.equal(small.recheckOf(tooLong).check(), 'unknown', 'an oversized token is still accepted')
})

t.test('active tokens do not evict revoked ones', async (t) => {
  const { state, watches: these } = watches({ maxEntries: 2 })
  state.kind = 'inactive'
  these.recheckOf('revoked.jwt.signature').check()
  await settle()
  state.kind = 'active'
  for (let i = 0; i < 10; i++) these.recheckOf(`good-${i}.jwt.signature`).check()
  const found: TokenState = these.recheckOf('revoked.jwt.signature').check()
  t.equal(found, 'revoked')
})

t.test('a check without a due recheck only reads the clock', async (t) => {
  let clockReads = 0
  const monotonicNow = () => {
    clockReads++
    return 1_000
  }
  const { state, watches: these } = watches({ monotonicNow })
  const recheck = these.recheckOf('jwt')
  recheck.check()
  await settle()
  clockReads = 0
  const stop = startCounting()
  for (let i = 0; i < 1_000; i++) recheck.check()
  t.strictSame(stop(), NO_COST)
  t.ok(clockReads <= 2_000, `${clockReads} reads`)
  t.equal(state.requested.length, 1)
})

t.test('accepts an unconfirmed token for recheckStaleIfError, and no longer', async (t) => {
  const { state, watches: these } = watches({ recheckStaleIfError: 90_000 })
  t.teardown(() => these.close())
  const recheck = these.recheckOf('jwt')
  recheck.check()
  await settle()
  t.equal(recheck.check(), 'active')
  state.kind = 'failed'
  state.now += 60_000
  t.equal(recheck.check(), 'active')
  await settle()
  t.ok(recheck.needsRetry)
  t.match(recheck.failure, { message: 'no result' })
  state.now += 90_000
  t.equal(recheck.check(), 'active')
  await settle()
  state.now += 1
  t.equal(recheck.check(), 'unconfirmed', 'further failures do not extend the time')
  state.kind = 'active'
  state.now += 60_000
  t.equal(recheck.check(), 'unconfirmed')
  await settle()
  t.equal(recheck.check(), 'active', 'until the issuer responds')
  t.notOk(recheck.needsRetry)
})

t.test('with recheckStaleIfError 0, rejects a token once a recheck has failed', async (t) => {
  const { state, watches: these } = watches({ recheckStaleIfError: 0 })
  t.teardown(() => these.close())
  const recheck = these.recheckOf('jwt')
  recheck.check()
  await settle()
  state.now += 60_000
  t.equal(recheck.check(), 'active')
  state.now += 1_000
  t.equal(recheck.check(), 'active', 'while the issuer takes a second to respond')
  await settle()
  t.equal(recheck.check(), 'active')
  state.kind = 'failed'
  state.now += 60_000
  t.equal(recheck.check(), 'active')
  await settle()
  state.now += 1
  t.equal(recheck.check(), 'unconfirmed')
})

t.test('rejects a token after the timeout, even if the recheck does not end', async (t) => {
  const { state, watches: these } = watches({
    recheckStaleIfError: 1_000,
    client: { request: () => new Promise(() => {}), pause: () => 0 },
  })
  t.teardown(() => these.close())
  const recheck = these.recheckOf('jwt')
  t.equal(recheck.check(), 'unknown')
  state.now += 5_000
  t.equal(recheck.check(), 'unknown')
  state.now += 1
  t.equal(recheck.check(), 'unconfirmed')
})

t.test('a token that is no longer in use needs no retry', async (t) => {
  const { state, watches: these } = watches()
  t.teardown(() => these.close())
  const recheck = these.recheckOf('jwt')
  state.kind = 'failed'
  recheck.check()
  await settle()
  state.now += 60_000
  t.ok(recheck.needsRetry)
  state.now += 1
  t.notOk(recheck.needsRetry)
})
