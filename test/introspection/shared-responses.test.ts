/** Introspection responses that instances share (RFC 7662 §4). */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { sha256 } from '../../src/base/thumbprint.js'
import { createResourceServer, memoryStore, type Store } from '../../src/index.js'
import { Seal } from '../../src/introspection/sealed-response.js'
import { SharedResponses } from '../../src/introspection/shared-responses.js'
import {
  AUDIENCE,
  CLIENT,
  introspectorOf,
  type Overrides,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { status, text } from '../fixtures/key-server.js'

const SECRET = randomBytes(32)
const NOW = 1_800_000_000_000
const GOOD = { active: true, sub: 'a-subject', scope: 'orders:read', exp: NOW / 1_000 + 3_600 }

/** A store whose entries the test can read. */
function openStore(clock: { now: number }) {
  const entries = new Map<string, string>()
  const ttls: number[] = []
  const inner = memoryStore({ now: () => clock.now })
  const calls = { get: 0, set: 0, delete: 0 }
  const store: Store = {
    add: (...args) => inner.add(...args),
    get: async (key) => {
      calls.get++
      return (await inner.get(key)) === undefined ? undefined : entries.get(key)
    },
    set: async (key, value, ttl) => {
      calls.set++
      ttls.push(ttl)
      entries.set(key, value)
      await inner.set(key, '', ttl)
    },
    delete: async (key) => {
      calls.delete++
      entries.delete(key)
      await inner.delete(key)
    },
    mergeRevocations: (...args) => inner.mergeRevocations(...args),
    revocationsSince: (...args) => inner.revocationsSince(...args),
    listRevocations: () => inner.listRevocations(),
    publish: (...args) => inner.publish(...args),
    subscribe: (...args) => inner.subscribe(...args),
  }
  return { store, entries, ttls, calls }
}

/** Starts instances of one API, each with its own memory, and one clock that stands still. */
async function instances(t: Test, overrides: Overrides = {}, secrets = [SECRET, SECRET]) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', GOOD)
  server.state.tokens.set('other', { ...GOOD, sub: 'another-subject' })
  const clock = { now: NOW }
  const open = openStore(clock)
  const reported: unknown[] = []
  const start = async (secret: Uint8Array, more: Overrides = {}) => {
    const { clientId } = CLIENT
    const shared = {
      store: open.store,
      secret,
      clientId,
      onFailure: (e: unknown) => reported.push(e),
      onRecovery: () => {},
    }
    const instance = await introspectorOf(t, server, { shared, ...overrides, ...more })
    // One clock for all instances.
    Object.defineProperty(instance.clock, 'now', { get: () => clock.now })
    return instance
  }
  const [one, two] = (await Promise.all(secrets.map((secret) => start(secret)))) as [
    Awaited<ReturnType<typeof start>>,
    Awaited<ReturnType<typeof start>>,
  ]
  return { server, clock, one, two, reported, start, ...open }
}

t.test('an instance uses the response that another one received', async (t) => {
  const { server, one, two, reported } = await instances(t)
  t.equal(await one.outcome('good'), 'active')
  t.strictSame(await two.introspector.introspect('good'), GOOD)
  t.ok(Object.isFrozen(await two.introspector.introspect('good')))
  t.equal(server.requestsFor('good'), 1)
  t.strictSame(reported, [])
})

t.test('concurrent requests cause one look-up and one introspection request', async (t) => {
  const { server, one, calls } = await instances(t)
  await Promise.all(Array.from({ length: 100 }, () => one.introspector.introspect('good')))
  t.equal(calls.get, 1)
  t.equal(server.requestsFor('good'), 1)
  const again = one.introspector.introspect('good')
  t.notOk(again instanceof Promise, 'and the store is not read for a cached token')
})

t.test('I4: sharing does not reset the age of a response', async (t) => {
  const { server, clock, one, two, start } = await instances(t, { cacheMaxAge: 30_000 })
  await one.outcome('good')
  clock.now += 20_000
  await two.outcome('good')
  clock.now += 9_999
  await two.outcome('good')
  t.equal(server.requestsFor('good'), 1)
  clock.now += 1
  server.state.tokens.delete('good')
  t.equal(await two.outcome('good'), 'rejected', 'maxAge after it was received')
  t.equal(
    await (await start(SECRET)).outcome('good'),
    'rejected',
    'the response is removed from the store',
  )
})

