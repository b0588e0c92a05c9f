/** Revocations shared by several instances, through a store with fault injection. */
import t, { type Test } from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  type Store,
} from '../../src/index.js'
import { fakeTimers } from '../fixtures/fake-timers.js'
import { faultyStore, revocationsIn } from '../fixtures/faulty-store.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const UNAVAILABLE = { name: 'StoreUnavailableError', statusCode: 503, retryAfter: 1 }
const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

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

/** Prevents polls of the store, so that instances read it only after a message. */
function stopPolling(t: Test): void {
  fakeTimers(t, ['setInterval'])
}

type VerificationResult = 'valid' | 'revocation' | 'store-unavailable'

/** Whether verification on an instance has a result eventually. */
async function reaches(
  result: VerificationResult,
  server: { verify(token: string): Promise<unknown> },
  token: string,
) {
  for (let attempts = 0; attempts < 6_000; attempts++) {
    const found = await server.verify(token).then(
      () => 'valid',
      (error) => error.check,
    )
    if (found === result) return true
    await sleep(5)
  }
  return false
}

t.test('B7: applies immediately on this instance, and on others after the message', async (t) => {
  stopPolling(t)
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
    const revoking = one.revoke(revocation)
    await t.rejects(one.verify(token), REVOKED)
    await revoking
    t.ok(await reaches('revocation', other, token), 'after the message')
    await t.rejects(other.verify(token), REVOKED, JSON.stringify(revocation))
    await t.rejects(other.verify(token), REVOKED, 'also with cached names')
  }
  await other.verify(await tokenOf())
  const late = await instance(t, store)
  await t.rejects(late.verify(await tokenOf({ jti: 'a' })), REVOKED, 'also after a restart')
  await late.verify(await tokenOf())
})

t.test('the store does not reveal which tokens are revoked', async (t) => {
  const store = memoryStore()
  const server = await instance(t, store)
  await server.revoke({ sub: 'ada' })
  await server.revoke({ jti: 'token-1' })
  const all = await revocationsIn(store)
  t.equal(all.length, 2)
  t.notMatch(JSON.stringify(all), /ada|token-1|sub|jti|issuer/)
})

t.test('concurrent revocations of two instances do not narrow each other', async (t) => {
  const store = memoryStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  for (const [first, second] of [
    [one, other],
    [other, one],
  ] as const) {
    const sub = first === one ? 'ada' : 'bob'
    const revoking = [
      first.revoke({ sub, before: Number.POSITIVE_INFINITY }),
      second.revoke({ sub }),
    ]
    await Promise.all(revoking)
    const late = await instance(t, store)
    const token = await tokenOf({ sub, iat: Math.floor(Date.now() / 1_000) + 20 })
    for (const server of [one, other, late]) {
      t.ok(await reaches('revocation', server, token), 'the later "before" is kept')
    }
  }
})

t.test('keeps one entry for repeated revocations of a name', async (t) => {
  const store = memoryStore()
  const clock = { now: Date.now() }
  const server = await instance(t, store, { now: () => clock.now })
  for (let i = 0; i < 3_000; i++) {
    clock.now += 1_000
    await server.revoke({ sub: 'mallory' })
  }
  const listed = await revocationsIn(store)
  t.match(listed, [{ before: Math.floor(clock.now / 1_000) }])
  t.equal(listed.length, 1)
})

t.test('reads a revocation that is written while all are listed', async (t) => {
  const inner = memoryStore()
  const writer = await instance(t, inner)
  await writer.revoke({ jti: 'before' })
  let during = async () => {}
  const store: Store = Object.assign(faultyStore(inner), {
    async *listRevocations() {
      yield* inner.listRevocations()
      // After the slice that would have included it, and before there is a subscription.
      await during()
    },
    subscribe: () => Promise.reject(new Error('no subscription')),
  })
  during = () => writer.revoke({ jti: 'meanwhile' })
  const reader = await instance(t, store)
  during = async () => {}
  await t.rejects(reader.verify(await tokenOf({ jti: 'before' })), REVOKED)
  t.ok(await reaches('revocation', reader, await tokenOf({ jti: 'meanwhile' })))
})

t.test('a message triggers a read, and its text is ignored', async (t) => {
  stopPolling(t)
  const store = faultyStore()
  const server = await instance(t, store, { revocations: { maxEntries: 1 } })
  const name = 'n'.repeat(43)
  const reads = () => store.calls.filter((call) => call.startsWith('revocationsSince')).length
  const before = reads()
  for (let i = 0; i < 2_000; i++) {
    await store.publish('revocations', `- next ${name}.99999999999.99999999999`)
  }
  await sleep(100)
  t.ok(reads() > before, 'reads the store')
  t.ok(reads() - before < 50, 'with a limited rate, regardless of the number of messages')
  await server.revoke({ jti: 'a' })
  t.equal(
    (await revocationsIn(store)).length,
    1,
    'the store has only the instance’s own revocation',
  )
})

