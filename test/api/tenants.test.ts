import Fastify, { type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  type IssuerResolver,
  type PluginOptions,
  type ResourceServerOptions,
} from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { CLIENT } from '../fixtures/introspection-server.js'
import { AUDIENCE, ISSUER, makeKey, sign } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'
import { bearer, key, tokenOf } from '../fixtures/protected-api.js'

const A = 'https://a.example'
const B = 'https://b.example'
const keys = [key.publicJwk]

async function api(
  t: Test,
  issuer: IssuerResolver<FastifyRequest>,
  options: Partial<PluginOptions> = {},
) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, { issuer, audience: AUDIENCE, ...options })
  app.get('/', async (request) => ({ iss: request.claims.iss }))
  const get = (token: string, host = 'api.example') =>
    app.inject({ url: '/', headers: { ...bearer(token), host } })
  return {
    app,
    get,
    status: async (token: string, host?: string) => (await get(token, host)).statusCode,
  }
}

/** Starts two tenants, each with an authorization server. */
async function twoTenants(t: Test) {
  const servers = await Promise.all([
    createAuthorizationServer({ algorithm: 'ES256' }),
    createAuthorizationServer({ algorithm: 'ES256' }),
  ])
  for (const server of servers) t.teardown(() => server.close())
  return servers
}

t.test('the application resolves issuers synchronously or by a promise', async (t) => {
  const [a, b] = await twoTenants(t)
  for (const issuer of [
    (iss: string) => iss === a.issuer,
    async (iss: string) => (iss === a.issuer ? { profile: 'rfc9068' as const } : undefined),
    (iss: string) => (iss === a.issuer ? { issuer: iss, audience: AUDIENCE } : null),
  ]) {
    const { get } = await api(t, issuer)
    const token = await a.issueToken()
    for (let i = 0; i < 3; i++) t.same((await get(token)).json(), { iss: a.issuer })
    const rejected = await get(await b.issueToken())
    t.equal(rejected.statusCode, 401)
    t.match(rejected.headers['www-authenticate'], 'an issuer that is not trusted here')
  }
  t.equal(b.requests.discovery + b.requests.jwks, 0, 'fetches no keys of an untrusted issuer')
  t.equal(a.requests.jwks, 3)
})

t.test(
  'responds with a 500 without details if the function fails or returns an invalid result',
  async (t) => {
    const token = await tokenOf({ iss: A })
    for (const [title, resolution, status = 500] of [
      ['a number', 5],
      ['zero', 0],
      ['a string', A],
      ['an empty string', ''],
      ['an array', [A]],
      ['a function', () => true],
      ['an instance', new Map()],
      ['an unknown option', { audiance: 'x' }],
      ['another issuer', { issuer: B }],
      ['a slash more', { issuer: `${A}/` }],
      ['rubbish in an option', { audience: [] }],
      ['keys of no use', { jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }],
      ['no', false, 401],
    ] as const) {
      for (const issuer of [() => resolution, async () => resolution]) {
        const { get } = await api(t, issuer as never)
        const response = await get(token)
        t.equal(response.statusCode, status, title)
        t.notMatch(response.body, /a\.example|b\.example|eyJ/)
      }
    }
    for (const thrown of [new Error('postgres://user:pw@db'), 'postgres://user:pw@db', undefined]) {
      for (const issuer of [
        () => {
          throw thrown
        },
        () => Promise.reject(thrown),
      ]) {
        const { get } = await api(t, issuer as never)
        const response = await get(token)
        t.match(response.json(), { statusCode: 500, message: 'The function "issuer" failed' })
        t.notMatch(response.body, 'postgres')
      }
    }
  },
)

t.test('a thousand concurrent tokens of a tenant cause one call and one key fetch', async (t) => {
  const [a] = await twoTenants(t)
  let calls = 0
  const { status } = await api(t, async (iss) => {
    calls++
    await new Promise((done) => setTimeout(done, 20))
    return iss === a.issuer
  })
  const tokens = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => a.issueToken({ jti: `token-${i}` })),
  )
  const statuses = await Promise.all(tokens.map((token) => status(token)))
  t.same(new Set(statuses), new Set([200]))
  t.equal(calls, 1)
  t.equal(a.requests.discovery, 1)
  t.equal(a.requests.jwks, 1)
})

