import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  type Fetch,
  InvalidTokenError,
  KeysUnavailableError,
  type ResourceServerOptions,
} from '../../src/index.js'
import { turns } from '../fixtures/fake-issuer.js'
import { AUDIENCE, makeKey, sign, type TestKey } from '../fixtures/issuer.js'
import {
  type Answer,
  drip,
  endless,
  gzipBomb,
  hang,
  hangInBody,
  json,
  type KeyServer,
  startKeyServer,
  status,
  text,
  truncated,
} from '../fixtures/key-server.js'
import { collectUnhandledRejections, settled } from '../fixtures/rejections.js'

const unhandledRejections = collectUnhandledRejections(t)

const [A, B] = [await makeKey('ES256', 'a'), await makeKey('ES256', 'b')]
const FRESH_FOR = 600_000
const STALE_IF_ERROR = 14_400_000
/** Longer than any of the times that are passed in here. */
const FOREVER = Math.floor(Date.now() / 1000) + 10 * 86_400

async function setUp(
  t: Test,
  options: Partial<ResourceServerOptions> = {},
  issuer?: (server: KeyServer) => string,
) {
  const server = await startKeyServer([A.publicJwk])
  const clock = { now: Date.now() }
  const warnings: object[] = []
  let exchanges = 0
  /** Has read the body when it answers, so that `refreshed` knows when an exchange is over. */
  const counted: Fetch = async (url, init) => {
    exchanges++
    try {
      const response = await fetch(url, init)
      return new Response(await response.arrayBuffer(), response)
    } finally {
      exchanges--
    }
  }
  const resources = await createResourceServer({
    issuer: issuer?.(server) ?? server.issuer,
    audience: AUDIENCE,
    now: () => clock.now,
    logger: { warn: (details, message) => warnings.push({ ...details, message }) },
    ...options,
    jwks: { fetch: counted, ...options.jwks },
  })
  t.teardown(async () => {
    resources.close()
    await server.close()
  })
  let serial = 0
  /** A token that was never seen before. */
  const token = (key: TestKey = A, header = {}) =>
    sign(key, { iss: server.issuer, exp: FOREVER, jti: `${serial++}` }, { header })
  const outcome = async (raw: string) => {
    try {
      await resources.verify(raw)
      return 200
    } catch (error) {
      return (error as { statusCode: number }).statusCode
    }
  }
  /** Until a refresh in the background has ended. */
  const refreshed = async () => {
    do await turns(10)
    while (exchanges > 0)
  }
  return { server, clock, warnings, resources, token, outcome, refreshed }
}

t.test('makes one discovery and one key fetch for 100 concurrent first requests', async (t) => {
  const { server, token } = await setUp(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, { issuer: server.issuer, audience: AUDIENCE })
  app.get('/', async ({ claims }) => claims.jti)
  const tokens = await Promise.all(Array.from({ length: 100 }, () => token()))
  const answers = await Promise.all(
    tokens.map((raw) => app.inject({ url: '/', headers: { authorization: `Bearer ${raw}` } })),
  )
  t.strictSame(
    answers.map(({ statusCode, body }) => [statusCode, body]),
    answers.map((_, i) => [200, `${i}`]),
  )
  t.strictSame(server.requests, [server.metadataPath, '/keys'])
})

t.test('D1: reads no metadata where jwksUri is configured', async (t) => {
  const other = await startKeyServer([B.publicJwk])
  t.teardown(() => other.close())
  const { server, token, outcome, clock } = await setUp(t, { jwksUri: other.jwksUri })
  t.equal(await outcome(await token(B)), 200)
  other.answer('/keys', status(404))
  clock.now += FRESH_FOR + STALE_IF_ERROR
  t.equal(await outcome(await token(B)), 503)
  clock.now += 1_000
  t.equal(await outcome(await token(B)), 503)
  t.strictSame(server.requests, [], 'also when it fails')
  t.strictSame(other.requests, ['/keys', '/keys', '/keys'])
})

t.test('D2: an issuer that is spelled otherwise in the metadata is a 503', async (t) => {
  const { server, token, outcome, warnings } = await setUp(t)
  server.answer(
    server.metadataPath,
    json({ issuer: `${server.issuer}/`, jwks_uri: server.jwksUri }),
  )
  t.equal(await outcome(await token()), 503)
  t.equal(server.count('/keys'), 0)
  t.match(warnings, [{ issuer: server.issuer, err: { message: /not identical/ } }])
})

