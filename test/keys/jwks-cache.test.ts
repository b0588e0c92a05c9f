import { createHook } from 'node:async_hooks'
import t from 'tap'
import { KeysUnavailableError } from '../../src/errors/errors.js'
import type { JsonDocument } from '../../src/http/fetch-json.js'
import type { JwksCache, JwksCacheOptions } from '../../src/keys/jwks-cache.js'
import type { VerificationKey } from '../../src/keys/verification-key.js'
import { onDiagnostics } from '../../src/observability/diagnostics.js'
import { DEFAULTS, FakeIssuer, turns } from '../fixtures/fake-issuer.js'
import { makeKey } from '../fixtures/issuer.js'
import { collectUnhandledRejections, settled } from '../fixtures/rejections.js'

const unhandledRejections = collectUnhandledRejections(t)

const { publicJwk: JWK } = await makeKey('ES256', undefined)
const FRESH_FOR = DEFAULTS.cacheMaxAge
const OUTAGE = new Error('connect ECONNREFUSED')

function issuer(published?: readonly string[], options?: Partial<JwksCacheOptions>): FakeIssuer {
  return new FakeIssuer(JWK, published, options)
}

async function warm(published?: readonly string[], options?: Partial<JwksCacheOptions>) {
  const fake = issuer(published, options)
  await fake.keys.find('ES256', fake.published[0])
  return fake
}

async function kids(found: ReturnType<JwksCache['find']>): Promise<(string | undefined)[]> {
  return (await found).map(({ kid }) => kid)
}

/** What a request with this `kid` comes to. */
async function outcome({ keys }: FakeIssuer, kid: string | undefined) {
  try {
    return (await keys.find('ES256', kid)).length > 0 ? 'accepted' : 'refused'
  } catch (error) {
    return error instanceof KeysUnavailableError ? 'unavailable' : error
  }
}

t.test('a cold start', async (t) => {
  t.test('fetches nothing before the first use', async (t) => {
    const fake = issuer()
    await turns()
    t.equal(fake.fetches, 0)
  })

  t.test('makes one fetch for a hundred requests, and answers them all', async (t) => {
    const fake = issuer()
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(fake, 'a')))
    t.strictSame(new Set(outcomes), new Set(['accepted']))
    t.equal(fake.fetches, 1)
  })

  t.test('B9: is unavailable when the issuer is, and heals after the back-off', async (t) => {
    const fake = issuer()
    fake.outage = OUTAGE
    const errors = await Promise.all(
      Array.from({ length: 100 }, () =>
        Promise.resolve(fake.keys.find('ES256', 'a')).catch((error) => error),
      ),
    )
    t.equal(fake.fetches, 1)
    t.equal(fake.failures.length, 1)
    for (const error of errors) {
      t.match(error, { statusCode: 503, retryAfter: 1, cause: OUTAGE })
      t.ok(error instanceof KeysUnavailableError)
    }
    fake.outage = undefined
    t.equal(await outcome(fake, 'a'), 'unavailable', 'the back-off is not over')
    t.equal(fake.fetches, 1)
    fake.now += fake.failures[0]?.retryIn ?? 0
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(fake.fetches, 2)
  })

  t.test('accepts a key that was published after the fetch was answered', async (t) => {
    const fake = issuer(['a'])
    fake.manual = true
    const first = outcome(fake, 'a')
    await turns()
    fake.exchange?.publish()
    fake.published = ['b']
    const rotated = outcome(fake, 'b')
    fake.manual = false
    fake.exchange?.deliver()
    t.equal(await first, 'accepted')
    t.equal(await rotated, 'accepted', 'on its first request')
  })

  t.test('refuses unknown kids without more fetches than the burst', async (t) => {
    for (const refetchBurst of [1, 3]) {
      const fake = issuer(undefined, { refetchBurst })
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => outcome(fake, `x${i}`)),
      )
      t.strictSame(new Set(outcomes), new Set(['refused']))
      t.ok(fake.fetches <= 1 + refetchBurst, `${fake.fetches} fetches`)
    }
  })
})

t.test('D4: freshness', async (t) => {
  const table: [number | undefined, number][] = [
    [undefined, DEFAULTS.cacheMaxAge],
    [0, DEFAULTS.cacheMinAge],
    [1, DEFAULTS.cacheMinAge],
    [60, 60_000],
    [300, 300_000],
    [600, 600_000],
    [86_400, DEFAULTS.cacheMaxAge],
    [9_999_999_999, DEFAULTS.cacheMaxAge],
  ]
  for (const [maxAge, freshFor] of table) {
    t.test(`with max-age ${maxAge ?? 'absent'} lasts ${freshFor} ms`, async (t) => {
      const fake = issuer()
      fake.maxAge = maxAge
      await fake.keys.find('ES256', 'a')
      fake.now += freshFor * 0.8 - 1
      t.equal(await outcome(fake, 'a'), 'accepted')
      await turns()
      t.equal(fake.fetches, 1, 'not yet')
      fake.now += 1
      t.equal(await outcome(fake, 'a'), 'accepted')
      await turns()
      t.equal(fake.fetches, 2, 'in good time')
    })
  }
})

