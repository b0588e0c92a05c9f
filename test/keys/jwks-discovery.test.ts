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
import { fakeTimers } from '../fixtures/fake-timers.js'
import { AUDIENCE, makeKey, sign, type TestKey } from '../fixtures/issuer.js'
import {
  drip,
  endless,
  gzipBomb,
  hang,
  hangInBody,
  json,
  type KeyServer,
  type ResponseHandler,
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
/** An expiry time later than any time in these tests. */
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
  /** Reads the body before it returns, so that `refreshed` knows when an exchange has ended. */
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
  /** Returns a token that was not used before. */
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
  /** Waits until a background refresh has ended. */
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
  const responses = await Promise.all(
    tokens.map((raw) => app.inject({ url: '/', headers: { authorization: `Bearer ${raw}` } })),
  )
  t.strictSame(
    responses.map(({ statusCode, body }) => [statusCode, body]),
    responses.map((_, i) => [200, `${i}`]),
  )
  t.strictSame(server.requests, [server.metadataPath, '/keys'])
})

t.test('D1: reads no metadata where jwksUri is configured', async (t) => {
  const other = await startKeyServer([B.publicJwk])
  t.teardown(() => other.close())
  const { server, token, outcome, clock } = await setUp(t, { jwksUri: other.jwksUri })
  t.equal(await outcome(await token(B)), 200)
  other.respond('/keys', status(404))
  clock.now += FRESH_FOR + STALE_IF_ERROR
  t.equal(await outcome(await token(B)), 503)
  clock.now += 1_000
  t.equal(await outcome(await token(B)), 503)
  t.strictSame(server.requests, [], 'even if it fails')
  t.strictSame(other.requests, ['/keys', '/keys', '/keys'])
})

t.test('D2: metadata that spells the issuer identifier differently is a 503', async (t) => {
  const { server, token, outcome, warnings } = await setUp(t)
  server.respond(
    server.metadataPath,
    json({ issuer: `${server.issuer}/`, jwks_uri: server.jwksUri }),
  )
  t.equal(await outcome(await token()), 503)
  t.equal(server.count('/keys'), 0)
  t.match(warnings, [{ issuer: server.issuer, err: { message: /not identical/ } }])
})

const large = { keys: Array.from({ length: 10_000 }, () => A.publicJwk) }
const faults: Record<string, ResponseHandler> = {
  'responds with 404': status(404),
  'responds with 429': status(429, { 'retry-after': '3600' }),
  'responds with 500': status(500),
  redirects: status(302, { location: '/keys' }),
  'redirects permanently': status(308, { location: '/keys' }),
  'responds with HTML': text('<!doctype html><title>Maintenance</title>'),
  'responds with malformed bytes': text('\u0000\u0001'),
  'responds with JSON of another type': json([1]),
  'responds with an empty body': text(''),
  'truncates its body': truncated,
  'hangs before headers': hang,
  'hangs in mid-body': hangInBody,
  'drip-feeds its body': drip,
  'never ends': endless,
  'responds with a gzip bomb': gzipBomb(20_000_000),
  'responds with 10,000 keys': json(large),
  'responds with no key': json({ keys: [] }),
  'closes the connection': (response) => response.destroy(),
}

const hanging = [hang, hangInBody, drip]

t.test('B9: D3: for every fault, a cold start is a 503, and recovers', { jobs: 6 }, (t) => {
  for (const [name, fault] of Object.entries(faults)) {
    for (const where of ['metadata', 'keys'] as const) {
      t.test(`when it ${name}, requested for ${where}`, { buffered: true }, async (t) => {
        const server = await startKeyServer([A.publicJwk])
        t.teardown(() => server.close())
        const path = where === 'keys' ? '/keys' : server.metadataPath
        let broken = true
        const sane =
          where === 'keys'
            ? json({ keys: [A.publicJwk] })
            : json({ issuer: server.issuer, jwks_uri: server.jwksUri })
        server.respond(path, (...exchange) => (broken ? fault : sane)(...exchange))
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
        const rejected = await get()
        t.equal(rejected.statusCode, 503)
        t.match(String(rejected.headers['retry-after']), /^[1-9]\d*$/)
        t.notOk('www-authenticate' in rejected.headers)
        t.equal(logged.length, 1)
        await server.idle()
        broken = false
        const { length } = server.requests
        t.equal((await get()).statusCode, 503, 'during the back-off')
        t.equal(server.requests.length, length, 'without a request to the issuer')
        // An issuer may request a longer wait, but not an hour.
        now += name === 'responds with 429' ? 60_000 : 1_000
        t.equal((await get()).statusCode, 200, 'after it, without a restart')
        t.equal(logged.length, 1)
      })
    }
  }
  t.end()
})

