import t from 'tap'
import {
  type Check,
  createResourceServer,
  InsufficientScopeError,
  InvalidTokenError,
  KeysUnavailableError,
  MissingCredentialsError,
  type ResourceServerError,
  type ResourceServerOptions,
} from '../../src/index.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

const good = await tokenOf()

const given = (overrides: Partial<ResourceServerOptions> = {}): ResourceServerOptions => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  jwks: { keys: [key.publicJwk] },
  ...overrides,
})

/** Returns an error as a pattern for `t.rejects`. */
const rejectedBy = (check: Check) => ({ name: 'InvalidTokenError', check })

t.test('verifies a token without Fastify', async (t) => {
  const server = await createResourceServer(given())
  const token = await server.verify(good)
  t.match(token, { subject: 'user-1', clientId: 'client-1', issuer: ISSUER, audience: [AUDIENCE] })
  t.equal(token.raw, good)
  t.equal(await server.verify(good), token, 'the second time from the cache')
  await t.rejects(server.verify(`${good}x`), InvalidTokenError)
})

t.test('evaluates the requirement with the context', async (t) => {
  const server = await createResourceServer<{ tenant: string }>(given())
  const context = { tenant: 'acme' }
  const seen: unknown[] = []
  const authorize = (...args: unknown[]) => {
    seen.push(args)
    return args[1] === context
  }
  const token = await server.verify(good, { scope: 'profile', authorize }, context)
  t.same(seen, [[token, context]])
  await t.rejects(server.verify(good, { authorize }, { tenant: 'acme' }), InsufficientScopeError)
  await t.rejects(server.verify(good, { scope: 'admin' }, context), {
    code: 'insufficient_scope',
    headers: {
      'www-authenticate':
        'Bearer realm="api", error="insufficient_scope", error_description="The access token lacks the required scope", scope="admin"',
    },
  })
  const failure = new Error('ours')
  const fail = async () => {
    throw failure
  }
  await t.rejects(server.verify(good, { authorize: fail }, context), {
    message: 'The function "authorize" failed',
    cause: failure,
  })
})

t.test('B2: rejects a missing token as missing credentials, with a challenge', async (t) => {
  const server = await createResourceServer(given({ realm: 'queue' }))
  for (const none of ['', undefined, null, 0, [], {}, [good]]) {
    await t.rejects(server.verify(none as never, { scope: 'a b' }), {
      name: 'MissingCredentialsError',
      headers: { 'www-authenticate': 'Bearer realm="queue", scope="a b"' },
    })
  }
  t.ok(new MissingCredentialsError() instanceof Error)
})

t.test('rejects an invalid requirement, regardless of the token', async (t) => {
  const server = await createResourceServer(given())
  const mistakes = [
    { scope: '' },
    { anyScope: [] },
    { claims: { tenant: undefined } },
    { authorize: 'yes' },
    { scopes: 'admin' },
    { optional: true },
    'admin',
    ['admin'],
    null,
    new Map([['scope', 'admin']]),
    Promise.resolve({ scope: 'admin' }),
  ]
  for (const [i, requirement] of mistakes.entries()) {
    await t.rejects(server.verify(good, requirement as never), TypeError, `mistake ${i}`)
  }
})

t.test('B9: rejects with 503 while keys are unavailable, and logs once per attempt', async (t) => {
  const warnings: [details: object, message: string][] = []
  const failure = new Error('connect ECONNREFUSED')
  const server = await createResourceServer(
    given({
      jwks: {
        fetch: async () => {
          throw failure
        },
      },
      logger: { warn: (...args) => void warnings.push(args) },
    }),
  )
  const errors = await Promise.all(
    [1, 2, 3].map((i) => server.verify(`${good}${i}`.replace(/.$/, '')).catch((error) => error)),
  )
  for (const error of errors) {
    t.ok(error instanceof KeysUnavailableError)
    t.same(Object.keys((error as ResourceServerError).headers), ['retry-after'])
  }
  t.match(warnings, [[{ err: failure, issuer: ISSUER }, 'JWKS fetch failed']])
  t.equal(warnings.length, 1)
})