t.test('a refresh in the background', async (t) => {
  t.test('makes nobody wait, also when the issuer hangs', async (t) => {
    const fake = await warm()
    fake.manual = true
    fake.now += FRESH_FOR
    for (let i = 0; i < 1_000; i++) {
      const found = fake.keys.find('ES256', 'a')
      if (found instanceof Promise) t.fail('a promise for a known key')
    }
    t.equal(fake.fetches, 2)
    fake.exchange?.fail(OUTAGE)
    await turns()
    t.equal(fake.failures.length, 1)
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(fake.fetches, 2)
  })

  t.test('makes no promise for a known key while it is under way', async (t) => {
    const fake = await warm()
    const [key] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.manual = true
    fake.now += FRESH_FOR
    fake.keys.trusts(key)
    await turns()
    let promises = 0
    const hook = createHook({
      init(_, type) {
        if (type === 'PROMISE') promises++
      },
    }).enable()
    for (let i = 0; i < 1_000; i++) {
      fake.keys.find('ES256', 'a')
      fake.keys.trusts(key)
    }
    hook.disable()
    fake.exchange?.deliver()
    await turns()
    t.equal(promises, 0, 'each would be kept until the issuer answers')
  })

  t.test('is also caused by verdicts that are used again', async (t) => {
    const fake = await warm()
    const [key] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.now += FRESH_FOR * 0.8
    t.ok(fake.keys.trusts(key))
    await turns()
    t.equal(fake.fetches, 2)
  })

  t.test('stops trusting a key that was removed, and no other', async (t) => {
    const fake = await warm(['a', 'b'])
    const [a] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    const [b] = (await fake.keys.find('ES256', 'b')) as [VerificationKey]
    fake.published = ['b', 'c']
    fake.now += FRESH_FOR * 0.8
    t.ok(fake.keys.trusts(a), 'until the refresh has succeeded')
    await turns()
    t.notOk(fake.keys.trusts(a))
    t.ok(fake.keys.trusts(b), 'the same key as before')
    const [again] = (await fake.keys.find('ES256', 'b')) as [VerificationKey]
    t.equal(again, b)
    t.equal(await outcome(fake, 'a'), 'refused')
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(await outcome(fake, 'c'), 'accepted')
  })

  t.test('takes a key under a known kid for another key', async (t) => {
    const { publicJwk: other } = await makeKey('ES256', undefined)
    let jwk = JWK
    const fake = await warm(['a'], {
      fetchKeySet: async () => ({ body: { keys: [{ ...jwk, kid: 'a' }] }, maxAge: undefined }),
    })
    const [before] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    jwk = other
    fake.now += FRESH_FOR
    fake.keys.trusts(before)
    await turns()
    t.notOk(fake.keys.trusts(before))
  })

  t.test('does not touch a set while it cannot be replaced', async (t) => {
    const bodies: unknown[] = [
      undefined,
      null,
      'keys',
      [],
      {},
      { keys: {} },
      { keys: [] },
      { keys: [null, 1, {}] },
      { keys: Array.from({ length: 101 }, () => JWK) },
      { keys: [{ ...JWK, use: 'enc' }] },
    ]
    for (const body of bodies) {
      let broken = false
      const fake = await warm(['a'], {
        fetchKeySet: async (): Promise<JsonDocument> => ({
          body: broken ? body : { keys: [{ ...JWK, kid: 'a' }] },
          maxAge: undefined,
        }),
      })
      broken = true
      fake.now += FRESH_FOR
      await outcome(fake, 'a')
      await turns()
      t.equal(fake.failures.length, 1, JSON.stringify(body)?.slice(0, 40) ?? 'undefined')
      t.equal(await outcome(fake, 'a'), 'accepted')
    }
  })

  t.test('is not spoilt by one bad key among good ones', async (t) => {
    const bad = [null, 7, {}, { kty: 'RSA', kid: 'bad', n: '!', e: 'AQAB' }, { ...JWK, y: 'AAAA' }]
    const fake = await warm(['a'], {
      fetchKeySet: async () => ({ body: { keys: [...bad, { ...JWK, kid: 'a' }] }, maxAge: 0 }),
    })
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(fake.failures.length, 0)
  })
})

t.test('a set that is not refreshed while it is unused', async (t) => {
  const lapsing = { refreshUnused: false, staleIfError: DEFAULTS.staleIfError }

  /** Long enough for the timer of a set that is fresh for 40 ms. */
  async function pause(fake: FakeIssuer): Promise<void> {
    fake.now += 35
    await new Promise((done) => setTimeout(done, 150))
  }

  t.test('is refreshed by the timer only if a token used it since its fetch', async (t) => {
    for (const [refreshUnused, isUsed, expected] of [
      [false, false, 1],
      [false, true, 2],
      [true, false, 2],
    ] as const) {
      const fake = await warm(['a'], { refreshUnused, cacheMinAge: 40, cacheMaxAge: 40 })
      if (isUsed) fake.keys.find('ES256', 'a')
      await pause(fake)
      t.equal(fake.fetches, expected, `refreshUnused: ${refreshUnused}, used: ${isUsed}`)
      await fake.keys.close()
    }
  })

  t.test('is refreshed once for each use, not for ever', async (t) => {
    const fake = await warm(['a'], { ...lapsing, cacheMinAge: 40, cacheMaxAge: 40 })
    fake.keys.find('ES256', 'a')
    for (let i = 0; i < 3; i++) await pause(fake)
    t.equal(fake.fetches, 2)
    await fake.keys.close()
  })

  t.test('is refreshed in the background while it is fresh', async (t) => {
    const fake = await warm(['a'], lapsing)
    fake.now += FRESH_FOR - 1
    t.ok(Array.isArray(fake.keys.find('ES256', 'a')))
    await turns()
    t.equal(fake.fetches, 2)
  })

  t.test('serves no key that was removed meanwhile once it has lapsed', async (t) => {
    const fake = await warm(['a', 'b'], lapsing)
    const [a] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.published = ['b']
    fake.now += FRESH_FOR
    t.notOk(fake.keys.trusts(a))
    const outcomes = ['a', 'b', 'a', 'b'].map((kid) => outcome(fake, kid))
    t.strictSame(await Promise.all(outcomes), ['refused', 'accepted', 'refused', 'accepted'])
    t.ok(fake.fetches <= 3, 'the refresh, and one for the unknown kid')
  })

  t.test('loses no request when its refresh fails, and goes on trying', async (t) => {
    const fake = await warm(['a'], lapsing)
    fake.outage = OUTAGE
    fake.now += FRESH_FOR
    const outcomes = Array.from({ length: 50 }, () => outcome(fake, 'a'))
    t.strictSame(new Set(await Promise.all(outcomes)), new Set(['accepted']))
    t.equal(fake.fetches, 2)
    t.ok(Array.isArray(fake.keys.find('ES256', 'a')), 'nobody waits for the next attempt')
    t.equal(await outcome(fake, 'b'), 'unavailable')
    fake.outage = undefined
    fake.now += 1_000
    t.equal(await outcome(fake, 'a'), 'accepted')
    await turns()
    t.equal(fake.fetches, 3)
    fake.now += FRESH_FOR + DEFAULTS.staleIfError
    fake.outage = OUTAGE
    t.equal(await outcome(fake, 'a'), 'unavailable', 'and too old, it serves nobody')
  })
})