t.test('I4: stores a response for as long as it may be used, never past exp', async (t) => {
  const { one, server, ttls } = await instances(t, { cacheMaxAge: 30_000, staleIfError: 5_000 })
  server.state.tokens.set('brief', { ...GOOD, exp: NOW / 1_000 + 7 })
  server.state.tokens.set('endless', { active: true })
  server.state.tokens.set('over', { ...GOOD, exp: NOW / 1_000 })
  for (const token of ['good', 'brief', 'endless', 'over']) await one.outcome(token)
  t.strictSame(ttls, [35_000, 7_000, 35_000])
})

t.test('with cacheMaxAge 0, a shared response serves no later request', async (t) => {
  const { server, one, two, calls } = await instances(t, { cacheMaxAge: 0 })
  await one.outcome('good')
  await two.outcome('good')
  t.equal(server.requestsFor('good'), 2)
  t.equal(calls.set, 0)
})

t.test('does not share negative responses', async (t) => {
  const { server, one, two, calls, entries } = await instances(t)
  for (let i = 0; i < 20; i++) await one.outcome(`random ${i}`)
  t.strictSame({ ...calls }, { get: 20, set: 0, delete: 0 })
  t.equal(entries.size, 0)
  t.equal(await two.outcome('random 0'), 'rejected')
  t.equal(server.requestsFor('random 0'), 2)
})

t.test('removes the response of a token that became inactive', async (t) => {
  const { server, clock, one, entries, calls } = await instances(t, { staleIfError: 60_000 })
  await one.outcome('good')
  t.equal(entries.size, 1)
  clock.now += 30_000
  server.state.tokens.delete('good')
  t.equal(await one.outcome('good'), 'rejected')
  t.equal(entries.size, 0)
  t.equal(calls.delete, 1)
})

t.test('an instance started in an outage uses stale shared responses', async (t) => {
  const { server, clock, one, start } = await instances(t, { staleIfError: 60_000 })
  await one.outcome('good')
  clock.now += 45_000
  server.state.instead = status(503)
  const late = await start(SECRET)
  t.equal(await late.outcome('good'), 'active', 'slightly stale, as configured')
  t.equal(await late.outcome('other'), 'unavailable')
  clock.now += 45_000
  t.equal(await (await start(SECRET)).outcome('good'), 'unavailable', 'and no longer')
})

t.test('prefers a local stale response to a shared stale one', async (t) => {
  const { server, clock, one, two } = await instances(t, { staleIfError: 60_000 })
  await two.outcome('good')
  await one.outcome('good')
  clock.now += 31_000
  t.equal(await one.outcome('good'), 'active')
  t.equal(server.requestsFor('good'), 2, 'the token is introspected if both are stale')
})

t.test('a local expired response does not hide a usable shared one', async (t) => {
  const { server, clock, one, two } = await instances(t, {
    cacheMaxAge: 30_000,
    staleIfError: 60_000,
  })
  await two.outcome('good')
  clock.now += 90_000
  t.equal(await one.outcome('good'), 'active')
  clock.now += 40_000
  server.state.instead = status(503)
  t.equal(await two.outcome('good'), 'active', 'another instance received it 40 s ago')
  clock.now += 50_000
  t.equal(await two.outcome('good'), 'unavailable', 'and no longer')
})