t.test(
  'B9: a refused connection is a 503, logged once per attempt and without the token',
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

t.test('logs no password of a URL', async (t) => {
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
  t.ok(made instanceof TypeError, 'fetch rejects such URLs')
})

t.test('reports the same reason in the log, the error and keySetStatus()', async (t) => {
  const closed = await startKeyServer()
  await closed.close()
  const busy = await startKeyServer()
  t.teardown(() => busy.close())
  for (const path of [
    busy.metadataPath,
    '/.well-known/openid-configuration/oauth2/default',
    '/.well-known/oauth-authorization-server/oauth2/default',
  ]) {
    busy.respond(path, status(404))
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
  busy.respond('/hang?secret=hidden', hang)
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

t.test('respects the Retry-After of metadata, up to 60 s', async (t) => {
  for (const [requested, waits] of [
    ['20', 20_000],
    ['999999', 60_000],
  ] as const) {
    const { server, clock, token, outcome, resources } = await setUp(t)
    server.respond(server.metadataPath, status(429, { 'retry-after': requested }))
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

t.test('delays no request with a cached key while the issuer hangs', async (t) => {
  const { server, clock, token, outcome } = await setUp(t, { jwks: { timeout: 60_000 } })
  t.equal(await outcome(await token()), 200)
  server.respond('/keys', hang)
  clock.now += FRESH_FOR
  for (let i = 0; i < 20; i++) t.equal(await outcome(await token()), 200)
  while (server.inFlight === 0) await turns(1)
  t.equal(server.count('/keys'), 2, 'one attempt is still in flight')
})

t.test('D4: keeps a key set for as long as Cache-Control states, within bounds', async (t) => {
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
    server.respond('/keys', json({ keys: [A.publicJwk] }, headers))
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
  'rejects 2,000 random kids with refetchBurst fetches, and accepts valid tokens',
  async (t) => {
    // All at the same time, in one process with the issuer: slow on a busy machine.
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
    const rejected = results.slice(0, random.length)
    t.ok(
      rejected.every(
        (result) => result.status === 'rejected' && result.reason instanceof InvalidTokenError,
      ),
    )
    t.ok(results.slice(random.length).every((result) => result.status === 'fulfilled'))
    t.equal(server.count('/keys'), 2)
    t.equal(server.count(server.metadataPath), 2, 'the key set may have moved')
  },
)

t.test('a rotation under load rejects no valid token, with one fetch', async (t) => {
  const { server, token, outcome } = await setUp(t)
  t.equal(await outcome(await token()), 200)
  server.respond('/keys', json({ keys: [A.publicJwk, B.publicJwk] }))
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => token(i % 2 ? A : B)))
  const outcomes = await Promise.all(tokens.map(outcome))
  t.strictSame(new Set(outcomes), new Set([200]))
  t.equal(server.count('/keys'), 2)
})

t.test(
  'rejects tokens of a removed key after the next refresh, including cached results',
  async (t) => {
    const { server, clock, token, outcome, refreshed, resources } = await setUp(t)
    const raw = await token()
    const first = await resources.verify(raw)
    t.equal(await resources.verify(raw), first, 'a cached result')
    server.respond('/keys', json({ keys: [B.publicJwk] }))
    clock.now += FRESH_FOR * 0.8
    t.equal(await resources.verify(raw), first, 'until the refresh has succeeded')
    await refreshed()
    t.equal(await outcome(raw), 401)
    t.equal(await outcome(await token(B)), 200)
  },
)

t.test('keeps cached results of an unchanged key', async (t) => {
  const { server, clock, token, outcome, refreshed, resources } = await setUp(t)
  const raw = await token()
  const first = await resources.verify(raw)
  server.respond('/keys', json({ keys: [B.publicJwk, A.publicJwk] }))
  for (let refreshes = 2; refreshes < 5; refreshes++) {
    clock.now += FRESH_FOR
    await resources.verify(raw)
    await refreshed()
    t.equal(server.count('/keys'), refreshes)
    t.equal(await resources.verify(raw), first, 'the same object: the token was not verified again')
  }
  t.equal(await outcome(await token(B)), 200)
})

t.test('an outage rejects no valid token within staleIfError', async (t) => {
  const { server, clock, token, outcome, refreshed, warnings } = await setUp(t)
  const [seen, begun] = [await token(), clock.now]
  t.equal(await outcome(seen), 200)
  server.respond('/keys', status(500))
  server.respond(server.metadataPath, status(503))
  for (const part of [0.01, 0.25, 0.5, 0.75, 0.999]) {
    clock.now = begun + FRESH_FOR + part * STALE_IF_ERROR
    t.equal(await outcome(seen), 200)
    t.equal(await outcome(await token()), 200)
    t.equal(await outcome(await token(B)), 503, 'whether this key exists is unknown')
    await refreshed()
  }
  clock.now = begun + FRESH_FOR + STALE_IF_ERROR
  t.equal(await outcome(seen), 503, 'a cached result as well')
  t.equal(await outcome(await token()), 503)
  t.ok(warnings.length >= 5)
  server.respond('/keys', json({ keys: [A.publicJwk] }))
  server.respond(server.metadataPath, json({ issuer: server.issuer, jwks_uri: server.jwksUri }))
  clock.now += 30_000
  t.equal(await outcome(seen), 200)
})

t.test('a jwks_uri', async (t) => {
  t.test('that moved is rediscovered after one failure', async (t) => {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    const moved = `${server.origin}/new-keys`
    server.respond('/keys', status(410))
    server.respond(server.metadataPath, json({ issuer: server.issuer, jwks_uri: moved }))
    server.respond('/new-keys', json({ keys: [B.publicJwk] }))
    clock.now += FRESH_FOR
    t.equal(await outcome(await token()), 200)
    await refreshed()
    t.equal(await outcome(await token()), 200, 'cached keys are served')
    clock.now += 1_000
    t.equal(await outcome(await token(B)), 200)
    t.equal(await outcome(await token()), 401)
    t.equal(server.count(server.metadataPath), 3, 'also for the removed key')
  })

  t.test('that moved to plain http beyond loopback is not followed', async (t) => {
    const { server, token, outcome } = await setUp(t)
    const jwks_uri = 'http://keys.example/keys'
    server.respond(server.metadataPath, json({ issuer: server.issuer, jwks_uri }))
    t.equal(await outcome(await token()), 503)
  })

  t.test('is rediscovered even if the old URL still responds', async (t) => {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    const moved = `${server.origin}/new-keys`
    server.respond(server.metadataPath, json({ issuer: server.issuer, jwks_uri: moved }))
    server.respond('/new-keys', json({ keys: [B.publicJwk] }))
    for (let i = 0; i < 200; i++) {
      clock.now += FRESH_FOR
      await outcome(await token())
      await refreshed()
    }
    t.equal(await outcome(await token(B)), 200, 'after 33 hours')
  })

  t.test('that failed once is used again when the metadata is unreachable', async (t) => {
    const { server, clock, token, outcome, refreshed } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    server.respond('/keys', status(503))
    clock.now += FRESH_FOR
    await outcome(await token())
    await refreshed()
    server.respond('/keys', json({ keys: [A.publicJwk, B.publicJwk] }))
    server.respond(server.metadataPath, status(500))
    clock.now += 1_000
    t.equal(await outcome(await token(B)), 200)
  })
})

t.test('accepts a token without kid whose key was published since', async (t) => {
  const { server, token, outcome } = await setUp(t)
  t.equal(await outcome(await token()), 200)
  server.respond('/keys', json({ keys: [B.publicJwk] }))
  t.equal(await outcome(await token(B, { kid: undefined })), 200)
})

t.test('finds a key replaced under its kid on the first request', async (t) => {
  for (const alg of ['ES256', 'RS256']) {
    const { server, token, outcome } = await setUp(t)
    t.equal(await outcome(await token()), 200)
    const replaced = await makeKey(alg, 'a')
    server.respond('/keys', json({ keys: [replaced.publicJwk] }))
    t.equal(await outcome(await token(replaced)), 200, alg)
    t.equal(server.count('/keys'), 2)
  }
})

t.test('does not trust a removed key after a pause without traffic', async (t) => {
  const server = await startKeyServer([A.publicJwk])
  t.teardown(() => server.close())
  const options = { issuer: server.issuer, audience: AUDIENCE, jwks: { cacheMaxAge: 1_000 } }
  const resources = await createResourceServer(options)
  t.teardown(() => resources.close())
  const raw = await sign(A, { iss: server.issuer })
  await resources.verify(raw)
  server.respond('/keys', json({ keys: [B.publicJwk] }))
  while (server.count('/keys') < 2) await sleep(50)
  await sleep(50)
  await t.rejects(resources.verify(raw), { code: 'invalid_token' }, 'no request triggered it')
})

t.test('uses a monotonic clock for waits', async (t) => {
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  const server = await startKeyServer([A.publicJwk])
  t.teardown(() => server.close())
  const resources = await createResourceServer({ issuer: server.issuer, audience: AUDIENCE })
  t.teardown(() => resources.close())
  server.respond('/keys', status(500))
  const raw = await sign(A, { iss: server.issuer })
  await t.rejects(resources.verify(raw), { code: 'temporarily_unavailable' })
  server.respond('/keys', json({ keys: [A.publicJwk] }))
  Date.now = () => now() - 20_000
  await sleep(1_050)
  await resources.verify(raw)
})

t.test('does not fetch per request if the issuer forbids caching', async (t) => {
  const { server, token, outcome, refreshed } = await setUp(t, { jwks: { cacheMinAge: 1_000 } })
  server.respond('/keys', json({ keys: [A.publicJwk] }, { 'cache-control': 'no-store' }))
  for (let i = 0; i < 20; i++) {
    await outcome(await token())
    await refreshed()
  }
  t.ok(server.count('/keys') <= 2, `${server.count('/keys')} fetches for 20 requests`)
})

t.test('D3: does not follow an https issuer to plain http', async (t) => {
  const requested: string[] = []
  for (const jwks_uri of ['http://keys.example/keys', 'http://127.0.0.1:9/keys']) {
    const fetch: Fetch = async (url) => {
      requested.push(url)
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
  t.ok(requested.every((url) => url.startsWith('https://issuer.example/')))
})

t.test('close', async (t) => {
  for (const [name, fault] of Object.entries({ hang, hangInBody, drip })) {
    t.test(`aborts a fetch in flight: ${name}`, async (t) => {
      const { server, token, outcome, resources, warnings } = await setUp(t)
      server.respond('/keys', fault)
      const waiting = outcome(await token())
      while (server.count('/keys') === 0) await turns(1)
      resources.close()
      t.equal(await waiting, 503)
      await server.idle()
      t.equal(server.inFlight, 0, 'the connection is closed')
      t.strictSame(warnings, [])
    })
  }

  t.test('waits for no fetch, of a request or of refreshKeys()', async (t) => {
    // The deadline of a fetch never expires.
    fakeTimers(t, ['setTimeout'])
    for (const path of ['metadataPath', 'keys'] as const) {
      const { server, token, outcome, resources } = await setUp(t)
      server.respond(path === 'keys' ? '/keys' : server.metadataPath, hang)
      const waiting = outcome(await token())
      const refreshing = resources.refreshKeys().catch(({ statusCode }) => statusCode)
      while (server.inFlight === 0) await turns(1)
      await resources.close()
      t.equal(await waiting, 503)
      t.equal(await refreshing, 503)
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

  t.test('fetches nothing afterwards even if fetch ignores the signal', async (t) => {
    for (const late of [
      () => new Response('', { status: 404 }),
      () => new Response(''),
      () => new Response('<html>'),
    ]) {
      const requested: string[] = []
      let respond: (response: Response) => void = () => {}
      const fetch: Fetch = (url) => {
        requested.push(url)
        return new Promise((resolve) => {
          respond = resolve
        })
      }
      const { token, outcome, resources } = await setUp(t, { jwks: { fetch } })
      const waiting = outcome(await token())
      await turns()
      resources.close()
      t.equal(await waiting, 503)
      respond(late())
      await settled()
      t.equal(requested.length, 1)
    }
  })

  t.test('runs when the Fastify app closes', async (t) => {
    const { server, token } = await setUp(t)
    server.respond('/keys', hang)
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