t.test('an outage', async (t) => {
  t.test('loses no request until staleIfError is over, then is a 503, then heals', async (t) => {
    const fake = await warm()
    const [key] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.outage = OUTAGE
    const end = fake.now + FRESH_FOR + DEFAULTS.staleIfError
    while (fake.now < end) {
      if (!Array.isArray(fake.keys.find('ES256', 'a'))) t.fail(`waits ${end - fake.now} ms before`)
      if (!fake.keys.trusts(key)) t.fail(`distrusts ${end - fake.now} ms before`)
      await turns(1)
      fake.now += 1_000
    }
    t.ok(fake.fetches > 100, 'having gone on trying')
    fake.now = end
    t.notOk(fake.keys.trusts(key))
    t.equal(await outcome(fake, 'a'), 'unavailable')
    fake.outage = undefined
    fake.now += 30_000
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.ok(fake.keys.trusts(key), 'the same key is trusted again')
  })

  t.test(
    'spaces attempts by a back-off that doubles up to 30 s, whatever the requests',
    async (t) => {
      const fake = await warm()
      fake.outage = OUTAGE
      fake.now += FRESH_FOR
      const step = 50
      for (let i = 0; i < 300_000 / step; i++) {
        for (let request = 0; request < 5; request++) fake.keys.find('ES256', 'a')
        await turns(1)
        fake.now += step
      }
      t.equal(fake.mostUnderWay, 1)
      t.equal(fake.failures.length, fake.fetches - 1, 'told once an attempt')
      for (const [i, { at, retryIn }] of fake.failures.entries()) {
        const longest = Math.min(1_000 * 2 ** i, 30_000)
        t.ok(retryIn >= longest / 2 && retryIn <= longest, `${retryIn} of ${longest}`)
        const next = fake.failures[i + 1]
        if (next !== undefined) t.ok(next.at >= at + retryIn && next.at < at + retryIn + 2 * step)
      }
      const long = fake.failures.slice(5).map(({ retryIn }) => retryIn)
      t.ok(new Set(long).size > 1, 'with jitter')
    },
  )

  t.test('counts its back-off from the last attempt, also after one that hung', async (t) => {
    const fake = await warm()
    fake.manual = true
    fake.now += FRESH_FOR
    fake.keys.find('ES256', 'a')
    fake.now += 5_000
    fake.exchange?.fail(OUTAGE)
    await turns()
    fake.keys.find('ES256', 'a')
    t.equal(fake.fetches, 2)
    fake.now += 1_000
    fake.keys.find('ES256', 'a')
    t.equal(fake.fetches, 3)
    fake.exchange?.deliver()
    await turns()
  })

  t.test('starts over with a short back-off once there was a success', async (t) => {
    const fake = await warm()
    for (const _ of [1, 2]) {
      fake.outage = OUTAGE
      fake.now += FRESH_FOR
      fake.keys.find('ES256', 'a')
      await turns()
      t.ok((fake.failures.at(-1)?.retryIn ?? 0) <= 1_000)
      fake.outage = undefined
      fake.now += 1_000
      fake.keys.find('ES256', 'a')
      await turns()
    }
    t.equal(fake.failures.length, 2)
  })

  t.test('names Retry-After in whole seconds of at least 1, at most 30', async (t) => {
    const fake = issuer()
    fake.outage = OUTAGE
    for (let i = 0; i < 400; i++) {
      const error = await Promise.resolve(fake.keys.find('ES256', 'a')).catch((error) => error)
      const wait = (fake.failures.at(-1)?.at ?? 0) + (fake.failures.at(-1)?.retryIn ?? 0) - fake.now
      t.equal(error.retryAfter, Math.max(1, Math.ceil(wait / 1000)))
      fake.now += 777
    }
  })
})