const large = { keys: Array.from({ length: 10_000 }, () => A.publicJwk) }
const faults: Record<string, Answer> = {
  'answers 404': status(404),
  'answers 429': status(429, { 'retry-after': '3600' }),
  'answers 500': status(500),
  redirects: status(302, { location: '/keys' }),
  'redirects for good': status(308, { location: '/keys' }),
  'answers HTML': text('<!doctype html><title>Maintenance</title>'),
  'answers rubbish': text('\u0000\u0001'),
  'answers JSON of another kind': json([1]),
  'answers nothing': text(''),
  'cuts its answer off': truncated,
  'hangs before headers': hang,
  'hangs in mid-body': hangInBody,
  'drip-feeds its body': drip,
  'never ends': endless,
  'answers a gzip bomb': gzipBomb(20_000_000),
  'answers 10,000 keys': json(large),
  'answers no key': json({ keys: [] }),
  'slams the door': (response) => response.destroy(),
}

const hanging = [hang, hangInBody, drip]

t.test('B9: D3: whatever the issuer does, a cold start is a 503, and heals', { jobs: 6 }, (t) => {
  for (const [name, fault] of Object.entries(faults)) {
    for (const where of ['metadata', 'keys'] as const) {
      t.test(`when it ${name}, asked for ${where}`, { buffered: true }, async (t) => {
        const server = await startKeyServer([A.publicJwk])
        t.teardown(() => server.close())
        const path = where === 'keys' ? '/keys' : server.metadataPath
        let broken = true
        const sane =
          where === 'keys'
            ? json({ keys: [A.publicJwk] })
            : json({ issuer: server.issuer, jwks_uri: server.jwksUri })
        server.answer(path, (...exchange) => (broken ? fault : sane)(...exchange))
        let now = Date.now()
        const app = Fastify()
        t.teardown(() => app.close())
        const logged: object[] = []
        app.log.warn = ((details: object) => logged.push(details)) as never
        await app.register(resourceServer, {
          issuer: server.issuer,
          audience: AUDIENCE,
          now: () => now,
          jwks: { timeout: hanging.includes(fault) ? 1_000 : 30_000 },
        })
        app.get('/', async () => 'ok')
        const headers = { authorization: `Bearer ${await sign(A, { iss: server.issuer })}` }
        const get = () => app.inject({ url: '/', headers })
        const refused = await get()
        t.equal(refused.statusCode, 503)
        t.match(String(refused.headers['retry-after']), /^[1-9]\d*$/)
        t.notOk('www-authenticate' in refused.headers)
        t.equal(logged.length, 1)
        await server.idle()
        broken = false
        const { length } = server.requests
        t.equal((await get()).statusCode, 503, 'during the back-off')
        t.equal(server.requests.length, length, 'and nobody is asked')
        // An issuer may ask for more time, but not for an hour.
        now += name === 'answers 429' ? 60_000 : 1_000
        t.equal((await get()).statusCode, 200, 'after it, without a restart')
        t.equal(logged.length, 1)
      })
    }
  }
  t.end()
})

t.test(
  'B9: a refused connection is a 503, told once an attempt and without the token',
  async (t) => {
    const { server, clock, token, outcome, warnings, resources } = await setUp(t)
    await server.close()
    const raw = await token()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async () => outcome(await token())),
    )
    t.strictSame(new Set([...outcomes, await outcome(raw)]), new Set([503]))
    t.equal(warnings.length, 1)
    t.match(warnings, [
      {
        issuer: server.issuer,
        retryInMilliseconds: Number,
        message: 'JWKS fetch failed',
      },
    ])
    clock.now += 1_000
    const error = await resources.verify(raw).catch((error) => error)
    t.ok(error instanceof KeysUnavailableError)
    t.equal(warnings.length, 2)
    const [header, payload, signature] = raw.split('.') as [string, string, string]
    for (const part of [header, payload, signature]) {
      t.notOk(inspect([warnings, error], { depth: 9, showHidden: true }).includes(part))
    }
  },
)

t.test('puts no password of a URL into the log', async (t) => {
  const warnings: object[] = []
  const made = await createResourceServer({
    issuer: 'https://issuer.example',
    audience: AUDIENCE,
    jwksUri: 'https://client:hunter2@issuer.example/keys',
    logger: { warn: (details) => warnings.push(details) },
  }).catch((error) => error)
  if (!(made instanceof TypeError)) {
    const raw = await sign(A, { iss: 'https://issuer.example' })
    await made.verify(raw).catch(() => {})
    made.close()
  }
  t.notMatch(inspect(warnings, { depth: 9 }), /hunter2/)
  t.ok(made instanceof TypeError, 'which can never work, as fetch takes no such URL')
})

