/** Revocations of several instances, over a store that fails when it is told to. */
import t, { type Test } from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  type Store,
} from '../../src/index.js'
import { entryOf, parseEntry } from '../../src/revocation/shared-entry.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const UNAVAILABLE = { name: 'StoreUnavailableError', statusCode: 503, retryAfter: 1 }
const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

interface FaultyStore extends Store {
  /** Methods that reject. */
  readonly failing: Set<string>
  /** Methods that never answer. */
  readonly hanging: Set<string>
  /** Messages are lost. */
  deaf: boolean
  readonly calls: string[]
  reconnect(): void
}

function faultyStore(store = memoryStore()): FaultyStore {
  const failing = new Set<string>()
  const hanging = new Set<string>()
  const calls: string[] = []
  const gaps: (() => void)[] = []
  const methods = ['add', 'get', 'set', 'delete', 'list', 'publish', 'subscribe'] as const
  const faulty = Object.fromEntries(
    methods.map((method) => [
      method,
      async (...args: never[]) => {
        calls.push(`${method} ${args[0]}`)
        if (hanging.has(method)) return new Promise(() => {})
        if (failing.has(method)) throw new Error(`no ${method}`)
        if (method === 'publish' && result.deaf) return
        if (method === 'subscribe') gaps.push(args[2] as never)
        return (store[method] as (...args: never[]) => unknown)(...args)
      },
    ]),
  )
  const reconnect = () => {
    for (const gap of gaps) gap()
  }
  const result: FaultyStore = Object.assign(faulty as never as Store, {
    failing,
    hanging,
    calls,
    reconnect,
    deaf: false,
  })
  return result
}

async function instance(t: Test, store: Store, options: Partial<ResourceServerOptions> = {}) {
  const warnings: string[] = []
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    stores: { revocations: store },
    logger: { warn: (_details, message) => void warnings.push(message) },
    ...options,
  })
  t.teardown(() => server.close())
  return Object.assign(server, { warnings })
}

type Verdict = 'good' | 'revocation' | 'store-unavailable'

/** Whether an instance comes to a verdict, in the time that it has to hear of what others know. */
async function comesTo(
  verdict: Verdict,
  server: { verify(token: string): Promise<unknown> },
  token: string,
) {
  for (let i = 0; i < 300; i++) {
    const found = await server.verify(token).then(
      () => 'good',
      (error) => error.check,
    )
    if (found === verdict) return true
    await sleep(5)
  }
  return false
}

t.test('B7: in force here at once, and on the others when the message comes', async (t) => {
  const store = memoryStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  for (const [i, revocation] of [
    { jti: 'a' },
    { sub: 'b', issuer: given().issuer as string },
    { sid: 'c' },
    { clientId: 'd' },
    { sub: 'e', before: Number.POSITIVE_INFINITY },
  ].entries()) {
    const letter = 'abcde'[i] as string
    const token = await tokenOf({ jti: letter, sub: letter, sid: letter, client_id: letter })
    await other.verify(token)
    const telling = one.revoke(revocation)
    await t.rejects(one.verify(token), REVOKED)
    await telling
    await sleep(1)
    await t.rejects(other.verify(token), REVOKED, JSON.stringify(revocation))
    await t.rejects(other.verify(token), REVOKED, 'and again, as its names are known')
  }
  await other.verify(await tokenOf())
  const late = await instance(t, store)
  await t.rejects(late.verify(await tokenOf({ jti: 'a' })), REVOKED, 'after a restart as well')
  await late.verify(await tokenOf())
})

t.test('nobody who reads the store learns who was revoked', async (t) => {
  const store = memoryStore()
  const server = await instance(t, store)
  await server.revoke({ sub: 'ada' })
  await server.revoke({ jti: 'token-1' })
  const all = await store.list('')
  t.equal(all.length, 3)
  t.notMatch(JSON.stringify(all), /ada|token-1|sub|jti|issuer/)
})

t.test('two who write at once after the same revision leave nothing unseen', async (t) => {
  const store = memoryStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const token = await tokenOf()
  await one.revoke({ jti: 'another' })
  await sleep(10)
  // A third instance wrote this entry and its revision, and before its message, which is lost, a
  // fourth one wrote its own revision after the same one.
  const before = (await store.get('revocations-revision')) as string
  const hidden = await entriesOf({ jti: 'token-1' })
  for (const entry of hidden) await store.set(entry, '', 1_000_000)
  await store.set('revocations-revision', 'fourth', 1_000_000)
  await store.publish('revocations', `${before} fourth`)
  await sleep(1_200)
  await other.verify(token)
  let refused = false
  for (let i = 0; i < 20 && !refused; i++) refused = await comesTo('revocation', other, token)
  t.ok(refused, 'it looks again soon')
})