t.test('an unknown kid', async (t) => {
  t.test('passes on its first request after a rotation', async (t) => {
    const fake = await warm(['a'])
    fake.published = ['b']
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(fake, 'b')))
    t.strictSame(new Set(outcomes), new Set(['accepted']))
    t.equal(fake.fetches, 2)
    t.equal(await outcome(fake, 'a'), 'refused')
  })

  t.test('passes on its first request also right after a scheduled refresh', async (t) => {
    const fake = await warm(['a'])
    fake.now += FRESH_FOR * 0.8
    fake.keys.find('ES256', 'a')
    await turns()
    t.equal(fake.fetches, 2)
    fake.published = ['b']
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 3)
  })

  t.test('passes in the refresh that is under way, without another', async (t) => {
    const fake = await warm(['a'])
    fake.published = ['a', 'b']
    fake.now += FRESH_FOR * 0.8
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 2)
  })

  t.test('passes also when the refresh under way was answered before the rotation', async (t) => {
    const fake = await warm(['a'])
    fake.manual = true
    fake.now += FRESH_FOR * 0.8
    fake.keys.find('ES256', 'a')
    fake.exchange?.publish()
    fake.published = ['b']
    const outcomes = Array.from({ length: 100 }, () => outcome(fake, 'b'))
    await turns()
    fake.manual = false
    fake.exchange?.deliver()
    t.strictSame(new Set(await Promise.all(outcomes)), new Set(['accepted']))
    t.equal(fake.fetches, 3)
    t.equal(fake.mostUnderWay, 1)
  })

  for (const refetchBurst of [1, 3]) {
    t.test(
      `causes ${refetchBurst} at once and one fetch a cooldown, for 2,000 of them, and valid traffic passes`,
      async (t) => {
        const fake = await warm(undefined, { refetchBurst })
        const unknown = Array.from({ length: 2_000 }, (_, i) => {
          const result = outcome(fake, `random-${i}`)
          if (!Array.isArray(fake.keys.find('ES256', 'a'))) t.fail('a known key waits')
          return result
        })
        t.strictSame(new Set(await Promise.all(unknown)), new Set(['refused']))
        for (let i = 0; i < 10; i++) t.equal(await outcome(fake, `one more ${i}`), 'refused')
        const most = 1 + refetchBurst
        t.equal(fake.fetches, most)
        fake.now += DEFAULTS.cooldown - 1
        t.equal(await outcome(fake, 'another'), 'refused')
        t.equal(fake.fetches, most)
        fake.now += 1
        t.equal(await outcome(fake, 'another'), 'refused')
        t.equal(await outcome(fake, 'and another'), 'refused')
        t.equal(fake.fetches, most + 1)
      },
    )
  }

  t.test('does not delay a new key while one forged token comes per cooldown', async (t) => {
    const fake = await warm()
    for (let round = 0; round < 60; round++) {
      t.equal(await outcome(fake, `forged-${round}`), 'refused')
      fake.now += round % 7
      fake.published = [`next-${round}`]
      t.equal(await outcome(fake, `next-${round}`), 'accepted', `rotation ${round}`)
      fake.now += 2 * DEFAULTS.cooldown
    }
  })

  t.test('the same one, repeated by its caller, costs one fetch a cooldown', async (t) => {
    const fake = await warm()
    for (let i = 0; i < 60; i++) {
      t.equal(await outcome(fake, 'unpublished'), 'refused')
      t.equal(await outcome(fake, undefined), 'accepted')
      fake.now += 1_000
    }
    t.equal(fake.fetches, 1 + 6)
  })

  t.test(
    'passes one cooldown after its key is published, while 20 others a second come',
    async (t) => {
      const fake = await warm()
      for (const kid of ['x', 'y', 'z']) await outcome(fake, kid)
      fake.published = ['a', 'b']
      const published = fake.now
      let accepted: number | undefined
      for (let i = 0; accepted === undefined && i < 1_000; i++) {
        fake.now += 50
        await outcome(fake, `stranger-${i}`)
        if ((await outcome(fake, 'b')) === 'accepted') accepted = fake.now
      }
      t.ok((accepted ?? Number.POSITIVE_INFINITY) - published <= DEFAULTS.cooldown)
    },
  )

  t.test('is refused without a fetch while the cooldown lasts, then accepted', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'refused', 'seen before its key is published')
    fake.published = ['a', 'b']
    fake.now += DEFAULTS.cooldown
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 3)
  })

  t.test("is refused without a promise while the issuer needn't be asked", async (t) => {
    const fake = await warm(undefined, { refetchBurst: 1 })
    t.equal(await outcome(fake, 'b'), 'refused')
    for (const kid of ['b', 'c', undefined]) t.strictSame(fake.keys.find('RS256', kid), [])
    t.equal(fake.fetches, 2)
  })

  t.test('waits for the refresh under way, also if it was refused a moment ago', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'refused', 'seen before its key is published')
    fake.published = ['a', 'b']
    fake.manual = true
    const refreshed = fake.keys.refresh()
    await turns()
    const waiting = outcome(fake, 'b')
    fake.exchange?.deliver()
    await refreshed
    t.equal(await waiting, 'accepted')
    t.equal(fake.fetches, 3)
  })

  t.test('stays refused for the cooldown, also if the issuer fails meanwhile', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'refused', 'the issuer said so')
    fake.outage = OUTAGE
    await t.rejects(fake.keys.refresh(), KeysUnavailableError)
    t.equal(await outcome(fake, 'b'), 'refused', 'within the back-off')
    t.equal(await outcome(fake, 'c'), 'unavailable', 'nobody asked for this one')
    t.equal(await outcome(fake, undefined), 'accepted')
    fake.now += DEFAULTS.cooldown - 1
    t.equal(await outcome(fake, 'b'), 'refused', 'and after it')
    t.equal(fake.fetches, 3, 'without a fetch')
    fake.now += 1
    t.equal(await outcome(fake, 'b'), 'unavailable', 'its key may have been published since')
    t.equal(fake.fetches, 4)
  })

  t.test('of more than 256 characters is forgotten, and asked for again', async (t) => {
    for (const [length, expected] of [
      [256, 'refused'],
      [257, 'unavailable'],
    ] as const) {
      const fake = await warm()
      const kid = 'x'.repeat(length)
      t.equal(await outcome(fake, kid), 'refused')
      fake.outage = OUTAGE
      await t.rejects(fake.keys.refresh(), KeysUnavailableError)
      t.equal(await outcome(fake, kid), expected, `${length}`)
    }
  })

  t.test('may be asked for again once the issuer has failed and recovered', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'refused')
    fake.outage = OUTAGE
    await t.rejects(fake.keys.refresh(), KeysUnavailableError)
    fake.outage = undefined
    fake.now += 1_000
    await fake.keys.refresh()
    fake.published = ['a', 'b']
    t.equal(await outcome(fake, 'b'), 'accepted', 'within the first cooldown')
  })

  t.test('B9: is a 503, never a 401, while the issuer cannot be asked', async (t) => {
    const fake = await warm()
    fake.outage = OUTAGE
    const begun = fake.now
    while (fake.now < begun + 60_000) {
      const result = await outcome(fake, 'b')
      if (result !== 'unavailable') {
        t.equal(result, 'unavailable', `${fake.now - begun} ms into the outage`)
        break
      }
      fake.now += 250
    }
    fake.outage = undefined
    fake.published = ['b']
    fake.now = (fake.failures.at(-1)?.at ?? 0) + (fake.failures.at(-1)?.retryIn ?? 0)
    t.equal(await outcome(fake, 'b'), 'accepted', 'right after the back-off')
  })

  t.test(
    'causes attempts that are spaced by the back-off in an outage, not by requests',
    async (t) => {
      const fake = await warm()
      fake.outage = OUTAGE
      const begun = fake.now
      for (let i = 0; fake.now < begun + 60_000; i++) {
        for (let j = 0; j < 10; j++) outcome(fake, `x-${i}-${j}`)
        await turns(1)
        fake.now += 20
      }
      t.equal(fake.mostUnderWay, 1)
      t.ok(fake.fetches <= 10, `${fake.fetches} fetches in a minute`)
      t.ok(fake.fetches >= 5, `${fake.fetches} fetches: it goes on trying`)
    },
  )

  t.test('does not wait for others to be told of the same failure', async (t) => {
    const fake = await warm()
    fake.manual = true
    const waiting = Array.from({ length: 100 }, (_, i) => outcome(fake, `x${i}`))
    await turns()
    fake.exchange?.fail(OUTAGE)
    t.strictSame(new Set(await Promise.all(waiting)), new Set(['unavailable']))
    t.equal(fake.fetches, 2)
  })

  t.test('without kid, what a refresh brought meanwhile is looked at before a fetch', async (t) => {
    const fake = await warm(['a'])
    const tried = await fake.keys.find('ES256', undefined)
    fake.published = ['b']
    await fake.keys.refresh()
    const newer = await fake.keys.findNewer('ES256', undefined, tried)
    t.match(newer, [{ kid: 'b' }])
    t.equal(fake.fetches, 2)
    t.strictSame(
      await fake.keys.findNewer('ES256', undefined, newer),
      [],
      'and a fetch finds no other',
    )
    t.equal(fake.fetches, 3)
    fake.now += FRESH_FOR + DEFAULTS.staleIfError
    t.match(
      await fake.keys.findNewer('ES256', undefined, []),
      [{ kid: 'b' }],
      'also after a long pause',
    )
  })

  t.test('without kid, every key is a candidate and no fetch is made', async (t) => {
    const fake = await warm(['a', 'b'])
    t.strictSame(await kids(fake.keys.find('ES256', undefined)), ['a', 'b'])
    t.equal(fake.fetches, 1)
  })

  t.test('without kid and without a fitting key, it causes one fetch a cooldown', async (t) => {
    const fake = await warm()
    for (let i = 0; i < 100; i++) t.strictSame(await fake.keys.find('RS256', undefined), [])
    t.equal(fake.fetches, 2)
  })

  t.test('is not fooled by names of members that every object has', async (t) => {
    const fake = await warm()
    for (const kid of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      t.equal(await outcome(fake, kid), 'refused')
    }
  })
})