t.test('says why keys cannot be had in the log, the error and the status alike', async (t) => {
  const closed = await startKeyServer()
  await closed.close()
  const busy = await startKeyServer()
  t.teardown(() => busy.close())
  for (const path of [
    busy.metadataPath,
    '/.well-known/openid-configuration/oauth2/default',
    '/.well-known/oauth-authorization-server/oauth2/default',
  ]) {
    busy.answer(path, status(404))
  }
  const cases: [Partial<ResourceServerOptions>, RegExp][] = [
    [
      { issuer: closed.issuer },
      /openid-configuration sent no complete response: fetch failed: .*ECONNREFUSED/,
    ],
    [{ issuer: 'https://issuer.invalid' }, /^https:\/\/issuer\.invalid\/.* (ENOTFOUND|EAI_AGAIN)/],
    [{ issuer: busy.issuer }, /(oauth2\/default.* responded with 404.*){3}$/],
    [
      { issuer: busy.issuer, jwksUri: `${busy.origin}/keys?secret=hidden` },
      /^http:\/\/127\.0\.0\.1:\d+\/keys responded with 404$/,
    ],
    [
      { issuer: closed.issuer, jwksUri: `${closed.origin}/keys?secret=hidden` },
      /\/keys sent no complete response: fetch failed: .*ECONNREFUSED/,
    ],
    [
      {
        issuer: busy.issuer,
        jwksUri: `${busy.origin}/hang?secret=hidden`,
        jwks: { timeout: 100 },
      },
      /^no complete response within 100 ms from http:\/\/127\.0\.0\.1:\d+\/hang$/,
    ],
  ]
  busy.answer('/hang?secret=hidden', hang)
  for (const [options, reason] of cases) {
    const warnings: { err: Error }[] = []
    const resources = await createResourceServer({
      audience: AUDIENCE,
      logger: { warn: (details) => warnings.push(details as { err: Error }) },
      ...options,
    } as ResourceServerOptions)
    t.teardown(() => resources.close())
    const raw = await sign(A, { iss: options.issuer })
    const error = await resources.verify(raw).catch((error) => error)
    t.match(error.reason.found, reason)
    t.equal(resources.keySetStatus()[0]?.lastError, error.reason.found)
    t.equal(warnings[0]?.err.message, error.reason.found)
    t.notMatch(inspect([warnings, error, error.reason], { depth: 9, showHidden: true }), /hidden/)
  }
})

t.test('heeds the Retry-After of metadata, up to a minute', async (t) => {
  for (const [asked, waits] of [
    ['20', 20_000],
    ['999999', 60_000],
  ] as const) {
    const { server, clock, token, outcome, resources } = await setUp(t)
    server.answer(server.metadataPath, status(429, { 'retry-after': asked }))
    const error = await resources.verify(await token()).catch((error) => error)
    t.equal(error.retryAfter, waits / 1_000)
    clock.now += waits - 1
    t.equal(await outcome(await token()), 503)
    t.strictSame(server.requests, [server.metadataPath])
    clock.now += 1
    t.equal(await outcome(await token()), 503)
    t.equal(server.requests.length, 2)
  }
})

t.test('makes nobody with a known key wait for an issuer that hangs', async (t) => {
  const { server, clock, token, outcome } = await setUp(t, { jwks: { timeout: 60_000 } })
  t.equal(await outcome(await token()), 200)
  server.answer('/keys', hang)
  clock.now += FRESH_FOR
  for (let i = 0; i < 20; i++) t.equal(await outcome(await token()), 200)
  while (server.underWay === 0) await turns(1)
  t.equal(server.count('/keys'), 2, 'one attempt is still under way')
})

t.test('D4: keeps a key set as long as Cache-Control says, within bounds', async (t) => {
  const table: [string | undefined, number][] = [
    [undefined, FRESH_FOR],
    ['max-age=120', 120_000],
    ['public, max-age="120"', 120_000],
    ['max-age=1', 60_000],
    ['max-age=31536000', FRESH_FOR],
    ['no-store', 60_000],
    ['no-cache, max-age=120', 60_000],
    ['max-age=-5', FRESH_FOR],
    ['s-maxage=61', FRESH_FOR],
  ]
  for (const [header, freshFor] of table) {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    const headers = header === undefined ? {} : { 'cache-control': header }
    server.answer('/keys', json({ keys: [A.publicJwk] }, headers))
    await outcome(await token())
    clock.now += freshFor * 0.8 - 1
    t.equal(await outcome(await token()), 200)
    await refreshed()
    t.equal(server.count('/keys'), 1, `${header} is fresh`)
    clock.now += 1
    t.equal(await outcome(await token()), 200)
    await refreshed()
    t.equal(server.count('/keys'), 2, `${header} is refreshed`)
    t.equal(server.count(server.metadataPath), 1)
  }
})