t.test('ten thousand forged issuers cause no fetch and at most one call each', async (t) => {
  let calls = 0
  let fetches = 0
  const server = await createResourceServer({
    issuer: () => void calls++,
    audience: AUDIENCE,
    jwks: {
      fetch: async () => {
        fetches++
        return new Response('{}')
      },
    },
  })
  const parts = (await tokenOf()).split('.')
  const tokenFrom = (iss: unknown) =>
    [parts[0], Buffer.from(JSON.stringify({ iss })).toString('base64url'), parts[2]].join('.')
  for (let i = 0; i < 10_000; i++) {
    const token = tokenFrom(`https://tenant-${i}.example`)
    await server.verify(token).then(
      () => t.fail('let in'),
      ({ check }) => check === 'issuer' || t.fail(check),
    )
  }
  t.equal(calls, 10_000)
  for (const iss of ['https://tenant-9999.example', `${A}\u0000`, `${A}\r\n`, 'x'.repeat(5_000)]) {
    await t.rejects(server.verify(tokenFrom(iss)), { name: 'InvalidTokenError', check: 'issuer' })
  }
  await t.rejects(server.verify(tokenFrom('x'.repeat(1_000_000))), {
    name: 'InvalidTokenError',
    check: 'token',
  })
  t.equal(calls, 10_000)
  t.equal(fetches, 0)
})

t.test('resolves the issuer again after cacheMaxAge, for verified tokens as well', async (t) => {
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  let now = Date.now()
  let resolution: ReturnType<IssuerResolver> = true
  let calls = 0
  const server = await createResourceServer({
    issuer: () => {
      calls++
      return resolution
    },
    audience: AUDIENCE,
    tenants: { cacheMaxAge: 10_000, negativeCacheMaxAge: 5_000 },
    now: () => now,
  })
  t.teardown(() => server.close())
  const token = await tokenOf({ iss: issuer.issuer })
  await server.verify(token)
  t.equal(await server.verify(token), await server.verify(token), 'from the cache')
  now += 10_000
  t.match(await server.verify(token), {})
  t.equal(calls, 2)
  t.equal(issuer.count('/keys'), 1, 'an equal result keeps the keys')

  t.test('changed options take effect', async (t) => {
    resolution = { audience: 'api://other' }
    await server.verify(token)
    now += 10_000
    await t.rejects(server.verify(token), { name: 'InvalidTokenError', check: 'audience' })
    resolution = { algorithms: ['RS256'] }
    now += 10_000
    await t.rejects(server.verify(token), { name: 'InvalidTokenError', check: 'algorithm' })
  })

  t.test('a removed tenant takes effect', async (t) => {
    resolution = true
    now += 10_000
    await server.verify(token)
    resolution = false
    now += 9_999
    await server.verify(token)
    now += 1
    await t.rejects(server.verify(token), { name: 'InvalidTokenError', check: 'issuer' })
    t.same(server.keySetStatus(), [], 'its keys are removed')
    resolution = true
    await t.rejects(server.verify(token), { name: 'InvalidTokenError', check: 'issuer' })
    now += 5_000
    t.match(await server.verify(token), {})
  })
})

t.test(
  'with a second parameter, calls the function for each request, and shares no result',
  async (t) => {
    let calls = 0
    const { app, status } = await api(t, async (iss, { host }) => {
      calls++
      await new Promise((done) => setTimeout(done, Math.random() * 5))
      return iss === `https://${host}` && { jwks: { keys } }
    })
    const [ofA, ofB] = [await tokenOf({ iss: A }), await tokenOf({ iss: B })]
    for (let i = 0; i < 3; i++) {
      t.equal(await status(ofA, 'a.example'), 200)
      t.equal(await status(ofA, 'b.example'), 401)
      t.equal(await status(ofB, 'b.example'), 200)
    }
    t.equal(calls, 9)
    const many = Array.from({ length: 200 }, (_, i) => ({
      token: i % 2 ? ofA : ofB,
      host: i % 3 ? 'a.example' : 'b.example',
    }))
    const statuses = await Promise.all(many.map(({ token, host }) => status(token, host)))
    const wanted = many.map(({ token, host }) =>
      (token === ofA) === (host === 'a.example') ? 200 : 401,
    )
    t.same(statuses, wanted)
    t.equal(calls, 209)
    t.equal(app.resourceServer.statistics().cacheSize, 0)

    t.test('the options may differ by request', async (t) => {
      const { status } = await api(t, (_iss, { host }) => ({ audience: host, jwks: { keys } }))
      const token = await tokenOf({ iss: A, aud: 'a.example' })
      const hosts = ['a.example', 'b.example', 'a.example', 'b.example']
      t.same(await Promise.all(hosts.map((host) => status(token, host))), [200, 401, 200, 401])
    })

    t.test('without Fastify, the context is that of verify()', async (t) => {
      const server = await createResourceServer<string>({
        issuer: (_iss, context) => context === 'in' && { jwks: { keys } },
        audience: AUDIENCE,
      })
      t.match(await server.verify(ofA, undefined, 'in'), { issuer: A })
      await t.rejects(server.verify(ofA, undefined, 'out'), { name: 'InvalidTokenError' })
    })

    t.test('a function without a second parameter gets no context', async (t) => {
      const seen: unknown[] = []
      const { status } = await api(t, (...args: unknown[]) => {
        seen.push(args.slice(1))
        return { jwks: { keys } }
      })
      t.equal(await status(ofA), 200)
      t.equal(await status(ofA), 200)
      t.same(seen, [[undefined]])
    })
  },
)