t.test('a kid of the set whose key does not verify the token', async (t) => {
  const { publicJwk: other } = await makeKey('ES256', undefined)
  const { publicJwk: rsa } = await makeKey('RS256', undefined)

  /** An issuer that can give its kids to other keys. */
  async function replaceable(options: Partial<JwksCacheOptions> = {}) {
    const jwks = new Map([['a', JWK]])
    let fetches = 0
    let outage: unknown
    const fake = await warm(['a'], {
      fetchKeySet: async () => {
        fetches++
        if (outage !== undefined) throw outage
        return { body: { keys: [...jwks].map(([kid, jwk]) => ({ ...jwk, kid })) }, maxAge: 600 }
      },
      ...options,
    })
    /** What a token with a bad signature, by the key that is published, comes to. */
    const doubt = async (kid = 'a') => {
      const tried = await fake.keys.find('ES256', kid)
      const newer = await fake.keys.findNewer('ES256', kid, tried)
      return newer.length > 0 ? 'another key' : 'the same'
    }
    return {
      fake,
      jwks,
      doubt,
      fetches: () => fetches,
      fail: (error?: unknown) => {
        outage = error
      },
    }
  }

  t.test('finds the key that replaced it on the first request', async (t) => {
    const { jwks, doubt, fetches } = await replaceable()
    jwks.set('a', other)
    t.equal(await doubt(), 'another key')
    t.equal(fetches(), 2)
  })

  t.test('finds the key of another kind that replaced it on the first request', async (t) => {
    const { fake, jwks, fetches } = await replaceable()
    jwks.set('a', rsa)
    t.equal((await fake.keys.find('RS256', 'a')).length, 1)
    t.equal(fetches(), 2)
  })

  t.test('finds a second key of its kid on the first request', async (t) => {
    const keys = [{ ...JWK, kid: 'a' }]
    const { doubt } = await replaceable({
      fetchKeySet: async () => ({ body: { keys }, maxAge: 600 }),
    })
    keys.push({ ...other, kid: 'a' })
    t.equal(await doubt(), 'another key')
  })

  t.test('is confirmed once a cooldown, however many forged ones come', async (t) => {
    const { fake, doubt, fetches } = await replaceable()
    const outcomes = await Promise.all(Array.from({ length: 2_000 }, () => doubt()))
    t.strictSame(new Set(outcomes), new Set(['the same']))
    for (let i = 0; i < 100; i++) t.equal(await doubt(), 'the same')
    t.equal(fetches(), 2)
    for (const algorithm of ['RS256', 'ES384', 'EdDSA', 'HS256'] as const) {
      t.strictSame(fake.keys.find(algorithm, 'a'), [], 'at once')
    }
    const tried = await fake.keys.find('ES256', 'a')
    t.strictSame(fake.keys.findNewer('ES256', 'a', tried), [], 'at once')
    fake.now += DEFAULTS.cooldown
    t.equal(await doubt(), 'the same')
    t.equal(fetches(), 3)
  })

  t.test('with an algorithm that it does not fit is confirmed once a cooldown, too', async (t) => {
    const { fake, fetches } = await replaceable()
    for (const algorithm of ['RS256', 'ES384', 'EdDSA', 'HS256'] as const) {
      t.strictSame(await fake.keys.find(algorithm, 'a'), [])
    }
    t.equal(fetches(), 2)
  })

  t.test('replaced while forged signatures arrive, is found within a cooldown', async (t) => {
    const { fake, jwks, doubt } = await replaceable()
    await doubt()
    jwks.set('a', other)
    const since = fake.now
    while ((await doubt()) === 'the same') fake.now += 500
    t.ok(fake.now - since <= DEFAULTS.cooldown)
  })

  t.test('replaced twice, is found within a cooldown of the first time', async (t) => {
    const { fake, jwks, doubt } = await replaceable()
    jwks.set('a', other)
    t.equal(await doubt(), 'another key')
    const third = await makeKey('ES256', undefined)
    jwks.set('a', third.publicJwk)
    t.equal(await doubt(), 'the same', 'the issuer confirmed this key a moment ago')
    fake.now += DEFAULTS.cooldown
    t.equal(await doubt(), 'another key')
  })

  t.test('leaves the last fetch to tokens with an unknown kid', async (t) => {
    const names = Array.from({ length: 50 }, (_, i) => `k${i}`)
    const fake = await warm(names)
    const doubtAll = async () => {
      for (const kid of names) {
        await fake.keys.findNewer('ES256', kid, await fake.keys.find('ES256', kid))
        await fake.keys.find('RS256', kid)
      }
      const nameless = await fake.keys.find('ES256', undefined)
      await fake.keys.findNewer('ES256', undefined, nameless)
    }
    await doubtAll()
    t.equal(fake.fetches, 3)
    for (let i = 0; i < 30; i++) {
      fake.now += 2_000
      await doubtAll()
      fake.published = [...names, `new-${i}`]
      if (i % 10 === 9) t.equal(await outcome(fake, `new-${i}`), 'accepted', 'first request')
    }
    t.ok(fake.fetches <= 3 + 6 + 1, `${fake.fetches} fetches in a minute`)
  })

  t.test('with a burst of one has that one', async (t) => {
    const { jwks, doubt } = await replaceable({ refetchBurst: 1 })
    jwks.set('a', other)
    t.equal(await doubt(), 'another key')
  })

  t.test('is a bad signature, and no 503, while the issuer cannot be asked', async (t) => {
    const { fake, jwks, doubt, fail, fetches } = await replaceable()
    fail(OUTAGE)
    t.equal(await doubt(), 'the same')
    t.equal(fetches(), 2)
    t.equal(await doubt(), 'the same', 'within the back-off')
    t.strictSame(fake.keys.find('RS256', 'a'), [])
    t.equal(fetches(), 2)
    fail()
    jwks.set('a', other)
    fake.now += 1_000
    t.equal(await doubt(), 'another key', 'right after the back-off')
    fake.keys.close()
    t.equal(await doubt(), 'the same', 'and nothing is fetched after close()')
  })

  t.test('waits for what is under way, and known keys do not', async (t) => {
    const fake = await warm(['a'])
    const tried = await fake.keys.find('ES256', 'a')
    fake.manual = true
    const waiting = Array.from({ length: 100 }, async () =>
      fake.keys.findNewer('ES256', 'a', tried),
    )
    await turns()
    t.ok(Array.isArray(fake.keys.find('ES256', 'a')))
    fake.exchange?.deliver()
    t.strictSame(
      await Promise.all(waiting),
      Array.from({ length: 100 }, () => []),
    )
    t.equal(fake.fetches, 2)
  })
})

