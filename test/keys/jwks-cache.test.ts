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

/** Returns the result of a request with this `kid`. */
async function outcome({ keys }: FakeIssuer, kid: string | undefined) {
  try {
    return (await keys.find('ES256', kid)).length > 0 ? 'accepted' : 'rejected'
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

  t.test('fetches once for 100 concurrent requests', async (t) => {
    const fake = issuer()
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(fake, 'a')))
    t.strictSame(new Set(outcomes), new Set(['accepted']))
    t.equal(fake.fetches, 1)
  })

  t.test('renew() fetches nothing before the first use, and no set that failed', async (t) => {
    const fake = issuer()
    fake.keys.renew()
    await turns()
    t.equal(fake.fetches, 0)
    fake.manual = true
    const first = outcome(fake, 'a')
    await turns()
    fake.keys.renew()
    fake.exchange?.fail(OUTAGE)
    t.equal(await first, 'unavailable')
    await turns()
    t.equal(fake.fetches, 1, 'renew() shares the first fetch')
    t.match(fake.keys.status(), { state: 'empty', keys: 0, ageMs: undefined })
    fake.manual = false
    fake.now += fake.failures[0]?.retryIn ?? 0
    t.equal(await outcome(fake, 'a'), 'accepted')
  })

  t.test(
    'B9: throws KeysUnavailableError during an outage, and recovers after the back-off',
    async (t) => {
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
    },
  )

  t.test('accepts a key published after the issuer has sent its response', async (t) => {
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

  t.test('rejects unknown kids with no more fetches than the burst', async (t) => {
    for (const refetchBurst of [1, 3]) {
      const fake = issuer(undefined, { refetchBurst })
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => outcome(fake, `x${i}`)),
      )
      t.strictSame(new Set(outcomes), new Set(['rejected']))
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
    t.test(`with max-age ${maxAge ?? 'absent'} is fresh for ${freshFor} ms`, async (t) => {
      const fake = issuer()
      fake.maxAge = maxAge
      await fake.keys.find('ES256', 'a')
      fake.now += freshFor * 0.8 - 1
      t.equal(await outcome(fake, 'a'), 'accepted')
      await turns()
      t.equal(fake.fetches, 1, 'before 80 % of the freshness lifetime')
      fake.now += 1
      t.equal(await outcome(fake, 'a'), 'accepted')
      await turns()
      t.equal(fake.fetches, 2, 'at 80 % of the freshness lifetime')
    })
  }
})