t.test('fetches no more keys of an evicted tenant', async (t) => {
  const [a, b] = await twoTenants(t)
  const server = await createResourceServer({
    issuer: () => true,
    audience: AUDIENCE,
    tenants: { maxEntries: 1 },
  })
  t.teardown(() => server.close())
  for (const { issueToken, issuer } of [a, b, a]) {
    t.match(await server.verify(await issueToken()), { issuer })
    t.match(server.keySetStatus(), [{ issuer, state: 'fresh' }])
    t.equal(server.keySetStatus().length, 1)
  }
  t.equal(a.requests.jwks, 2)
})

t.test('refreshes keys of configured issuers, and not of tenants without traffic', async (t) => {
  const servers = await twoTenants(t)
  const [tenant, configured] = servers
  const jwks = { cacheMinAge: 1_000, cacheMaxAge: 1_000 }
  for (const [server, issuer] of [
    [tenant, () => true],
    [configured, configured.issuer],
  ] as const) {
    const { status } = await api(t, issuer as IssuerResolver<FastifyRequest>, { jwks })
    t.equal(await status(await server.issueToken()), 200)
  }
  while (configured.requests.jwks < 3) await new Promise((done) => setTimeout(done, 50))
  t.equal(tenant.requests.jwks, 1)
})

t.test('an audience that depends on the request adds no key set', async (t) => {
  const [a] = await twoTenants(t)
  const { app, status } = await api(
    t,
    (iss, request) => iss === a.issuer && { audience: `https://${request.hostname}` },
    { tenants: { maxEntries: 3 } },
  )
  for (let i = 0; i < 50; i++) {
    const host = `h${i}.example`
    t.equal(await status(await a.issueToken({ aud: `https://${host}` }), host), 200)
    t.equal(await status(await a.issueToken({ aud: 'https://h.example' }), host), 401)
  }
  t.equal(a.requests.discovery, 1)
  t.equal(a.requests.jwks, 1)
  await app.resourceServer.refreshKeys()
  t.equal(a.requests.jwks, 2)
  t.ok(app.resourceServer.keySetStatus().every(({ state }) => state === 'fresh'))

  t.test('other keys add a key set', async (t) => {
    let round = 0
    const options = [{}, { jwks: { cacheMaxAge: 1_000 } }, { jwksUri: a.jwksUri }, {}]
    const { status } = await api(t, (_iss, _request) => options[round++ % 4])
    const before = a.requests.jwks
    for (let i = 0; i < 8; i++) t.equal(await status(await a.issueToken()), 200)
    t.equal(a.requests.jwks - before, 3)
  })
})

t.test('tokens whose claims are invalid fetch no keys, and evict no key set', async (t) => {
  const [a] = await twoTenants(t)
  const { app, status } = await api(t, () => true, { tenants: { maxEntries: 2 } })
  const token = await a.issueToken()
  t.equal(await status(token), 200)
  for (let i = 0; i < 10; i++) {
    t.equal(await status(await tokenOf({ iss: `${B}/${i}`, aud: 'https://another.example' })), 401)
  }
  const [first, ...others] = app.resourceServer.keySetStatus()
  t.match(first, { issuer: a.issuer, state: 'fresh' })
  t.match(others, [{ state: 'empty' }, { state: 'empty' }])
  t.equal(await status(token), 200)
  t.equal(await status(await a.issueToken()), 200)
  t.equal(a.requests.jwks, 1)
})

t.test('an eviction aborts no fetch that a request waits for', async (t) => {
  const server = await startKeyServer()
  t.teardown(() => server.close())
  const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
  for (const path of paths) {
    server.respond(path, (...exchange) => void setTimeout(() => json({ keys })(...exchange), 100))
  }
  const { status } = await api(t, (iss) => ({ jwksUri: server.origin + new URL(iss).pathname }), {
    tenants: { maxEntries: 1 },
  })
  const statuses = await Promise.all(
    paths.map(async (path) => status(await tokenOf({ iss: A + path }))),
  )
  t.same(new Set(statuses), new Set([200]))
})

t.test('fetches no keys after close()', async (t) => {
  const [a, b] = await twoTenants(t)
  const server = await createResourceServer({ issuer: () => true, audience: AUDIENCE })
  await server.verify(await a.issueToken())
  await server.close()
  await t.rejects(server.verify(await b.issueToken()), { name: 'KeysUnavailableError' })
  t.equal(b.requests.discovery + b.requests.jwks, 0)
})