/** What an instance writes that revokes so. */
async function entriesOf(revocation: { jti: string }): Promise<readonly string[]> {
  const store = memoryStore()
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    stores: { revocations: store },
  })
  await server.revoke(revocation)
  await server.close()
  return (await store.list('revocation:')).map(([entry]) => entry)
}

t.test('a store that throws at once is a store that fails', async (t) => {
  const store = memoryStore()
  const subscribe = store.subscribe.bind(store)
  let thrown = 0
  store.subscribe = () => {
    thrown++
    throw new Error('not a promise')
  }
  const server = await instance(t, store)
  t.equal(thrown, 1)
  t.match(server.warnings, [/revocations/])
  store.subscribe = subscribe
  t.ok(await server.verify(await tokenOf()))
})

t.test('a message that is lost is made good by the revision', async (t) => {
  const store = faultyStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const token = await tokenOf()
  await other.verify(token)
  store.deaf = true
  await one.revoke({ jti: 'token-1' })
  t.ok(await comesTo('revocation', other, token))
})

t.test(
  'a message that is lost is made good also by who revokes next, or hears of that',
  async (t) => {
    const store = faultyStore()
    const [one, other, third] = [
      await instance(t, store),
      await instance(t, store),
      await instance(t, store),
    ]
    store.deaf = true
    await one.revoke({ sub: 'ada' })
    store.deaf = false
    await other.revoke({ sub: 'bob' })
    const token = await tokenOf({ sub: 'ada' })
    t.ok(await comesTo('revocation', other, token), 'who revoked next')
    t.ok(await comesTo('revocation', third, token), 'who only heard of the next')
  },
)

t.test('whoever hears of everything reads the entries only once', async (t) => {
  const store = faultyStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const lists = () => store.calls.filter((call) => call.startsWith('list')).length
  const before = lists()
  for (let i = 0; i < 5; i++) await one.revoke({ jti: `one-${i}` })
  for (let i = 0; i < 5; i++) await other.revoke({ jti: `other-${i}` })
  await Promise.all(Array.from({ length: 250 }, (_, i) => one.revoke({ jti: `many-${i}` })))
  await sleep(1_100)
  t.equal(lists(), before)
  await t.rejects(other.verify(await tokenOf({ jti: 'many-249' })), REVOKED)
  store.reconnect()
  await sleep(20)
  t.equal(lists(), before + 2, 'or when something may have been missed')
})

t.test('what the store lost is put there again by whoever knows it', async (t) => {
  const inner = memoryStore()
  const store = faultyStore(inner)
  const one = await instance(t, store)
  await one.revoke({ jti: 'token-1' })
  for (const [key] of await inner.list('')) await inner.delete(key)
  store.reconnect()
  await sleep(20)
  const late = await instance(t, store)
  await t.rejects(late.verify(await tokenOf()), REVOKED)
})

t.test(
  'a revocation that can not be told is in force here, and told as soon as it can',
  async (t) => {
    const store = faultyStore()
    const [one, other] = [await instance(t, store), await instance(t, store)]
    const token = await tokenOf()
    store.failing.add('set')
    await t.rejects(one.revoke({ jti: 'token-1' }), UNAVAILABLE)
    // Not waited for, and no rejection that is nobody's.
    one.revoke({ jti: 'token-1' })
    await t.rejects(one.verify(token), REVOKED)
    await other.verify(token)
    t.strictSame(one.warnings, ['the store of revocations could not be asked'])
    store.failing.delete('set')
    t.ok(await comesTo('revocation', other, token))

    t.test('at the latest when the instance is closed', async (t) => {
      store.failing.add('set')
      await t.rejects(one.revoke({ jti: 'token-2' }), UNAVAILABLE)
      store.failing.delete('set')
      await one.close()
      await one.close()
      t.ok(await comesTo('revocation', other, await tokenOf({ jti: 'token-2' })))
    })

    t.test('unless that is not possible either', async (t) => {
      const last = await instance(t, store)
      store.failing.add('set')
      await t.rejects(last.revoke({ jti: 'token-3' }), UNAVAILABLE)
      await last.close()
      const { length } = store.calls
      store.reconnect()
      t.ok(store.calls.length <= length + 1, 'nothing is asked afterwards')
      t.equal(last.warnings.length, 1, 'and it is told once in a while')
    })
  },
)