t.test('ignores a shared response older than a local negative one', async (t) => {
  const { server, clock, one, two, store, entries, calls } = await instances(t, {
    negativeCacheMaxAge: 0,
  })
  await one.outcome('good')
  const before = [...entries]
  entries.clear()
  server.state.tokens.delete('good')
  t.equal(await two.outcome('good'), 'rejected')
  const arriveLate = () =>
    Promise.all(before.map(([name, sealed]) => store.set(name, sealed, 30_000)))
  await arriveLate()
  clock.now += 1
  t.equal(await two.outcome('good'), 'rejected', 'it reached the store later')
  t.equal(entries.size, 0, 'and is removed for all instances')
  t.equal(calls.delete, 1)

  server.state.filter = () => status(400)
  t.equal(await two.outcome('good'), 'unavailable')
  server.state.filter = () => undefined
  await arriveLate()
  clock.now += 1_000
  t.equal(await two.outcome('good'), 'rejected', 'even after a failed introspection')

  clock.now += 30_000
  server.state.tokens.set('good', GOOD)
  t.equal(await one.outcome('good'), 'active')
  const requested = server.requestsFor('good')
  t.equal(await two.outcome('good'), 'active', 'except a newer one')
  t.equal(server.requestsFor('good'), requested)
})

t.test('ignores a replayed response that is past staleIfError', async (t) => {
  const { server, clock, one, two, store, entries } = await instances(t, {
    cacheMaxAge: 30_000,
    staleIfError: 60_000,
  })
  await one.outcome('good')
  const before = [...entries]
  clock.now += 90_000
  for (const [name, sealed] of before) await store.set(name, sealed, 30_000)
  server.state.filter = (token) => (token === 'good' ? status(503) : undefined)
  t.equal(await two.outcome('good'), 'unavailable')
  t.equal(await two.outcome('other'), 'active', 'nor does the token gain priority')
})

t.test('I5: instances that require signed responses share none with other instances', async (t) => {
  const { server, one, start } = await instances(t)
  await one.outcome('good')
  const strict = await start(SECRET, { requireSignedResponse: true })
  t.equal(await strict.outcome('good'), 'unavailable')
  t.equal(server.requestsFor('good'), 2)
})

t.test('treats a response from the near future as stale', async (t) => {
  const { server, clock, one, two } = await instances(t, { staleIfError: 60_000 })
  clock.now += 5_000
  await one.outcome('good')
  clock.now -= 5_000
  await two.outcome('good')
  t.equal(server.requestsFor('good'), 2)
})

t.test('ignores and reports a response from the far future', async (t) => {
  const { server, clock, one, two, reported } = await instances(t, { staleIfError: 600_000 })
  clock.now += 5_001
  await one.outcome('good')
  clock.now -= 5_001
  server.state.instead = status(503)
  t.equal(await two.outcome('good'), 'unavailable')
  t.match(reported, [/clock/])
})

t.test('an attacker who reads the store learns nothing', async (t) => {
  const { server, one, entries } = await instances(t)
  server.state.tokens.set('twin', GOOD)
  for (const token of ['good', 'twin', 'other']) await one.outcome(token)
  t.equal(entries.size, 3)
  t.equal(new Set(entries.values()).size, 3, 'nor which tokens have equal responses')
  const all = JSON.stringify([...entries])
  t.match(all, /^[\x20-\x7e]+$/, 'ASCII')
  const decoded = [...entries.values()].map((one) =>
    Buffer.from(one, 'base64url').toString('latin1'),
  )
  for (const text of [all, ...decoded]) {
    const tokens = ['good', 'twin', 'other', sha256('good')]
    const claims = ['subject', 'orders', 'active', String(GOOD.exp)]
    const secrets = [CLIENT.clientSecret, SECRET.toString('base64url'), SECRET.toString('latin1')]
    for (const secret of [...tokens, ...claims, ...secrets, server.issuer]) {
      t.notOk(text.includes(secret))
    }
  }
})

t.test('seals the same response differently each time', async (t) => {
  const seal = new Seal(SECRET, ['a'])
  t.not(seal.seal('digest', 'text'), seal.seal('digest', 'text'))
  t.equal(seal.open('digest', seal.seal('digest', 'täxt')), 'täxt')
})