t.test('a refresh in the background', async (t) => {
  t.test('delays no request, even if the issuer hangs', async (t) => {
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

  t.test('creates no promise for a cached key while a fetch is in flight', async (t) => {
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
    t.equal(promises, 0, 'each would stay in memory until the issuer responds')
  })

  t.test('is also triggered by reused verification results', async (t) => {
    const fake = await warm()
    const [key] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.now += FRESH_FOR * 0.8
    t.ok(fake.keys.trusts(key))
    await turns()
    t.equal(fake.fetches, 2)
  })

  t.test('stops trusting a removed key, and no other', async (t) => {
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
    t.equal(await outcome(fake, 'a'), 'rejected')
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(await outcome(fake, 'c'), 'accepted')
  })

  t.test('treats a new key under a known kid as another key', async (t) => {
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

  t.test('keeps the cached key set if the new one is unusable', async (t) => {
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

  t.test('ignores one invalid key among valid ones', async (t) => {
    const invalid = [
      null,
      7,
      {},
      { kty: 'RSA', kid: 'bad', n: '!', e: 'AQAB' },
      { ...JWK, y: 'AAAA' },
    ]
    const fake = await warm(['a'], {
      fetchKeySet: async () => ({ body: { keys: [...invalid, { ...JWK, kid: 'a' }] }, maxAge: 0 }),
    })
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(fake.failures.length, 0)
  })
})

t.test('a key set with refreshUnused: false', async (t) => {
  const lapsing = { refreshUnused: false, staleIfError: DEFAULTS.staleIfError }

  /** Long enough for the timer of a set that is fresh for 40 ms. */
  async function pause(fake: FakeIssuer): Promise<void> {
    fake.now += 35
    await new Promise((done) => setTimeout(done, 150))
  }

  t.test('is refreshed by the timer only if a token used it since the last fetch', async (t) => {
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

  t.test('is refreshed once per use, not forever', async (t) => {
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

  t.test('serves no key removed before the key set went stale', async (t) => {
    const fake = await warm(['a', 'b'], lapsing)
    const [a] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
    fake.published = ['b']
    fake.now += FRESH_FOR
    t.notOk(fake.keys.trusts(a))
    const outcomes = ['a', 'b', 'a', 'b'].map((kid) => outcome(fake, kid))
    t.strictSame(await Promise.all(outcomes), ['rejected', 'accepted', 'rejected', 'accepted'])
    t.ok(fake.fetches <= 3, 'the refresh, and one for the unknown kid')
  })

  t.test('loses no request if its refresh fails, and retries', async (t) => {
    const fake = await warm(['a'], lapsing)
    fake.outage = OUTAGE
    fake.now += FRESH_FOR
    const outcomes = Array.from({ length: 50 }, () => outcome(fake, 'a'))
    t.strictSame(new Set(await Promise.all(outcomes)), new Set(['accepted']))
    t.equal(fake.fetches, 2)
    t.ok(Array.isArray(fake.keys.find('ES256', 'a')), 'no request waits for the next attempt')
    t.equal(await outcome(fake, 'b'), 'unavailable')
    fake.outage = undefined
    fake.now += 1_000
    t.equal(await outcome(fake, 'a'), 'accepted')
    await turns()
    t.equal(fake.fetches, 3)
    fake.now += FRESH_FOR + DEFAULTS.staleIfError
    fake.outage = OUTAGE
    t.equal(await outcome(fake, 'a'), 'unavailable', 'a key set past staleIfError is not served')
  })
})

t.test('an outage', async (t) => {
  t.test(
    'loses no request within staleIfError, then throws KeysUnavailableError, then recovers',
    async (t) => {
      const fake = await warm()
      const [key] = (await fake.keys.find('ES256', 'a')) as [VerificationKey]
      fake.outage = OUTAGE
      const end = fake.now + FRESH_FOR + DEFAULTS.staleIfError
      while (fake.now < end) {
        if (!Array.isArray(fake.keys.find('ES256', 'a')))
          t.fail(`waits ${end - fake.now} ms before`)
        if (!fake.keys.trusts(key)) t.fail(`distrusts ${end - fake.now} ms before`)
        await turns(1)
        fake.now += 1_000
      }
      t.ok(fake.fetches > 100, 'retries continued')
      fake.now = end
      t.notOk(fake.keys.trusts(key))
      t.equal(await outcome(fake, 'a'), 'unavailable')
      fake.outage = undefined
      fake.now += 30_000
      t.equal(await outcome(fake, 'a'), 'accepted')
      t.ok(fake.keys.trusts(key), 'the same key is trusted again')
    },
  )

  t.test(
    'spaces attempts by a back-off that doubles up to 30 s, regardless of requests',
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
      t.equal(fake.mostInFlight, 1)
      t.equal(fake.failures.length, fake.fetches - 1, 'one report per attempt')
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

  t.test('starts the back-off at the end of the last attempt, even if that one hung', async (t) => {
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

  t.test('resets the back-off after a success', async (t) => {
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

  t.test('sets Retry-After to whole seconds from 1 to 30', async (t) => {
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
  t.test('is accepted on its first request after a rotation', async (t) => {
    const fake = await warm(['a'])
    fake.published = ['b']
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(fake, 'b')))
    t.strictSame(new Set(outcomes), new Set(['accepted']))
    t.equal(fake.fetches, 2)
    t.equal(await outcome(fake, 'a'), 'rejected')
  })

  t.test('is accepted on its first request right after a scheduled refresh', async (t) => {
    const fake = await warm(['a'])
    fake.now += FRESH_FOR * 0.8
    fake.keys.find('ES256', 'a')
    await turns()
    t.equal(fake.fetches, 2)
    fake.published = ['b']
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 3)
  })

  t.test('waits for the refresh in flight, without another fetch', async (t) => {
    const fake = await warm(['a'])
    fake.published = ['a', 'b']
    fake.now += FRESH_FOR * 0.8
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 2)
  })

  t.test('is accepted even if the response in flight predates the rotation', async (t) => {
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
    t.equal(fake.mostInFlight, 1)
  })

  for (const refetchBurst of [1, 3]) {
    t.test(
      `causes ${refetchBurst} fetches immediately and one per cooldown for 2,000 requests, and valid tokens are accepted`,
      async (t) => {
        const fake = await warm(undefined, { refetchBurst })
        const unknown = Array.from({ length: 2_000 }, (_, i) => {
          const result = outcome(fake, `random-${i}`)
          if (!Array.isArray(fake.keys.find('ES256', 'a'))) t.fail('a known key waits')
          return result
        })
        t.strictSame(new Set(await Promise.all(unknown)), new Set(['rejected']))
        for (let i = 0; i < 10; i++) t.equal(await outcome(fake, `one more ${i}`), 'rejected')
        const most = 1 + refetchBurst
        t.equal(fake.fetches, most)
        fake.now += DEFAULTS.cooldown - 1
        t.equal(await outcome(fake, 'another'), 'rejected')
        t.equal(fake.fetches, most)
        fake.now += 1
        t.equal(await outcome(fake, 'another'), 'rejected')
        t.equal(await outcome(fake, 'and another'), 'rejected')
        t.equal(fake.fetches, most + 1)
      },
    )
  }

  t.test('does not delay a new key while one forged token arrives per cooldown', async (t) => {
    const fake = await warm()
    for (let round = 0; round < 60; round++) {
      t.equal(await outcome(fake, `forged-${round}`), 'rejected')
      fake.now += round % 7
      fake.published = [`next-${round}`]
      t.equal(await outcome(fake, `next-${round}`), 'accepted', `rotation ${round}`)
      fake.now += 2 * DEFAULTS.cooldown
    }
  })

  t.test('repeated by one caller, costs one fetch per cooldown', async (t) => {
    const fake = await warm()
    for (let i = 0; i < 60; i++) {
      t.equal(await outcome(fake, 'unpublished'), 'rejected')
      t.equal(await outcome(fake, undefined), 'accepted')
      fake.now += 1_000
    }
    t.equal(fake.fetches, 1 + 6)
  })

  t.test(
    'is accepted one cooldown after its key is published, despite 20 unknown kids a second',
    async (t) => {
      const fake = await warm()
      for (const kid of ['x', 'y', 'z']) await outcome(fake, kid)
      fake.published = ['a', 'b']
      const published = fake.now
      let accepted: number | undefined
      for (let i = 0; accepted === undefined && i < 1_000; i++) {
        fake.now += 50
        await outcome(fake, `unknown-${i}`)
        if ((await outcome(fake, 'b')) === 'accepted') accepted = fake.now
      }
      t.ok((accepted ?? Number.POSITIVE_INFINITY) - published <= DEFAULTS.cooldown)
    },
  )

  t.test('is rejected without a fetch during the cooldown, then accepted', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'rejected', 'requested before its key is published')
    fake.published = ['a', 'b']
    fake.now += DEFAULTS.cooldown
    t.equal(await outcome(fake, 'b'), 'accepted')
    t.equal(fake.fetches, 3)
  })

  t.test('is rejected without a promise while no fetch is due', async (t) => {
    const fake = await warm(undefined, { refetchBurst: 1 })
    t.equal(await outcome(fake, 'b'), 'rejected')
    for (const kid of ['b', 'c', undefined]) t.strictSame(fake.keys.find('RS256', kid), [])
    t.equal(fake.fetches, 2)
  })

  t.test('waits for the refresh in flight, even if it was rejected just before', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'rejected', 'requested before its key is published')
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

  t.test('stays rejected for the cooldown, even if the issuer fails meanwhile', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'rejected', "the issuer's key set lacks it")
    fake.outage = OUTAGE
    await t.rejects(fake.keys.refresh(), KeysUnavailableError)
    t.equal(await outcome(fake, 'b'), 'rejected', 'within the back-off')
    t.equal(await outcome(fake, 'c'), 'unavailable', 'this kid was never checked')
    t.equal(await outcome(fake, undefined), 'accepted')
    fake.now += DEFAULTS.cooldown - 1
    t.equal(await outcome(fake, 'b'), 'rejected', 'and after the back-off')
    t.equal(fake.fetches, 3, 'without a fetch')
    fake.now += 1
    t.equal(await outcome(fake, 'b'), 'unavailable', 'its key may have been published since')
    t.equal(fake.fetches, 4)
  })

  t.test('longer than 256 characters is not remembered, and is checked again', async (t) => {
    for (const [length, expected] of [
      [256, 'rejected'],
      [257, 'unavailable'],
    ] as const) {
      const fake = await warm()
      const kid = 'x'.repeat(length)
      t.equal(await outcome(fake, kid), 'rejected')
      fake.outage = OUTAGE
      await t.rejects(fake.keys.refresh(), KeysUnavailableError)
      t.equal(await outcome(fake, kid), expected, `${length}`)
    }
  })

  t.test('is checked again once the issuer has failed and recovered', async (t) => {
    const fake = await warm()
    t.equal(await outcome(fake, 'b'), 'rejected')
    fake.outage = OUTAGE
    await t.rejects(fake.keys.refresh(), KeysUnavailableError)
    fake.outage = undefined
    fake.now += 1_000
    await fake.keys.refresh()
    fake.published = ['a', 'b']
    t.equal(await outcome(fake, 'b'), 'accepted', 'within the first cooldown')
  })

  t.test('B9: is a 503, never a 401, while the issuer is unreachable', async (t) => {
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

  t.test('causes attempts spaced by the back-off during an outage, not by requests', async (t) => {
    const fake = await warm()
    fake.outage = OUTAGE
    const begun = fake.now
    for (let i = 0; fake.now < begun + 60_000; i++) {
      for (let j = 0; j < 10; j++) outcome(fake, `x-${i}-${j}`)
      await turns(1)
      fake.now += 20
    }
    t.equal(fake.mostInFlight, 1)
    t.ok(fake.fetches <= 10, `${fake.fetches} fetches in a minute`)
    t.ok(fake.fetches >= 5, `${fake.fetches} fetches: retries continue`)
  })

  t.test('does not wait for other callers to receive the same failure', async (t) => {
    const fake = await warm()
    fake.manual = true
    const waiting = Array.from({ length: 100 }, (_, i) => outcome(fake, `x${i}`))
    await turns()
    fake.exchange?.fail(OUTAGE)
    t.strictSame(new Set(await Promise.all(waiting)), new Set(['unavailable']))
    t.equal(fake.fetches, 2)
  })

  t.test('without kid, tries keys from a refresh meanwhile before fetching', async (t) => {
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
      'a fetch finds no other key',
    )
    t.equal(fake.fetches, 3)
    fake.now += FRESH_FOR + DEFAULTS.staleIfError
    t.match(
      await fake.keys.findNewer('ES256', undefined, []),
      [{ kid: 'b' }],
      'also after a long pause',
    )
  })

  t.test('without kid, makes every key a candidate and fetches nothing', async (t) => {
    const fake = await warm(['a', 'b'])
    t.strictSame(await kids(fake.keys.find('ES256', undefined)), ['a', 'b'])
    t.equal(fake.fetches, 1)
  })

  t.test('without kid and without a fitting key, causes one fetch per cooldown', async (t) => {
    const fake = await warm()
    for (let i = 0; i < 100; i++) t.strictSame(await fake.keys.find('RS256', undefined), [])
    t.equal(fake.fetches, 2)
  })

  t.test('does not match names of Object.prototype members', async (t) => {
    const fake = await warm()
    for (const kid of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      t.equal(await outcome(fake, kid), 'rejected')
    }
  })
})

t.test('a cached kid whose key does not verify the token', async (t) => {
  const { publicJwk: other } = await makeKey('ES256', undefined)
  const { publicJwk: rsa } = await makeKey('RS256', undefined)

  /** An issuer that can publish other keys under its kids. */
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
    /** Looks for a newer key, as for a token whose signature the cached key does not verify. */
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

  t.test('finds a replacement of another key type on the first request', async (t) => {
    const { fake, jwks, fetches } = await replaceable()
    jwks.set('a', rsa)
    t.equal((await fake.keys.find('RS256', 'a')).length, 1)
    t.equal(fetches(), 2)
  })

  t.test('finds a second key with its kid on the first request', async (t) => {
    const keys = [{ ...JWK, kid: 'a' }]
    const { doubt } = await replaceable({
      fetchKeySet: async () => ({ body: { keys }, maxAge: 600 }),
    })
    keys.push({ ...other, kid: 'a' })
    t.equal(await doubt(), 'another key')
  })

  t.test('is confirmed once per cooldown, regardless of the number of forged tokens', async (t) => {
    const { fake, doubt, fetches } = await replaceable()
    const outcomes = await Promise.all(Array.from({ length: 2_000 }, () => doubt()))
    t.strictSame(new Set(outcomes), new Set(['the same']))
    for (let i = 0; i < 100; i++) t.equal(await doubt(), 'the same')
    t.equal(fetches(), 2)
    for (const algorithm of ['RS256', 'ES384', 'EdDSA', 'HS256'] as const) {
      t.strictSame(fake.keys.find(algorithm, 'a'), [], 'immediately')
    }
    const tried = await fake.keys.find('ES256', 'a')
    t.strictSame(fake.keys.findNewer('ES256', 'a', tried), [], 'immediately')
    fake.now += DEFAULTS.cooldown
    t.equal(await doubt(), 'the same')
    t.equal(fetches(), 3)
  })

  t.test(
    'with an algorithm that it does not fit, is also confirmed once per cooldown',
    async (t) => {
      const { fake, fetches } = await replaceable()
      for (const algorithm of ['RS256', 'ES384', 'EdDSA', 'HS256'] as const) {
        t.strictSame(await fake.keys.find(algorithm, 'a'), [])
      }
      t.equal(fetches(), 2)
    },
  )

  t.test('replaced while forged tokens arrive, is found within a cooldown', async (t) => {
    const { fake, jwks, doubt } = await replaceable()
    await doubt()
    jwks.set('a', other)
    const since = fake.now
    while ((await doubt()) === 'the same') fake.now += 500
    t.ok(fake.now - since <= DEFAULTS.cooldown)
  })

  t.test('replaced twice, is found within a cooldown of the first replacement', async (t) => {
    const { fake, jwks, doubt } = await replaceable()
    jwks.set('a', other)
    t.equal(await doubt(), 'another key')
    const third = await makeKey('ES256', undefined)
    jwks.set('a', third.publicJwk)
    t.equal(await doubt(), 'the same', 'the issuer confirmed this key a moment ago')
    fake.now += DEFAULTS.cooldown
    t.equal(await doubt(), 'another key')
  })

  t.test('reserves the last fetch for tokens with an unknown kid', async (t) => {
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

  t.test('with refetchBurst 1, has one fetch', async (t) => {
    const { jwks, doubt } = await replaceable({ refetchBurst: 1 })
    jwks.set('a', other)
    t.equal(await doubt(), 'another key')
  })

  t.test('is an invalid signature, not a 503, while the issuer is unreachable', async (t) => {
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

  t.test('waits for the fetch in flight, and cached keys do not', async (t) => {
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

t.test('reports unusable keys when they change, not on each fetch', async (t) => {
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
  t.equal(fake.skipped.length, 2, 'nothing to report')
})

t.test('the deadline', async (t) => {
  t.test('D3: ends an attempt even if fetch ignores the signal', async (t) => {
    let signal: AbortSignal | undefined
    const fake = issuer(['a'], {
      timeout: 20,
      fetchKeySet: (passedSignal) => {
        signal = passedSignal
        return new Promise(() => {})
      },
    })
    const keepAlive = setInterval(() => {}, 1_000)
    t.equal(await outcome(fake, 'a'), 'unavailable')
    clearInterval(keepAlive)
    t.match(fake.failures, [{ error: { message: 'no complete response within 20 ms' } }])
    t.ok(signal?.aborted)
  })

  t.test('ignores a response that arrives later', async (t) => {
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

t.test('a fetch allows rediscovery, except a scheduled refresh', async (t) => {
  const requested: unknown[] = []
  const fake: FakeIssuer = issuer(['a'], {
    fetchKeySet: async (_, options) => {
      requested.push(options)
      return fake.document()
    },
  })
  await fake.keys.find('ES256', 'a')
  t.strictSame(requested.splice(0), [{ mayHaveMoved: true }], 'the first fetch')
  fake.now += FRESH_FOR
  fake.keys.find('ES256', 'a')
  await turns()
  t.strictSame(requested.splice(0), [{ mayHaveMoved: false }], 'a scheduled refresh')
  await fake.keys.find('ES256', 'b')
  t.strictSame(requested.splice(0), [{ mayHaveMoved: true }], 'for an unknown kid')
  await fake.keys.refresh()
  t.strictSame(requested.splice(0), [{ mayHaveMoved: true }], 'for an operator')
  fake.now += FRESH_FOR + DEFAULTS.staleIfError
  await fake.keys.find('ES256', 'a')
  t.strictSame(requested.splice(0), [{ mayHaveMoved: true }], 'after a long pause')
})

t.test('reports the duration of each attempt', async (t) => {
  const reported: unknown[] = []
  t.teardown(
    onDiagnostics(
      'jwks:fetch',
      ({ outcome, durationMs: duration }) => void reported.push([outcome, duration]),
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
  t.strictSame(reported, [
    ['fetched', 40],
    ['failed', 40],
  ])
})

t.test('close', async (t) => {
  t.test('aborts the fetch in flight and fetches nothing afterwards', async (t) => {
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
    t.strictSame(fake.failures, [], 'not reported as a failure')
    fake.now += 3_600_000
    t.equal(await outcome(fake, 'a'), 'unavailable')
    t.equal(fake.fetches, 1)
  })

  t.test('leaves no timer', async (t) => {
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
    t.equal(timers, 1, 'the hook counts timers')
  })

  t.test('causes no fetch for stale keys or unknown kids', async (t) => {
    const fake = await warm()
    fake.keys.close()
    fake.now += FRESH_FOR
    t.equal(await outcome(fake, 'a'), 'accepted')
    t.equal(await outcome(fake, 'b'), 'unavailable')
    t.equal(await outcome(fake, 'b'), 'unavailable', 'still: whether the key exists is unknown')
    t.equal(fake.fetches, 1)
  })

  t.test('and the deadline do not abort a completed exchange', async (t) => {
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
 * Interleavings: a scheduler draws events from a seed, and a model predicts the results. A failure
 * names its seed.
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
  /** The key set that the resource server has loaded, in the model. */
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
          check(!due || removed.has(kid), `the published key ${kid} was rejected`)
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
    // Requests that arrive in the middle of the delivery.
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
    check(fake.mostInFlight <= 1, 'more than one fetch in flight')
  }

  // Recovery: the outage ends, and only the keys published last are requested.
  fake.outage = undefined
  fake.manual = false
  for (; fake.exchange !== undefined; await turns()) publishAndDeliver()
  fake.now += 30_000 + options.cooldown
  const latest = fake.published.at(-1) as string
  check((await outcome(fake, latest)) === 'accepted', `${latest} is not accepted in the end`)
  for (const gone of removed) {
    check((await outcome(fake, gone)) === 'rejected', `${gone} is not rejected in the end`)
  }
  await Promise.all(pending)

  check(fake.mostInFlight <= 1, 'more than one fetch in flight')
  const [first = 0] = fake.fetchedAt
  const passed = fake.now - first
  const refreshes = passed / (options.cacheMinAge * 0.8) + 1
  const cooldowns = passed / options.cooldown + DEFAULTS.refetchBurst
  // A failure refunds its own attempt, plus one more if the attempt cost nothing.
  const bound = 1 + refreshes + cooldowns + 2 * fake.failures.length
  check(fake.fetches <= bound, `${fake.fetches} fetches, where ${bound} are justified`)
  check(fake.fetches >= successes, 'more successes than fetches')
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