t.test(
  'refuses 2,000 random kids with as many fetches as refetchBurst, and valid traffic passes',
  async (t) => {
    // All at once, in one process with the issuer: on a busy machine that takes its time.
    const { server, token, outcome, resources } = await setUp(t, {
      jwks: { timeout: 60_000, refetchBurst: 1 },
    })
    t.equal(await outcome(await token()), 200)
    const [, payload, signature] = (await token()).split('.')
    const random = Array.from({ length: 2_000 }, (_, i) => {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `random-${i}` }))
      return `${header.toString('base64url')}.${payload}.${signature}`
    })
    const valid = await Promise.all(Array.from({ length: 100 }, () => token()))
    const results = await Promise.allSettled([
      ...random.map((raw) => resources.verify(raw)),
      ...valid.map((raw) => resources.verify(raw)),
    ])
    const refused = results.slice(0, random.length)
    t.ok(
      refused.every((one) => one.status === 'rejected' && one.reason instanceof InvalidTokenError),
    )
    t.ok(results.slice(random.length).every((one) => one.status === 'fulfilled'))
    t.equal(server.count('/keys'), 2)
    t.equal(server.count(server.metadataPath), 2, 'the key set may have moved')
  },
)

t.test('a rotation under load loses no valid request, with one fetch', async (t) => {
  const { server, token, outcome } = await setUp(t)
  t.equal(await outcome(await token()), 200)
  server.answer('/keys', json({ keys: [A.publicJwk, B.publicJwk] }))
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => token(i % 2 ? A : B)))
  const outcomes = await Promise.all(tokens.map(outcome))
  t.strictSame(new Set(outcomes), new Set([200]))
  t.equal(server.count('/keys'), 2)
})

t.test(
  'refuses the tokens of a removed key from the next refresh on, cached verdicts too',
  async (t) => {
    const { server, clock, token, outcome, refreshed, resources } = await setUp(t)
    const raw = await token()
    const first = await resources.verify(raw)
    t.equal(await resources.verify(raw), first, 'a cached verdict')
    server.answer('/keys', json({ keys: [B.publicJwk] }))
    clock.now += FRESH_FOR * 0.8
    t.equal(await resources.verify(raw), first, 'until the refresh has succeeded')
    await refreshed()
    t.equal(await outcome(raw), 401)
    t.equal(await outcome(await token(B)), 200)
  },
)

t.test('keeps the verdicts of a key that stays', async (t) => {
  const { server, clock, token, outcome, refreshed, resources } = await setUp(t)
  const raw = await token()
  const first = await resources.verify(raw)
  server.answer('/keys', json({ keys: [B.publicJwk, A.publicJwk] }))
  for (let refreshes = 2; refreshes < 5; refreshes++) {
    clock.now += FRESH_FOR
    await resources.verify(raw)
    await refreshed()
    t.equal(server.count('/keys'), refreshes)
    t.equal(await resources.verify(raw), first, 'the same object: nothing was verified again')
  }
  t.equal(await outcome(await token(B)), 200)
})

t.test('an outage loses no valid request within staleIfError', async (t) => {
  const { server, clock, token, outcome, refreshed, warnings } = await setUp(t)
  const [seen, begun] = [await token(), clock.now]
  t.equal(await outcome(seen), 200)
  server.answer('/keys', status(500))
  server.answer(server.metadataPath, status(503))
  for (const part of [0.01, 0.25, 0.5, 0.75, 0.999]) {
    clock.now = begun + FRESH_FOR + part * STALE_IF_ERROR
    t.equal(await outcome(seen), 200)
    t.equal(await outcome(await token()), 200)
    t.equal(await outcome(await token(B)), 503, 'whether this key exists is not known')
    await refreshed()
  }
  clock.now = begun + FRESH_FOR + STALE_IF_ERROR
  t.equal(await outcome(seen), 503, 'a cached verdict as well')
  t.equal(await outcome(await token()), 503)
  t.ok(warnings.length >= 5)
  server.answer('/keys', json({ keys: [A.publicJwk] }))
  server.answer(server.metadataPath, json({ issuer: server.issuer, jwks_uri: server.jwksUri }))
  clock.now += 30_000
  t.equal(await outcome(seen), 200)
})

