/**
 * Limits what tokens cost, one and many: promises, which `node:async_hooks` reports, verifications and
 * fetches. `request-cost.test.ts` limits what a request to each kind of route costs.
 */
import { createHook } from 'node:async_hooks'
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { isRejection } from '../../src/errors/result.js'
import { assemble, type Core } from '../../src/server/assembly.js'
import { memoryStore } from '../../src/stores/memory-store.js'
import { AUDIENCE, ISSUER, makeKey, sign, type TestKey } from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { bearer, protectedApi } from '../fixtures/protected-api.js'

const [rs256, es256] = await Promise.all([makeKey('RS256'), makeKey('ES256')])
const keys = [rs256, es256].map(({ publicJwk }) => publicJwk)

/** Counts the promises created while `work` runs. */
function promisesIn(work: () => void): number {
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    },
  }).enable()
  try {
    work()
  } finally {
    hook.disable()
  }
  return promises
}

function core(): Promise<Core> {
  return assemble({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys } })
}

function tokens(signer: TestKey, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => sign(signer, { jti: `token-${i}` })))
}

t.test('the promise counter counts promises', async (t) => {
  t.equal(
    promisesIn(() => {}),
    0,
  )
  t.equal(
    promisesIn(() => {
      for (let i = 0; i < 5; i++) Promise.resolve(i)
    }),
    5,
  )
  const { pipeline } = await core()
  const [raw] = (await tokens(es256, 1)) as [string]
  let outcome: unknown
  const promises = promisesIn(() => {
    outcome = pipeline.verify(raw)
  })
  t.ok(promises > 0, 'the thread pool is awaited')
  await outcome
})

t.test('10,000 uses of cached tokens cost no verification and no promise', async (t) => {
  for (const signer of [rs256, es256]) {
    const { pipeline, counters } = await core()
    const all = await tokens(signer, 10)
    for (let sight = 0; sight < 2; sight++) {
      for (const raw of all) await pipeline.verify(raw)
    }
    const { signatureVerifications: verifications, cacheHits: hits, cacheMisses: misses } = counters
    let wrong = 0
    const promises = promisesIn(() => {
      for (let i = 0; i < 10_000; i++) {
        const raw = all[i % all.length] as string
        // By header, as in the guard, and by token, as in `verify()`.
        const token = i % 2 === 0 ? pipeline.recall(`Bearer ${raw}`) : pipeline.verify(raw)
        if (!(token instanceof AccessToken && token.raw === raw)) wrong++
      }
    })
    t.equal(promises, 0, signer.alg)
    t.equal(wrong, 0, 'and each got its own token')
    t.equal(counters.signatureVerifications, verifications)
    t.equal(counters.cacheMisses, misses)
    t.equal(counters.cacheHits, hits + 10_000)
  }
})

t.test('cached tokens cost no promise with shared revocations either', async (t) => {
  const { pipeline, revocations, sharedRevocations } = await assemble({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys },
    stores: { revocations: memoryStore() },
  })
  t.teardown(() => sharedRevocations?.close())
  const all = await tokens(es256, 10)
  for (const revoked of [false, true]) {
    if (revoked) {
      const [kind, before, revokedAt] = ['jti', Number.POSITIVE_INFINITY, 0] as const
      revocations.add({ kind, value: 'another', issuer: undefined, before, revokedAt })
    }
    for (let sight = 0; sight < 3; sight++) for (const raw of all) await pipeline.verify(raw)
    const promises = promisesIn(() => {
      for (let i = 0; i < 10_000; i++) pipeline.verify(all[i % all.length] as string)
    })
    t.equal(promises, 0)
  }
})

t.test('new tokens cost one verification each', async (t) => {
  for (const signer of [rs256, es256]) {
    const { pipeline, counters } = await core()
    for (const raw of await tokens(signer, 200)) await pipeline.verify(raw)
    t.equal(counters.signatureVerifications, 200)
  }
})

t.test('a rejection without a verification costs no promise and throws nothing', async (t) => {
  const { pipeline } = await core()
  const invalid = ['x', 'a.b.c', await sign(rs256, { exp: 1 }), await sign(es256, { aud: 'x' })]
  let rejections = 0
  const promises = promisesIn(() => {
    for (const raw of invalid) if (isRejection(pipeline.verify(raw))) rejections++
  })
  t.equal(rejections, invalid.length)
  t.equal(promises, 0)
})