t.test('fetches nothing after close()', async (t) => {
  let fetches = 0
  const fetch = async () => {
    fetches++
    return Response.json({ keys: [key.publicJwk] })
  }
  const jwksUri = 'https://issuer.example/keys'
  const closed = await createResourceServer(given({ jwksUri, jwks: { fetch } }))
  closed.close()
  await t.rejects(closed.verify(good), KeysUnavailableError)
  t.equal(fetches, 0)
  const open = await createResourceServer(given({ jwksUri, jwks: { fetch } }))
  t.match(await open.verify(good), { subject: 'user-1' })
  t.equal(fetches, 1)
  const local = await createResourceServer(given())
  local.close()
  t.match(await local.verify(good), { subject: 'user-1' }, 'static keys need no network')
})

t.test('verifies HMAC with the shared secret only', async (t) => {
  const secret = 's'.repeat(64)
  const { CompactSign } = await import('jose')
  const payload = new TextEncoder().encode(
    JSON.stringify({ iss: ISSUER, aud: AUDIENCE, exp: seconds() + 60, sub: 'user-1' }),
  )
  const signed = (alg: string, with_ = secret, kid?: string) =>
    new CompactSign(payload)
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
      .sign(new TextEncoder().encode(with_))
  for (const form of [secret, new TextEncoder().encode(secret), Buffer.from(secret)]) {
    const options = { issuer: ISSUER, audience: AUDIENCE, secret: form }
    const server = await createResourceServer({ ...options, algorithms: ['HS256', 'HS512'] })
    t.match(await server.verify(await signed('HS256')), { subject: 'user-1' })
    t.match(await server.verify(await signed('HS512', secret, 'any')), { subject: 'user-1' })
    await t.rejects(server.verify(await signed('HS384')), rejectedBy('algorithm'))
    await t.rejects(server.verify(await signed('HS256', 'x'.repeat(64))), rejectedBy('signature'))
    await t.rejects(server.verify(good), rejectedBy('algorithm'))
  }
})

t.test('static keys: skips unusable ones, and rejects a set without a usable one', async (t) => {
  const weak = await makeKey('RS256', 'weak', { modulusLength: 2048 })
  const unusable = { kty: 'oct', k: 'AAAA', kid: 'secret' }
  const keys = [unusable, { ...weak.publicJwk, use: 'enc' }, key.publicJwk]
  const server = await createResourceServer(given({ jwks: { keys } }))
  t.match(await server.verify(good), { subject: 'user-1' })
  await t.rejects(createResourceServer(given({ jwks: { keys: [] } })), TypeError)
  await t.rejects(createResourceServer(given({ jwks: { keys: [unusable] } })), TypeError)
  const many = Array.from({ length: 101 }, () => key.publicJwk)
  await t.rejects(createResourceServer(given({ jwks: { keys: many } })), TypeError)
})

t.test('verifies several issuers with their own keys, audience and profile', async (t) => {
  const other = await makeKey('ES256', 'other')
  const server = await createResourceServer({
    audience: AUDIENCE,
    issuer: [
      { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
      {
        issuer: 'https://x.okta.com/oauth2/default',
        audience: 'api://okta',
        jwks: { keys: [other.publicJwk] },
      },
    ],
  })
  const okta = { iss: 'https://x.okta.com/oauth2/default', aud: 'api://okta', cid: 'app' }
  t.match(await server.verify(good), { clientId: 'client-1' })
  const token = await server.verify(await sign(other, { ...okta, scp: ['a b', 'c'] }))
  t.equal(token.clientId, 'app')
  t.same([...token.scope], ['a b', 'c'])
  for (const [title, forged] of Object.entries({
    'a key of another issuer': await sign(other, {}),
    'the audience of another issuer': await sign(other, { ...okta, aud: AUDIENCE }),
    'an untrusted issuer': await sign(other, {
      ...okta,
      iss: 'https://x.okta.com/oauth2/default/',
    }),
  })) {
    await t.rejects(server.verify(forged), InvalidTokenError, title)
  }
})

t.test('the clock', async (t) => {
  t.test('is the option now', async (t) => {
    let now = 1_000_000_000_000
    const token = await tokenOf({ iat: 1_000_000_000, exp: 1_000_000_060 })
    const server = await createResourceServer(given({ now: () => now, clockTolerance: 0 }))
    t.match(await server.verify(token), { subject: 'user-1' })
    now += 60_000
    await t.rejects(server.verify(token), rejectedBy('expiry'))
  })

  t.test('that returns NaN rejects every token', async (t) => {
    const expired = await tokenOf({ exp: 1, iat: undefined })
    for (const now of [() => Number.NaN, () => undefined, () => 'noon']) {
      const server = await createResourceServer(given({ now: now as () => number }))
      await t.rejects(server.verify(expired))
    }
  })
})