t.test('a jwks_uri', async (t) => {
  t.test('that moved is rediscovered after one failure', async (t) => {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    const moved = `${server.origin}/new-keys`
    server.answer('/keys', status(410))
    server.answer(server.metadataPath, json({ issuer: server.issuer, jwks_uri: moved }))
    server.answer('/new-keys', json({ keys: [B.publicJwk] }))
    clock.now += FRESH_FOR
    t.equal(await outcome(await token()), 200)
    await refreshed()
    t.equal(await outcome(await token()), 200, 'known keys go on serving')
    clock.now += 1_000
    t.equal(await outcome(await token(B)), 200)
    t.equal(await outcome(await token()), 401)
    t.equal(server.count(server.metadataPath), 3, 'also for the key that is gone')
  })

  t.test('that moved to plain http beyond loopback is not followed', async (t) => {
    const { server, token, outcome } = await setUp(t)
    const jwks_uri = 'http://keys.example/keys'
    server.answer(server.metadataPath, json({ issuer: server.issuer, jwks_uri }))
    t.equal(await outcome(await token()), 503)
  })

  t.test(
    'that moved is rediscovered also when something still answers at the old place',
    async (t) => {
      const { server, clock, token, outcome, refreshed } = await setUp(t)
      t.equal(await outcome(await token()), 200)
      const moved = `${server.origin}/new-keys`
      server.answer(server.metadataPath, json({ issuer: server.issuer, jwks_uri: moved }))
      server.answer('/new-keys', json({ keys: [B.publicJwk] }))
      for (let i = 0; i < 200; i++) {
        clock.now += FRESH_FOR
        await outcome(await token())
        await refreshed()
      }
      t.equal(await outcome(await token(B)), 200, 'after 33 hours')
    },
  )

  t.test('that failed once is used again when the metadata cannot be read', async (t) => {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    server.answer('/keys', status(503))
    clock.now += FRESH_FOR
    await outcome(await token())
    await refreshed()
    server.answer('/keys', json({ keys: [A.publicJwk, B.publicJwk] }))
    server.answer(server.metadataPath, status(500))
    clock.now += 1_000
    t.equal(await outcome(await token(B)), 200)
  })
})

t.test('a token without kid, of a key that was published since, passes', async (t) => {
  const { server, token, outcome } = await setUp(t)
  t.equal(await outcome(await token()), 200)
  server.answer('/keys', json({ keys: [B.publicJwk] }))
  t.equal(await outcome(await token(B, { kid: undefined })), 200)
})

t.test('a key that was replaced under its kid is found on the first request', async (t) => {
  for (const alg of ['ES256', 'RS256']) {
    const { server, token, outcome } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    const replaced = await makeKey(alg, 'a')
    server.answer('/keys', json({ keys: [replaced.publicJwk] }))
    t.equal(await outcome(await token(replaced)), 200, alg)
    t.equal(server.count('/keys'), 2)
  }
})

t.test('a removed key is not trusted after a pause without traffic', async (t) => {
  const server = await startKeyServer([A.publicJwk])
  t.teardown(() => server.close())
  const options = { issuer: server.issuer, audience: AUDIENCE, jwks: { cacheMaxAge: 1_000 } }
  const resources = await createResourceServer(options)
  t.teardown(() => resources.close())
  const raw = await sign(A, { iss: server.issuer })
  await resources.verify(raw)
  server.answer('/keys', json({ keys: [B.publicJwk] }))
  while (server.count('/keys') < 2) await sleep(50)
  await sleep(50)
  await t.rejects(resources.verify(raw), { code: 'invalid_token' }, 'no request asked for it')
})

t.test('waits by a clock that is never set back', async (t) => {
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  const server = await startKeyServer([A.publicJwk])
  t.teardown(() => server.close())
  const resources = await createResourceServer({ issuer: server.issuer, audience: AUDIENCE })
  t.teardown(() => resources.close())
  server.answer('/keys', status(500))
  const raw = await sign(A, { iss: server.issuer })
  await t.rejects(resources.verify(raw), { code: 'temporarily_unavailable' })
  server.answer('/keys', json({ keys: [A.publicJwk] }))
  Date.now = () => now() - 20_000
  await sleep(1_050)
  await resources.verify(raw)
})