t.test('rejecting an unknown kid costs no promise once the key set was refetched', async (t) => {
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  const { pipeline } = await assemble({
    issuer: issuer.issuer,
    audience: AUDIENCE,
    jwks: { refetchBurst: 1 },
  })
  const unknownKey = await makeKey('RS256', 'unknown')
  await pipeline.verify(await sign(rs256, { iss: issuer.issuer }))
  await t.rejects(
    pipeline.verify(await sign(unknownKey, { iss: issuer.issuer })) as Promise<unknown>,
  )
  const others = await Promise.all([
    sign(unknownKey, { iss: issuer.issuer }),
    sign(await makeKey('RS256', 'another'), { iss: issuer.issuer }),
  ])
  const { length } = issuer.requests
  let rejections = 0
  const promises = promisesIn(() => {
    for (const raw of others) if (isRejection(pipeline.verify(raw))) rejections++
  })
  t.equal(rejections, 2, 'the same kid, and another one')
  t.equal(promises, 0)
  t.equal(issuer.requests.length, length)
})

t.test('an invalid signature costs no fetch once the issuer confirmed its key', async (t) => {
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  const { pipeline, counters } = await assemble({ issuer: issuer.issuer, audience: AUDIENCE })
  const forger = await makeKey('RS256', rs256.publicJwk.kid)
  const forged = (jti: string) => sign(forger, { iss: issuer.issuer, jti })
  await pipeline.verify(await sign(rs256, { iss: issuer.issuer }))
  await t.rejects(pipeline.verify(await forged('one')) as Promise<unknown>)
  const { length } = issuer.requests
  const { signatureVerifications: verifications } = counters
  await t.rejects(pipeline.verify(await forged('another')) as Promise<unknown>)
  t.equal(issuer.requests.length, length)
  t.equal(counters.signatureVerifications, verifications + 1)
})

t.test('1,000 concurrent requests with one new token share one verification', async (t) => {
  for (const signer of [rs256, es256]) {
    const app = await protectedApi(t, { jwks: { keys } })
    app.get('/', async ({ claims }) => claims.jti)
    const raw = await sign(signer)
    const send = () => app.inject({ url: '/', headers: bearer(raw) })
    const responses = await Promise.all(Array.from({ length: 1_000 }, send))
    t.ok(responses.every(({ statusCode, body }) => statusCode === 200 && body === 'token-1'))
    t.match(
      app.resourceServer.statistics(),
      { signatureVerifications: 1, cacheMisses: 1 },
      signer.alg,
    )
  }
})

t.test('1,000 concurrent requests with one invalid token share their verifications', async (t) => {
  const app = await protectedApi(t, { jwks: { keys } })
  app.get('/', async () => 'in')
  const invalid = `${(await sign(es256)).slice(0, -4)}AAAA`
  const send = () => app.inject({ url: '/', headers: bearer(invalid) })
  const responses = await Promise.all(Array.from({ length: 1_000 }, send))
  t.ok(responses.every(({ statusCode }) => statusCode === 401))
  const { signatureVerifications: verifications, rejections } = app.resourceServer.statistics()
  t.ok(verifications < 1_000, `${verifications} verifications`)
  t.strictSame(rejections, { invalid_token: 1_000 })
})

t.test('bounds key fetches, regardless of the number of tokens and kids', async (t) => {
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  const app = await protectedApi(t, { issuer: issuer.issuer, jwks: {} })
  app.get('/', async () => 'in')
  const statusesOf = async (raws: readonly string[]) => {
    const responses = raws.map((raw) => app.inject({ url: '/', headers: bearer(raw) }))
    return [...new Set((await Promise.all(responses)).map(({ statusCode }) => statusCode))]
  }
  const valid = (i: number) => sign(es256, { iss: issuer.issuer, jti: `token-${i}` })
  const all = await Promise.all(Array.from({ length: 300 }, (_, i) => valid(i)))
  t.same(await statusesOf(all), [200], 'a cold start')
  t.equal(issuer.requests.length, 2, 'metadata and keys, once')

  const unknown = (i: number) => sign(es256, { iss: issuer.issuer }, { header: { kid: `${i}` } })
  const unknownTokens = await Promise.all(Array.from({ length: 300 }, (_, i) => unknown(i)))
  t.same(await statusesOf(unknownTokens), [401], 'unknown kids')
  t.ok(issuer.count('/keys') <= 4, `${issuer.count('/keys')} fetches of keys`)
  t.same(await statusesOf(all), [200], 'and cached tokens are accepted')
  t.ok(issuer.requests.length <= 8)
})