t.test('keys that cannot be used are told of when they change, not once a fetch', async (t) => {
  let odd: object[] = [{ ...JWK, kid: 'enc', use: 'enc' }]
  const fake = issuer(['a'], {
    fetchKeySet: async () => ({ body: { keys: [{ ...JWK, kid: 'a' }, ...odd] }, maxAge: 600 }),
  })
  t.equal(fake.keys.whyNot('ES256', 'enc'), 'no key set')
  for (let i = 0; i < 3; i++) await fake.keys.refresh()
  t.match(fake.skipped, [[{ kid: '"enc"', reason: 'has "use": "enc" and not "sig"' }]])
  fake.now += 12_400
  t.equal(
    fake.keys.whyNot('ES256', 'enc'),
    'a key with this "kid" that cannot be used: it has "use": "enc" and not "sig", in the key set fetched 12 s ago',
  )
  odd = [...odd, { kid: 'more' }]
  for (let i = 0; i < 2; i++) await fake.keys.refresh()
  t.match(fake.skipped[1], [{ kid: '"enc"' }, { kid: '"more"' }])
  odd = []
  await fake.keys.refresh()
  t.equal(fake.skipped.length, 2, 'nothing to tell')
})

t.test('the deadline', async (t) => {
  t.test('D3: ends an attempt whatever fetch makes of the signal', async (t) => {
    let signal: AbortSignal | undefined
    const fake = issuer(['a'], {
      timeout: 20,
      fetchKeySet: (given) => {
        signal = given
        return new Promise(() => {})
      },
    })
    const keepAlive = setInterval(() => {}, 1_000)
    t.equal(await outcome(fake, 'a'), 'unavailable')
    clearInterval(keepAlive)
    t.match(fake.failures, [{ error: { message: 'no complete response within 20 ms' } }])
    t.ok(signal?.aborted)
  })

  t.test('makes nothing of an answer that comes later', async (t) => {
    let late: (document: JsonDocument) => void = () => {}
    const fake = issuer(['a'], {
      timeout: 20,
      fetchKeySet: () =>
        new Promise((resolve) => {
          late = resolve
        }),
    })
    const keepAlive = setInterval(() => {}, 1_000)
    t.equal(await outcome(fake, 'a'), 'unavailable')
    clearInterval(keepAlive)
    late(fake.document())
    await turns()
    t.equal(await outcome(fake, 'a'), 'unavailable')
  })
})