t.test('an issuer that forbids caching is not asked for each request', async (t) => {
  const { server, token, outcome, refreshed } = await setUp(t, { jwks: { cacheMinAge: 1_000 } })
  server.answer('/keys', json({ keys: [A.publicJwk] }, { 'cache-control': 'no-store' }))
  for (let i = 0; i < 20; i++) {
    await outcome(await token())
    await refreshed()
  }
  t.ok(server.count('/keys') <= 2, `${server.count('/keys')} fetches for 20 requests`)
})

t.test('D3: an https issuer is not followed to plain http', async (t) => {
  const asked: string[] = []
  for (const jwks_uri of ['http://keys.example/keys', 'http://127.0.0.1:9/keys']) {
    const fetch: Fetch = async (url) => {
      asked.push(url)
      return Response.json({ issuer: 'https://issuer.example', jwks_uri })
    }
    const resources = await createResourceServer({
      issuer: 'https://issuer.example',
      audience: AUDIENCE,
      jwks: { fetch },
    })
    await t.rejects(
      resources.verify(await sign(A, { iss: 'https://issuer.example' })),
      KeysUnavailableError,
    )
    resources.close()
  }
  t.ok(asked.every((url) => url.startsWith('https://issuer.example/')))
})

t.test('close', async (t) => {
  for (const [name, fault] of Object.entries({ hang, hangInBody, drip })) {
    t.test(`aborts what is in flight: ${name}`, async (t) => {
      const { server, token, outcome, resources, warnings } = await setUp(t)
      server.answer('/keys', fault)
      const waiting = outcome(await token())
      while (server.count('/keys') === 0) await turns(1)
      resources.close()
      t.equal(await waiting, 503)
      await server.idle()
      t.equal(server.underWay, 0, 'the connection is gone')
      t.strictSame(warnings, [])
    })
  }

  t.test('waits for no fetch, neither of a request nor of refreshKeys()', async (t) => {
    for (const path of ['metadataPath', 'keys'] as const) {
      const { server, token, outcome, resources } = await setUp(t)
      server.answer(path === 'keys' ? '/keys' : server.metadataPath, hang)
      const waiting = outcome(await token())
      const refreshing = resources.refreshKeys().catch(({ statusCode }) => statusCode)
      while (server.underWay === 0) await turns(1)
      const begun = performance.now()
      await resources.close()
      t.equal(await waiting, 503)
      t.equal(await refreshing, 503)
      t.ok(performance.now() - begun < 2_000, 'long before the deadline of 5 s')
    }
  })

  t.test('fetches nothing afterwards', async (t) => {
    const { server, clock, token, outcome, resources, refreshed } = await setUp(t)
    const known = await token()
    t.equal(await outcome(known), 200)
    resources.close()
    resources.close()
    const { length } = server.requests
    clock.now += FRESH_FOR
    t.equal(await outcome(known), 200)
    t.equal(await outcome(await token()), 200)
    t.equal(await outcome(await token(B)), 503)
    clock.now += STALE_IF_ERROR
    t.equal(await outcome(known), 503)
    await refreshed()
    t.equal(server.requests.length, length)
  })

  t.test('fetches nothing afterwards also with a fetch that ignores the signal', async (t) => {
    for (const late of [
      () => new Response('', { status: 404 }),
      () => new Response(''),
      () => new Response('<html>'),
    ]) {
      const asked: string[] = []
      let answer: (response: Response) => void = () => {}
      const fetch: Fetch = (url) => {
        asked.push(url)
        return new Promise((resolve) => {
          answer = resolve
        })
      }
      const { token, outcome, resources } = await setUp(t, { jwks: { fetch } })
      const waiting = outcome(await token())
      await turns()
      resources.close()
      t.equal(await waiting, 503)
      answer(late())
      await settled()
      t.equal(asked.length, 1)
    }
  })

  t.test('comes with that of the Fastify app', async (t) => {
    const { server, token } = await setUp(t)
    server.answer('/keys', hang)
    const app = Fastify()
    await app.register(resourceServer, { issuer: server.issuer, audience: AUDIENCE })
    app.get('/', async () => 'ok')
    const headers = { authorization: `Bearer ${await token()}` }
    const waiting = app.inject({ url: '/', headers })
    while (server.count('/keys') === 0) await turns(1)
    await app.close()
    t.equal((await waiting).statusCode, 503)
    await server.idle()
  })
})

t.test('leaves no rejection unhandled', async (t) => {
  await settled()
  t.strictSame(unhandledRejections, [])
})