t.test('an exception of the store counts as a failure', async (t) => {
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

t.test('reads a revocation whose message was lost', async (t) => {
  const store = faultyStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const token = await tokenOf()
  await other.verify(token)
  store.losesMessages = true
  await one.revoke({ jti: 'token-1' })
  t.ok(await reaches('revocation', other, token))
})

t.test('reads a revocation whose message was lost after the next message', async (t) => {
  const store = faultyStore()
  const [one, other, third] = [
    await instance(t, store),
    await instance(t, store),
    await instance(t, store),
  ]
  store.losesMessages = true
  await one.revoke({ sub: 'ada' })
  store.losesMessages = false
  await other.revoke({ sub: 'bob' })
  const token = await tokenOf({ sub: 'ada' })
  t.ok(await reaches('revocation', other, token), 'the instance that revoked next')
  t.ok(await reaches('revocation', third, token), 'an instance that received the next message')
})

t.test('lists all revocations only once while no message is missed', async (t) => {
  const store = faultyStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const lists = () => store.calls.filter((call) => call.startsWith('listRevocations')).length
  const before = lists()
  for (let i = 0; i < 5; i++) await one.revoke({ jti: `one-${i}` })
  for (let i = 0; i < 5; i++) await other.revoke({ jti: `other-${i}` })
  await Promise.all(Array.from({ length: 250 }, (_, i) => one.revoke({ jti: `many-${i}` })))
  await sleep(1_100)
  t.equal(lists(), before)
  await t.rejects(other.verify(await tokenOf({ jti: 'many-249' })), REVOKED)
  store.reconnect()
  await sleep(100)
  t.equal(lists(), before + 2, 'and after a reconnection')
})

t.test('writes revocations again that the store has lost', async (t) => {
  const store = faultyStore()
  const one = await instance(t, store)
  await one.revoke({ jti: 'token-1' })
  store.lose()
  await sleep(700)
  const late = await instance(t, store)
  await t.rejects(late.verify(await tokenOf()), REVOKED)
})

t.test(
  'enforces a revocation that cannot be written, and writes it as soon as possible',
  async (t) => {
    const store = faultyStore()
    const [one, other] = [await instance(t, store), await instance(t, store)]
    const token = await tokenOf()
    store.failing.add('mergeRevocations')
    await t.rejects(one.revoke({ jti: 'token-1' }), {
      ...UNAVAILABLE,
      message:
        /^The revocation is in force on this instance only, .* call revoke\(\) on each instance$/,
    })
    // Not awaited: it must not cause an unhandled rejection.
    one.revoke({ jti: 'token-1' })
    await t.rejects(one.verify(token), REVOKED)
    await other.verify(token)
    t.strictSame(one.warnings, ['revocation store unavailable; known revocations stay in force'])
    store.failing.delete('mergeRevocations')
    t.ok(await reaches('revocation', other, token))

    t.test('at the latest on close', async (t) => {
      store.failing.add('mergeRevocations')
      await t.rejects(one.revoke({ jti: 'token-2' }), UNAVAILABLE)
      store.failing.delete('mergeRevocations')
      await one.close()
      await one.close()
      t.ok(await reaches('revocation', other, await tokenOf({ jti: 'token-2' })))
    })

    t.test('unless the store fails on close too', async (t) => {
      const last = await instance(t, store)
      store.failing.add('mergeRevocations')
      await t.rejects(last.revoke({ jti: 'token-3' }), UNAVAILABLE)
      await last.close()
      const { length } = store.calls
      store.reconnect()
      t.ok(store.calls.length <= length + 1, 'no calls after close')
      t.match(last.warnings, [
        'revocation store unavailable; known revocations stay in force',
        'revocations not shared before shutdown; no other instance enforces them',
      ])
      t.equal(last.warnings.length, 2, 'the outage is logged once')
    })
  },
)

t.test('logs that every token gets 503 while no revocations are loaded', async (t) => {
  const store = faultyStore()
  store.failing.add('revocationsSince')
  const rejecting = await instance(t, store)
  const accepting = await instance(t, store, { revocations: { untilLoaded: 'dangerouslyAccept' } })
  await t.rejects(rejecting.verify(await tokenOf()), UNAVAILABLE)
  await accepting.verify(await tokenOf())
  t.strictSame(
    [rejecting.warnings, accepting.warnings],
    [
      ['revocation store unavailable and no revocations are loaded; every token gets 503'],
      ['revocation store unavailable; known revocations stay in force'],
    ],
  )
})

t.test('throws for an invalid revocation without writing to the store', async (t) => {
  const store = faultyStore()
  const server = await instance(t, store, { revocations: { maxEntries: 1 } })
  t.throws(() => server.revoke({}), TypeError)
  await server.revoke({ jti: 'a' })
  const { length } = store.calls
  t.throws(() => server.revoke({ jti: 'b' }), RangeError)
  t.equal(store.calls.filter((call) => call.startsWith('merge')).length, 1)
  t.ok(length > 0)
  const other = await instance(t, store)
  await other.revoke({ jti: 'b' })
  const token = await tokenOf({ jti: 'b' })
  t.ok(await reaches('revocation', server, token))
  await t.rejects(
    server.verify(token),
    REVOKED,
    'revocations of other instances apply even beyond maxEntries',
  )
})

t.test(
  'B9: until revocations are loaded, rejects tokens or accepts them, as untilLoaded requires',
  async (t) => {
    const store = faultyStore()
    await (await instance(t, store)).revoke({ jti: 'known' })
    store.failing.add('listRevocations')
    const [rejecting, accepting] = await Promise.all([
      instance(t, store),
      instance(t, store, { revocations: { untilLoaded: 'dangerouslyAccept' } }),
    ])
    const token = await tokenOf()
    await t.rejects(rejecting.verify(token), { ...UNAVAILABLE, check: 'store-unavailable' })
    rejecting.revoke({ jti: 'here' })
    await t.rejects(
      rejecting.verify(await tokenOf({ jti: 'here' })),
      REVOKED,
      'its own revocations apply',
    )
    await accepting.verify(await tokenOf({ jti: 'known' }))
    store.failing.delete('listRevocations')
    t.ok(await reaches('revocation', accepting, await tokenOf({ jti: 'known' })))
    t.ok(await reaches('valid', rejecting, token), 'each instance polls')
    store.failing.add('revocationsSince')
    await sleep(600)
    await rejecting.verify(token)
    await t.rejects(
      rejecting.verify(await tokenOf({ jti: 'known' })),
      REVOKED,
      'also during an outage',
    )
    t.ok(rejecting.warnings.length > 0)
  },
)

t.test('a store that fails or does not reply delays start and close by at most 2 s', async (t) => {
  const timers = fakeTimers(t)
  for (const fault of ['failing', 'hanging'] as const) {
    const store = faultyStore()
    store[fault].add('revocationsSince').add('subscribe')
    const starting = instance(t, store)
    t.equal(await timers.advanceUntil(starting), 2_000, `${fault}: start`)
    const server = await starting
    await t.rejects(server.verify(await tokenOf()), UNAVAILABLE)
    t.ok((await timers.advanceUntil(server.close())) <= 2_000, `${fault}: close`)
  }
})

t.test('revoke() does not wait for a read of the store', async (t) => {
  const timers = fakeTimers(t)
  const store = faultyStore()
  const server = await instance(t, store)
  store.hanging.add('revocationsSince')
  await timers.advance(500)
  t.match(store.calls.at(-1), /^revocationsSince/)
  // The deadline of the read never expires.
  await server.revoke({ jti: 'token-1' })
  t.equal((await revocationsIn(store)).length, 1)
})

t.test('ends a subscription that is made after close, and tolerates a failed one', async (t) => {
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
  const unsubscribed = await instance(t, failing)
  t.equal(unsubscribed.warnings.length, 1)
  await unsubscribed.revoke({ jti: 'a' })
})

t.test('extends the TTL of revocations after a longer-lived token', async (t) => {
  const ttls: number[] = []
  const inner = memoryStore()
  const store: Store = {
    ...faultyStore(inner),
    mergeRevocations: (revocations) => {
      ttls.push(...revocations.map(({ ttl }) => Math.round(ttl / 86_400_000)))
      return inner.mergeRevocations(revocations)
    },
  }
  const server = await instance(t, store)
  await server.revoke({ jti: 'a' })
  await server.revoke({ sub: 'b', before: Number.POSITIVE_INFINITY })
  t.strictSame(ttls, [2, 3_650], 'twice the necessary time, or ten years')
  const now = Math.floor(Date.now() / 1_000)
  await server.verify(await tokenOf({ exp: now + 20 * 86_400 }))
  await sleep(700)
  t.strictSame(ttls.slice(2), [40, 3_650])
})

t.test(
  'extends the TTL of revocations of other instances after a longer-lived token',
  async (t) => {
    const inner = memoryStore()
    const days: Record<string, number[]> = { one: [], other: [] }
    const storeOf = (name: string) => {
      const store = faultyStore(inner)
      const merge = store.mergeRevocations
      return Object.assign(store, {
        mergeRevocations: async (revocations: Parameters<Store['mergeRevocations']>[0]) => {
          await merge(revocations)
          for (const { ttl } of revocations) days[name]?.push(Math.round(ttl / 86_400_000))
        },
      })
    }
    const [store, otherStore] = [storeOf('one'), storeOf('other')]
    const [one, other] = [await instance(t, store), await instance(t, otherStore)]
    await other.revoke({ jti: 'a' })
    const exp = Math.floor(Date.now() / 1_000) + 20 * 86_400
    t.ok(await reaches('revocation', one, await tokenOf({ jti: 'a' })))

    t.test('also if the store fails at first', async (t) => {
      store.failing.add('mergeRevocations')
      await one.verify(await tokenOf({ exp }))
      await sleep(1_200)
      store.failing.clear()
      store.reconnect()
      await sleep(800)
      t.strictSame(days.one, [40])
    })

    t.test('and of later revocations', async (t) => {
      await other.revoke({ jti: 'b' })
      await sleep(1_200)
      t.strictSame(days.one, [40, 40], 'once')
      t.strictSame(days.other, [2, 2])
    })
  },
)

t.test('a store that always reports more changes does not block an instance', async (t) => {
  const timers = fakeTimers(t)
  const store = faultyStore()
  const server = await instance(t, store)
  const since = store.revocationsSince.bind(store)
  let reads = 0
  store.revocationsSince = async (revision) => {
    reads++
    const changes = await since(revision)
    return changes && { ...changes, more: true }
  }
  await timers.advance(600)
  t.ok(reads > 0 && reads <= 60, `${reads} reads in 60 turns of the event loop`)
  store.revocationsSince = since
  await server.revoke({ jti: 'token-1' })
  await t.rejects(server.verify(await tokenOf()), REVOKED)
})

t.test('a malformed revocation counts as an outage', async (t) => {
  const name = 'n'.repeat(43)
  for (const malformed of [
    { name, before: '5', lastIssued: 5 },
    { name, before: Number.NaN, lastIssued: 5 },
    { name, before: 5, lastIssued: -1 },
    { name: 5, before: 5, lastIssued: 5 },
    { name: 'n'.repeat(42), before: 5, lastIssued: 5 },
    { name: `${name}=`, before: 5, lastIssued: 5 },
    { name: ` ${name.slice(1)}`, before: 5, lastIssued: 5 },
    { name, before: 5 },
  ]) {
    const store: Store = Object.assign(faultyStore(), {
      async *listRevocations() {
        yield [malformed]
      },
    })
    const server = await instance(t, store)
    t.match(server.warnings, [/revocation store unavailable/], JSON.stringify(malformed))
    await t.rejects(server.verify(await tokenOf()), UNAVAILABLE)
  }
})

t.test('writes many revocations in batches, and settles each call', async (t) => {
  const store = faultyStore()
  const [one, other] = [await instance(t, store), await instance(t, store)]
  const merges = () => store.calls.filter((call) => call === 'mergeRevocations').length
  const revoking = Array.from({ length: 5_000 }, (_, i) => one.revoke({ sub: `user-${i % 2_500}` }))
  await Promise.all(revoking)
  t.equal(merges(), 5, '2,500 names in batches of 500')
  t.equal((await revocationsIn(store)).length, 2_500)

  store.failing.add('mergeRevocations')
  const failing = Array.from({ length: 2_000 }, (_, i) =>
    one.revoke({ sub: `user-${i}` }).then(
      () => undefined,
      (error) => error,
    ),
  )
  const errors = await Promise.all(failing)
  t.equal(new Set(errors).size, 2_000, 'one error per caller')
  await t.rejects(one.revoke({ sub: 'user-0' }), UNAVAILABLE)
  store.failing.clear()
  await one.revoke({ sub: 'user-0' })

  t.test('also those that the store has lost', async (t) => {
    store.lose()
    const iat = Math.floor(Date.now() / 1_000) - 60
    t.ok(await reaches('revocation', other, await tokenOf({ sub: 'user-2499', iat })))
    let count = 0
    for (let i = 0; i < 50 && count < 2_500; i++) {
      await sleep(100)
      count = (await revocationsIn(store)).length
    }
    t.equal(count, 2_500)
  })
})