t.test('rejects an opaque token as malformed, without a call', async (t) => {
  let calls = 0
  const { get } = await api(t, () => {
    calls++
    return { introspection: CLIENT }
  })
  const response = await get('opaque-token')
  t.equal(response.statusCode, 401)
  t.match(response.headers['www-authenticate'], 'The access token is malformed')
  t.equal(calls, 0)
})

t.test('checks the options for all tenants at the start', async (t) => {
  const start = (options: object) =>
    createResourceServer({ issuer: () => true, ...options } as ResourceServerOptions)
  for (const [options, message] of [
    [{ algorithms: ['none'] }, /"algorithms" option must be an array of one or more of/],
    [{ audience: [] }, /"audience" option must be/],
    [{ profile: 'octa' }, /"profile" option must be/],
    [{ jwks: { timeout: -1 } }, /"jwks.timeout" option must be/],
    [{ jwks: { keys } }, /"jwks.keys" option belongs to one issuer: return it from the function/],
    [{ secret: 's'.repeat(64) }, /"secret" option belongs to one issuer/],
    [{ introspection: CLIENT }, /"introspection" option belongs to one issuer/],
    [{ tenants: { cacheMaxAge: -1 } }, /"tenants.cacheMaxAge" option must be/],
    [{ tenants: { maxEntries: 0 } }, /"tenants.maxEntries" option must be/],
    [{ tenants: { ttl: 1 } }, /Unknown option "ttl" of "tenants"/],
    [{ issuer: ISSUER, audience: AUDIENCE, tenants: {} }, /"tenants" option requires a function/],
  ] as const) {
    await t.rejects(start(options), { name: 'TypeError', message })
  }
  await t.resolves(start({}), 'the audience may be in the result')
  await t.resolves(start({ algorithms: ['HS256'] }), 'and so may the secret')
})

t.test('undefined members of a result fall back to the defaults', async (t) => {
  const rsa = await makeKey('RS256')
  const jwks = { keys: [...keys, rsa.publicJwk] }
  const unsaid = { audience: undefined, algorithms: undefined, jwks } as object
  for (const issuer of [() => unsaid, { ...unsaid, issuer: ISSUER }]) {
    const server = await createResourceServer({
      issuer: issuer as never,
      audience: AUDIENCE,
      algorithms: ['ES256'],
    })
    t.match(await server.verify(await tokenOf()), {})
    await t.rejects(server.verify(await sign(rsa)), {
      name: 'InvalidTokenError',
      check: 'algorithm',
    })
  }
})

t.test('a shared secret in a result applies to its tenant only', async (t) => {
  const server = await createResourceServer({
    issuer: (iss) => ({ secret: new TextEncoder().encode(iss.padEnd(32, 's')) }),
    audience: AUDIENCE,
    algorithms: ['HS256'],
  })
  const { CompactSign } = await import('jose')
  const signed = (iss: string, secretOf: string) =>
    new CompactSign(Buffer.from(JSON.stringify({ iss, aud: AUDIENCE, exp: 4e9 })))
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(secretOf.padEnd(32, 's')))
  t.match(await server.verify(await signed(A, A)), { issuer: A })
  await t.rejects(server.verify(await signed(A, B)), { name: 'InvalidTokenError' })
})

t.test('responds with 503 to the tenant whose keys are unavailable only', async (t) => {
  const [a, b] = await twoTenants(t)
  a.fail({ status: 500 }, 'jwks')
  const { status } = await api(t, () => true)
  t.equal(await status(await a.issueToken()), 503)
  t.equal(await status(await b.issueToken()), 200)
})

t.test('rejects metadata that names another issuer', async (t) => {
  const issuer = await startKeyServer(keys)
  t.teardown(() => issuer.close())
  issuer.respond(issuer.metadataPath, json({ issuer: A, jwks_uri: issuer.jwksUri }))
  const { status } = await api(t, () => true)
  t.equal(await status(await tokenOf({ iss: issuer.issuer })), 503)
})

t.test('passes the context if tenants.perRequest is true', async (t) => {
  const contexts: unknown[] = []
  const issuer = (_iss: string, ...[context]: unknown[]) => {
    contexts.push(context)
    return undefined
  }
  for (const tenants of [{}, { perRequest: true }]) {
    const server = await createResourceServer({ issuer, audience: AUDIENCE, tenants })
    const verifying = server.verify(await tokenOf(), undefined, 'context')
    await t.rejects(verifying, { code: 'invalid_token' })
  }
  t.strictSame(contexts, [undefined, 'context'])
})

t.test('rejects introspection that no token would reach', async (t) => {
  const introspection = { clientId: 'api', clientSecret: 'secret' }
  const server = await createResourceServer({ issuer: () => ({ introspection }), audience: 'a' })
  await t.rejects(server.verify(await tokenOf()), {
    name: 'TypeError',
    cause: { message: /set "mode" to "always" or "recheck"/ },
  })
})