t.test('a fetch looks for keys elsewhere, too, unless it is a refresh in time', async (t) => {
  const asked: unknown[] = []
  const fake: FakeIssuer = issuer(['a'], {
    fetchKeySet: async (_, options) => {
      asked.push(options)
      return fake.document()
    },
  })
  await fake.keys.find('ES256', 'a')
  t.strictSame(asked.splice(0), [{ mayHaveMoved: true }], 'the first')
  fake.now += FRESH_FOR
  fake.keys.find('ES256', 'a')
  await turns()
  t.strictSame(asked.splice(0), [{ mayHaveMoved: false }], 'in time')
  await fake.keys.find('ES256', 'b')
  t.strictSame(asked.splice(0), [{ mayHaveMoved: true }], 'for an unknown kid')
  await fake.keys.refresh()
  t.strictSame(asked.splice(0), [{ mayHaveMoved: true }], 'for an operator')
  fake.now += FRESH_FOR + DEFAULTS.staleIfError
  await fake.keys.find('ES256', 'a')
  t.strictSame(asked.splice(0), [{ mayHaveMoved: true }], 'after a long pause')
})

t.test('each attempt is told with the time it took', async (t) => {
  const told: unknown[] = []
  t.teardown(
    onDiagnostics(
      'jwks:fetch',
      ({ outcome, durationMs: duration }) => void told.push([outcome, duration]),
    ),
  )
  const fake = issuer()
  fake.manual = true
  for (const end of ['deliver', 'fail'] as const) {
    const refreshed = fake.keys.refresh()
    await turns()
    fake.now += 40
    fake.exchange?.[end](OUTAGE)
    await refreshed.catch(() => {})
  }
  t.strictSame(told, [
    ['fetched', 40],
    ['failed', 40],
  ])
})

t.test('close', async (t) => {
  t.test('ends what is under way and fetches nothing afterwards', async (t) => {
    const fake = issuer()
    fake.manual = true
    const waiting = outcome(fake, 'a')
    await turns()
    const signal = fake.exchange?.signal
    fake.keys.close()
    fake.keys.close()
    t.equal(await waiting, 'unavailable')
    t.ok(signal?.aborted)
    t.match(signal?.reason, { message: 'the resource server was closed' })
    t.strictSame(fake.failures, [], 'which is no failure to be told of')
    fake.now += 3_600_000
    t.equal(await outcome(fake, 'a'), 'unavailable')
    t.equal(fake.fetches, 1)
  })

  t.test('leaves no timer behind', async (t) => {
    const fake = await warm()
    fake.manual = true
    fake.now += FRESH_FOR
    fake.keys.find('ES256', 'a')
    await turns()
    let timers = 0
    const hook = createHook({
      init(_, type) {
        if (type === 'Timeout') timers++
      },
    }).enable()
    fake.keys.close()
    await turns()
    const afterwards = timers
    clearTimeout(setTimeout(() => {}))
    hook.disable()
    t.equal(afterwards, 0)
    t.equal(timers, 1, 'the counting counts')
  })

  t.test('does not fetch for known keys that age, nor for unknown kids', async (t) => {
    const fake = await warm()
    fake.keys.close()
    fake.now += FRESH_FOR
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(await outcome(fake, 'b'), 'unavailable')
    t.equal(await outcome(fake, 'b'), 'unavailable', 'again: whether the key exists is not known')
    t.equal(fake.fetches, 1)
  })

  t.test('and the deadline leave an exchange alone that has ended', async (t) => {
    const fake = issuer(['a'], { timeout: 500 })
    fake.manual = true
    const waiting = outcome(fake, 'a')
    await turns()
    const signal = fake.exchange?.signal
    fake.exchange?.deliver()
    t.equal(await waiting, 'accepted')
    await new Promise((done) => setTimeout(done, 520))
    fake.keys.close()
    t.equal(signal?.aborted, false)
  })
})

/**
 * Interleavings: a scheduler that draws events from a seed, and a model of what may be expected.
 * A failure names its seed.
 */
t.test('with any interleaving of requests, rotations, outages and time', async (t) => {
  const SEEDS = 400
  const EVENTS = 160
  const MINIMUM_AGE = 20_000
  const options = {
    cooldown: 10_000,
    cacheMinAge: MINIMUM_AGE,
    cacheMaxAge: 40_000,
    staleIfError: 120_000,
  }

  const { random } = Math
  t.teardown(() => {
    Math.random = random
  })
  for (let seed = 1; seed <= SEEDS; seed++) {
    const jitter = randomFrom(seed + SEEDS)
    Math.random = () => jitter(1_000) / 1_000
    const broken = await interleave(seed, EVENTS, options)
    if (broken.length > 0) {
      t.strictSame(broken, [], `seed ${seed}`)
      return
    }
  }
  t.pass(`${SEEDS} seeds`)
})

function randomFrom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761
  return (below) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