t.test('an attacker who writes to the store cannot make a token valid', async (t) => {
  const { server, one, entries, reported, clock } = await instances(t)
  await one.outcome('good')
  const [[name, sealed]] = [...entries] as [[string, string]]
  const ofBad = `introspection:${new Seal(SECRET, [server.issuer, CLIENT.clientId]).nameOf(sha256('bad'))}`
  const flipped = (place: number) => {
    const bytes = Buffer.from(sealed, 'base64url')
    const at = place < 0 ? bytes.length + place : place
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    return bytes.toString('base64url')
  }
  const foreign = new Seal(randomBytes(32), [server.issuer, CLIENT.clientId])
  const forged = foreign.seal(sha256('bad'), `${NOW} ${JSON.stringify(GOOD)}`)
  const plain = `${NOW} ${JSON.stringify(GOOD)}`
  const forgeries: Record<string, unknown> = {
    "another token's response": sealed,
    'sealed with another secret': forged,
    'not sealed': plain,
    nothing: '',
    'too short': 'AAAA',
    'too long': 'A'.repeat(200_000),
    'no string': { active: true },
  }
  for (const [what, value] of Object.entries(forgeries)) {
    reported.length = 0
    // As if the attacker knew the key of the entry.
    entries.set(ofBad, value as string)
    const fresh = await instancesLike(t, server, entries, clock, reported)
    t.equal(await fresh.outcome('bad'), 'rejected', what)
    t.equal(reported.length, 1, `${what}: a warning is logged`)
  }
  for (const place of [0, 12, -1]) {
    entries.set(name, flipped(place))
    const fresh = await instancesLike(t, server, entries, clock, reported)
    const before = server.requestsFor('good')
    t.equal(await fresh.outcome('good'), 'active')
    t.equal(server.requestsFor('good'), before + 1, 'introspected, because the entry was modified')
  }
})

/** Starts another instance with the current entries of the store. */
async function instancesLike(
  t: Test,
  server: Awaited<ReturnType<typeof startIntrospectionServer>>,
  entries: Map<string, string>,
  clock: { now: number },
  reported: unknown[],
) {
  const store = {
    ...memoryStore(),
    get: async (key: string) => entries.get(key),
    set: async () => {},
  }
  const shared = {
    store: store as unknown as Store,
    secret: SECRET,
    clientId: CLIENT.clientId,
    onFailure: (error: unknown) => reported.push(error),
    onRecovery: () => {},
  }
  const instance = await introspectorOf(t, server, { shared })
  Object.defineProperty(instance.clock, 'now', { get: () => clock.now })
  return instance
}

t.test('shares nothing across different secrets, clients or issuers', async (t) => {
  const { server, one, two } = await instances(t, {}, [SECRET, randomBytes(32)])
  await one.outcome('good')
  await two.outcome('good')
  t.equal(server.requestsFor('good'), 2)
  const names = [['a', 'b'], ['a', 'c'], ['c', 'b'], ['a,b']].map((context) =>
    new Seal(SECRET, context).nameOf('digest'),
  )
  t.equal(new Set(names).size, 4)
})

t.test('a store that fails, stalls or throws costs introspection requests only', async (t) => {
  const rejecting = async () => Promise.reject(new Error('Redis does not respond'))
  const throwing = () => {
    throw new Error('no store at all')
  }
  const hanging = () => new Promise<never>(() => {})
  for (const [name, broken] of Object.entries({ rejecting, throwing, hanging })) {
    const server = await startIntrospectionServer(t)
    server.state.tokens.set('good', GOOD)
    server.state.tokens.set('other', GOOD)
    const reported: unknown[] = []
    const store = { get: broken, set: broken, delete: broken } as unknown as Store
    const onFailure = (error: unknown) => void reported.push(error)
    const onRecovery = () => {}
    const shared = { store, secret: SECRET, clientId: CLIENT.clientId, onFailure, onRecovery }
    const { outcome, clock } = await introspectorOf(t, server, { shared })
    t.equal(await outcome('good'), 'active', name)
    t.equal(await outcome('random'), 'rejected', name)
    clock.now += 30_000
    server.state.tokens.delete('good')
    t.equal(await outcome('good'), 'rejected', name)
    await sleep(1)
    t.equal(reported.length, 2, `${name}: a warning is logged twice a minute`)
  }
})