t.test('a mistake in a revocation is told at once, and to nobody else', async (t) => {
  const store = faultyStore()
  const server = await instance(t, store, { revocations: { maxEntries: 1 } })
  t.throws(() => server.revoke({}), TypeError)
  await server.revoke({ jti: 'a' })
  const { length } = store.calls
  t.throws(() => server.revoke({ jti: 'b' }), RangeError)
  t.equal(store.calls.filter((call) => call.startsWith('set')).length, 2)
  t.ok(length > 0)
  const other = await instance(t, store)
  await other.revoke({ jti: 'b' })
  await sleep(5)
  const token = await tokenOf({ jti: 'b' })
  await t.rejects(server.verify(token), REVOKED, 'what others have room for is refused here')
})

t.test(
  'B9: until it knows what was revoked, an instance refuses, or not, as it was told',
  async (t) => {
    const store = faultyStore()
    await (await instance(t, store)).revoke({ jti: 'known' })
    store.failing.add('list')
    const began = performance.now()
    const [refusing, accepting] = await Promise.all([
      instance(t, store),
      instance(t, store, { revocations: { untilLoaded: 'accept' } }),
    ])
    t.ok(performance.now() - began < 4_000, 'a start does not wait for ever')
    const token = await tokenOf()
    await t.rejects(refusing.verify(token), { ...UNAVAILABLE, check: 'store-unavailable' })
    refusing.revoke({ jti: 'here' })
    await t.rejects(refusing.verify(await tokenOf({ jti: 'here' })), REVOKED, 'what is known is')
    await accepting.verify(await tokenOf({ jti: 'known' }))
    store.failing.delete('list')
    t.ok(await comesTo('revocation', accepting, await tokenOf({ jti: 'known' })))
    t.ok(await comesTo('good', refusing, token), 'each looks in its own time')
    store.failing.add('get').add('list')
    await sleep(600)
    await refusing.verify(token)
    await t.rejects(refusing.verify(await tokenOf({ jti: 'known' })), REVOKED, 'also in an outage')
    t.ok(refusing.warnings.length > 0)
  },
)

t.test('a store that never answers holds up neither the start nor the end', async (t) => {
  const store = faultyStore()
  store.hanging.add('get').add('subscribe')
  const began = performance.now()
  const server = await instance(t, store)
  await t.rejects(server.verify(await tokenOf()), UNAVAILABLE)
  await server.close()
  t.ok(performance.now() - began < 6_000)
})

t.test(
  'a subscription that comes after the end is ended, one that fails is asked for again',
  async (t) => {
    let ended = 0
    let subscribe: () => void = () => {}
    const store: Store = {
      ...faultyStore(),
      subscribe: () =>
        new Promise((resolve) => {
          subscribe = () => resolve(async () => void ended++)
        }),
    }
    const server = await instance(t, store)
    await server.close()
    subscribe()
    await sleep(1)
    t.equal(ended, 1)
    const failing = faultyStore()
    failing.failing.add('subscribe').add('publish')
    const deaf = await instance(t, failing)
    t.equal(deaf.warnings.length, 1)
    await deaf.revoke({ jti: 'a' })
  },
)

t.test('revocations are kept for longer when tokens are seen that live longer', async (t) => {
  const ttls: number[] = []
  const inner = memoryStore()
  const store: Store = {
    ...faultyStore(inner),
    set: (key, value, ttl) => {
      if (key.startsWith('revocation:')) ttls.push(Math.round(ttl / 86_400_000))
      return inner.set(key, value, ttl)
    },
  }
  const server = await instance(t, store)
  await server.revoke({ jti: 'a' })
  await server.revoke({ sub: 'b', before: Number.POSITIVE_INFINITY })
  t.strictSame(ttls, [2, 3_650], 'twice as long as needed, or ten years')
  const now = Math.floor(Date.now() / 1_000)
  await server.verify(await tokenOf({ exp: now + 20 * 86_400 }))
  await sleep(700)
  t.strictSame(ttls.slice(2), [40, 3_650])
})

t.test('an entry says all, and what is none is ignored', async (t) => {
  const name = 'n'.repeat(43)
  for (const entry of [
    { name, before: 1_800_000_000, lastIssued: 1_800_000_005 },
    { name, before: Number.POSITIVE_INFINITY, lastIssued: 0 },
  ]) {
    t.strictSame(parseEntry(entryOf(entry)), entry)
  }
  t.equal(entryOf({ name, before: 1.9, lastIssued: 2.1 }), `${name}.1.2`)
  for (const none of [
    '',
    name,
    `${name}.1`,
    `${name}.1.x`,
    `${name}.1.2.3`,
    `${name}.-1.2`,
    `x.1.2`,
  ]) {
    t.equal(parseEntry(none), undefined, none)
  }
  const store = memoryStore()
  const server = await instance(t, store)
  await store.publish('revocations', '- x garbage')
  await store.set('revocation:garbage', '', 60_000)
  await sleep(600)
  await server.verify(await tokenOf())
})