async function interleave(
  seed: number,
  events: number,
  options: { cooldown: number; cacheMinAge: number; cacheMaxAge: number; staleIfError: number },
): Promise<string[]> {
  const random = randomFrom(seed)
  const broken: string[] = []
  const fake = issuer(['k0'], options)
  fake.manual = true
  const publishedAt = new Map([['k0', fake.now]])
  const removed = new Set<string>()
  const pending: Promise<unknown>[] = []
  let names = 0
  /** What the resource server knows, in the model. */
  let loaded: { kids: Set<string>; at: number; maxAge: number } | undefined
  let delivered: string[] | undefined
  let successes = 0

  const check = (holds: boolean, what: string) => {
    if (!holds) broken.push(`${what}, at ${fake.now}, after ${fake.fetches} fetches`)
  }

  const request = (kid: string) => {
    const at = fake.now
    const known = loaded?.kids.has(kid) === true
    const freshFor = Math.min(
      Math.max((loaded?.maxAge ?? 0) * 1_000, options.cacheMinAge),
      options.cacheMaxAge,
    )
    const usable = loaded !== undefined && at < loaded.at + freshFor + options.staleIfError
    const found = fake.keys.find('ES256', kid)
    if (known && usable && (delivered === undefined || delivered.includes(kid))) {
      check(Array.isArray(found) && found.length === 1, `the known key ${kid} was not served`)
    }
    const published = publishedAt.get(kid)
    const failuresThen = fake.failures.length
    const last = fake.failures.at(-1)
    const backingOff = last !== undefined && at < last.at + last.retryIn
    pending.push(
      Promise.resolve(found).then(
        (keys) => {
          if (keys.length > 0) {
            check(published !== undefined, `the key ${kid} was never published`)
            return
          }
          const due = published !== undefined && at >= published + options.cooldown
          check(!due || removed.has(kid), `the published key ${kid} was refused`)
        },
        (error) => {
          check(error instanceof KeysUnavailableError, `rejected with ${error}`)
          const failed = fake.failures.length > failuresThen
          check(failed || backingOff, 'unavailable without a failure')
        },
      ),
    )
  }

  const deliver = async () => {
    const { exchange } = fake
    if (exchange === undefined) return
    const failures = fake.failures.length
    exchange.deliver()
    // Requests that come in the middle of it.
    for (let i = random(3); i > 0; i--) request(anyKid())
    await turns(2)
    if (fake.failures.length === failures) {
      loaded = { kids: new Set(snapshot), at: fake.now, maxAge: snapshotMaxAge }
      successes++
    }
    delivered = undefined
    taken = false
  }

  let snapshot: string[] = []
  let snapshotMaxAge = 0
  let taken = false
  const publish = () => {
    if (fake.exchange === undefined || taken) return
    taken = true
    fake.exchange.publish()
    if (fake.outage !== undefined) return
    snapshot = [...fake.published]
    snapshotMaxAge = fake.maxAge ?? 0
    delivered = snapshot
  }

  const publishAndDeliver = () => {
    publish()
    fake.exchange?.deliver()
    taken = false
  }

  const anyKid = () => {
    const all = [...publishedAt.keys()]
    if (random(4) === 0) return `unknown-${random(1_000)}`
    return all[Math.max(0, all.length - 1 - random(3))] as string
  }

  for (let event = 0; event < events && broken.length === 0; event++) {
    fake.maxAge = random(60)
    switch (random(12)) {
      case 0: {
        const kid = `k${++names}`
        publishedAt.set(kid, fake.now)
        const dropped = fake.published.splice(0, random(fake.published.length + 1))
        for (const gone of dropped) removed.add(gone)
        fake.published.push(kid)
        break
      }
      case 1:
        if (random(3) === 0) fake.outage = OUTAGE
        break
      case 2:
        fake.outage = undefined
        break
      case 3:
      case 4:
        fake.now += random(3_000)
        break
      case 5:
        fake.now += random(random(6) === 0 ? 200_000 : 15_000)
        break
      case 6:
      case 7:
        publish()
        if (random(2) === 0) break
        await deliver()
        break
      case 8:
        publish()
        await deliver()
        break
      default:
        for (let i = random(4); i >= 0; i--) request(anyKid())
        if (random(2) === 0) await turns(1)
    }
    check(fake.mostUnderWay <= 1, 'more than one fetch under way')
  }

  // Healing: the outage ends, and all that is asked is what was published last.
  fake.outage = undefined
  fake.manual = false
  for (; fake.exchange !== undefined; await turns()) publishAndDeliver()
  fake.now += 30_000 + options.cooldown
  const latest = fake.published.at(-1) as string
  check((await outcome(fake, latest)) === 'accepted', `${latest} is not accepted in the end`)
  for (const gone of removed) {
    check((await outcome(fake, gone)) === 'refused', `${gone} is not refused in the end`)
  }
  await Promise.all(pending)

  check(fake.mostUnderWay <= 1, 'more than one fetch under way')
  const [first = 0] = fake.fetchedAt
  const passed = fake.now - first
  const refreshes = passed / (options.cacheMinAge * 0.8) + 1
  const cooldowns = passed / options.cooldown + DEFAULTS.refetchBurst
  // A failure gives back what its attempt cost, and one where it cost nothing.
  const bound = 1 + refreshes + cooldowns + 2 * fake.failures.length
  check(fake.fetches <= bound, `${fake.fetches} fetches, where ${bound} are justified`)
  check(fake.fetches >= successes, 'an answer to no question')
  for (const { at, retryIn } of fake.failures) {
    const early = fake.fetchedAt.find((time) => time > at && time < at + retryIn)
    check(early === undefined, `an attempt at ${early} within the back-off`)
  }
  return broken
}

t.test('leaves no rejection unhandled', async (t) => {
  await settled()
  t.strictSame(unhandledRejections, [])
})