/** Shared responses without an issuer, with a store of the given methods only. */
function sharedResponses(
  store: Partial<Store>,
  { now = NOW, onFailure = () => {} }: { now?: number; onFailure?: (error: unknown) => void } = {},
): SharedResponses {
  return new SharedResponses({
    store: store as Store,
    secret: SECRET,
    issuer: 'an issuer',
    clientId: 'a client',
    requireSignedResponse: false,
    cacheMaxAge: 30_000,
    staleIfError: 0,
    timeout: 100,
    now: () => now,
    monotonicNow: () => NOW,
    closing: new AbortController().signal,
    onFailure,
    onRecovery: () => {},
  })
}

/** Calls of a stalled store do not keep the process alive. */
function keepAlive(t: Test): void {
  const alive = setInterval(() => {}, 50)
  t.teardown(() => clearInterval(alive))
}

t.test('a store may return null for a missing entry', async (t) => {
  const reported: unknown[] = []
  const onFailure = (error: unknown) => reported.push(error)
  const shared = sharedResponses({ get: async () => null as never }, { onFailure })
  t.equal(await shared.find('digest'), undefined)
  t.strictSame(reported, [])
})

t.test('at most a thousand writes wait for a stalled store', async (t) => {
  keepAlive(t)
  const waiting: (() => void)[] = []
  const calls = { set: 0, delete: 0 }
  const hang = (method: 'set' | 'delete') => () => {
    calls[method]++
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  const shared = sharedResponses({ set: hang('set'), delete: hang('delete') })
  for (let i = 0; i < 1_100; i++) shared.share(`digest ${i}`, { ...GOOD, active: true })
  t.equal(calls.set, 1_000)
  shared.forget('digest')
  t.equal(calls.delete, 1, 'removals do not wait for them')
  await sleep(600)
  shared.share('digest', { ...GOOD, active: true })
  t.equal(calls.set, 1_000, 'nor do they free slots before they end')
  for (const done of waiting) done()
  await sleep(1)
  shared.share('digest', { ...GOOD, active: true })
  t.equal(calls.set, 1_001)
})

t.test('waits for a store no longer than for the issuer', async (t) => {
  keepAlive(t)
  const reported: unknown[] = []
  const onFailure = (error: unknown) => reported.push(error)
  const shared = sharedResponses({ get: () => new Promise(() => {}) }, { onFailure })
  t.equal(await shared.find('digest'), undefined)
  t.match(reported, [/within 100 ms/])
})

t.test('I2: opens sealed active responses only', async (t) => {
  const seal = new Seal(SECRET, ['an issuer', 'a client'])
  const found = (text: string) =>
    sharedResponses({ get: async () => seal.seal('digest', text) }).find('digest')
  t.match(await found(`${NOW} {"active":true}`), { response: { active: true }, age: 0 })
  const others = [
    `${NOW} {"active":false}`,
    `${NOW} {"active":"true"}`,
    `${NOW} {"active":true,"active":true}`,
    `${NOW} {"__proto__":{"active":true}}`,
    `${NOW} [true]`,
    `${NOW} {}`,
    `${NOW} `,
    'NaN {"active":true}',
    'Infinity {"active":true}',
    '{"active":true}',
  ]
  for (const text of others) t.equal(await found(text), undefined, text)
})

t.test('a flood of tokens causes no flood at a stalled store', async (t) => {
  let requested = 0
  const waiting: ((reason: Error) => void)[] = []
  const get = () => {
    requested++
    return new Promise<never>((_, reject) => waiting.push(reject))
  }
  keepAlive(t)
  const shared = sharedResponses({ get })
  const found = await Promise.all(Array.from({ length: 1_100 }, (_, i) => shared.find(`${i}`)))
  t.ok(found.every((one) => one === undefined))
  t.equal(requested, 1_000)
  await shared.find('later')
  t.equal(requested, 1_000, 'even if it hangs for a long time')
  for (const fail of waiting) fail(new Error('late'))
  await sleep(1)
  await shared.find('later')
  t.equal(requested, 1_001)
})

t.test('does not share an unusable response', async (t) => {
  const { server, one, entries } = await instances(t)
  // JSON.stringify writes numbers without an exponent.
  const long = `{"active":true,"numbers":[${'1e20,'.repeat(10_000)}0]}`
  server.state.instead = text(long, { 'content-type': 'application/json' })
  t.equal(await one.outcome('long'), 'active')
  let sets = 0
  const set = async () => {
    sets++
  }
  sharedResponses({ set }, { now: Number.NaN }).share('digest', { active: true })
  sharedResponses({ set }).share('digest', { active: true })
  await sleep(1)
  t.equal(entries.size, 0, 'too long to read')
  t.equal(sets, 1, 'without a time')
})

t.test('uses no store after close()', async (t) => {
  const { one, two, calls } = await instances(t)
  await one.outcome('good')
  two.introspector.close()
  t.equal(await two.outcome('good'), 'unavailable')
  t.equal(calls.get, 1)
})

t.test('reports no store failure after close()', async (t) => {
  const { one, reported, store } = await instances(t)
  store.get = () => new Promise(() => {})
  const pending = one.outcome('good')
  one.introspector.close()
  t.equal(await pending, 'unavailable')
  t.strictSame(reported, [])
})

t.test('resource servers share through the option, and check shared responses', async (t) => {
  const server = await startIntrospectionServer(t)
  const exp = Math.floor(Date.now() / 1_000) + 600
  server.state.tokens.set('good', { active: true, aud: AUDIENCE, exp, sub: 'ada' })
  server.state.tokens.set('elsewhere', { active: true, aud: 'https://other.example', exp })
  const store = memoryStore()
  const options = {
    issuer: server.issuer,
    audience: AUDIENCE,
    introspection: CLIENT,
    stores: { introspection: store, sealingSecret: SECRET.toString('base64url') },
  }
  const [one, two] = await Promise.all([
    createResourceServer(options),
    createResourceServer(options),
  ])
  t.teardown(() => Promise.all([one.close(), two.close()]))
  t.equal((await one.verify('good')).subject, 'ada')
  t.equal((await two.verify('good')).subject, 'ada')
  t.equal(server.requestsFor('good'), 1)
  for (const api of [one, two]) {
    await t.rejects(api.verify('elsewhere'), /not meant for this resource/)
  }
  t.equal(server.requestsFor('elsewhere'), 1)
  two.revoke({ sub: 'ada' })
  await t.rejects(two.verify('good'), /was revoked/)
})

t.test('logs a store failure without any part of the token', async (t) => {
  const server = await startIntrospectionServer(t)
  const exp = Math.floor(Date.now() / 1_000) + 600
  server.state.tokens.set('good', { active: true, aud: AUDIENCE, exp, sub: 'ada' })
  const lines: unknown[][] = []
  const store = { ...memoryStore(), get: () => Promise.reject(new Error('away')) }
  const methods = [
    ...['add', 'set', 'delete', 'publish', 'subscribe'],
    ...['mergeRevocations', 'revocationsSince', 'listRevocations'],
  ]
  const whole = Object.assign(Object.fromEntries(methods.map((m) => [m, async () => {}])), store)
  const api = await createResourceServer({
    issuer: server.issuer,
    audience: AUDIENCE,
    introspection: CLIENT,
    stores: { introspection: whole as unknown as Store, sealingSecret: SECRET },
    logger: { warn: (...args: unknown[]) => lines.push(args) },
  })
  t.teardown(() => api.close())
  await api.verify('good')
  t.match(lines, [
    [
      { issuer: server.issuer, err: /away/ },
      'shared introspection cache failed; introspecting on this instance only',
    ],
  ])
  t.notMatch(JSON.stringify(lines), 'good')
})

t.test('a replayed old response gives its token no priority', async (t) => {
  const { server, clock, one, two, store, entries } = await instances(t, { cacheMaxAge: 30_000 })
  t.equal(await one.outcome('good'), 'active')
  t.equal(await two.outcome('other'), 'active')
  Object.assign(store, { get: async (key: string) => entries.get(key) })
  clock.now += 30_000
  server.state.instead = status(429, { 'retry-after': '20' })
  t.equal(await two.outcome('forged'), 'unavailable')
  server.state.instead = undefined
  clock.now += 1_000
  t.equal(await two.outcome('good'), 'unavailable', 'untrusted tokens are paused')
  t.equal(server.requestsFor('good'), 1)
  t.equal(await two.outcome('other'), 'active')
})
