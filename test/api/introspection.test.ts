/** Introspection (RFC 7662) through the plugin, over HTTP. */
import t from 'tap'
import type { AuthorizationServer, IntrospectionOverride } from '../../src/testing/index.js'
import {
  API,
  apiOf,
  introspectingApi,
  KEYED_API,
  startClock,
  startIssuer,
  until,
} from '../fixtures/introspecting-api.js'
import { postForm } from '../testing/fixtures/post-form.js'

const WAYS = {
  client_secret_basic: API,
  client_secret_post: { ...API, clientAuthentication: 'client_secret_post' },
  private_key_jwt: KEYED_API,
} as const

for (const [way, client] of Object.entries(WAYS)) {
  for (const signed of [false, true]) {
    const response = signed ? 'I5: signed' : 'JSON'
    t.test(`I1: accepts an active opaque token (${way}, ${response})`, async (t) => {
      const { issuer, get } = await introspectingApi(t, {
        introspection: { ...client, requireSignedResponse: signed },
      })
      const token = await issuer.issueToken({ sub: 'ada' }, { scope: 'orders:read' })
      t.match(token, /^[\w-]{43}$/)
      t.strictSame(await get(token), {
        status: 200,
        challenge: undefined,
        retryAfter: undefined,
        body: {
          subject: 'ada',
          client: 'demo-client',
          scope: ['orders:read'],
          issuer: issuer.issuer,
        },
      })
      t.match((await get(token, '/refunds')).challenge, /insufficient_scope.*"orders:refund"/)
      t.equal(issuer.requests.introspection, 1)
      t.equal(issuer.requests.jwks, signed ? 1 : 0)
      t.equal(await issuer.revoke(token), true)
      const other = await issuer.issueToken()
      issuer.revoke(other)
      t.match(await get(other), { status: 401, challenge: /"The access token is not active"/ })
    })
  }
}

t.test('I1: the client assertion tolerates clock skew', async (t) => {
  const { clock, issuer, get } = await introspectingApi(t, { introspection: KEYED_API })
  // The assertion uses the real clock; the issuer's is behind, then ahead.
  for (const apart of [-20_000, 40_000]) {
    clock.ms += apart
    t.equal((await get(await issuer.issueToken())).status, 200)
  }
})

t.test('I2: checks the members of an active response', async (t) => {
  const { clock, issuer, get, checks } = await introspectingApi(t)
  const now = Math.floor(clock.ms / 1_000)
  const responses: Record<string, [IntrospectionOverride, check: string]> = {
    'active, as a word': [{ active: 'true' }, 'introspection'],
    'active, as a number': [{ active: 1 }, 'introspection'],
    'active is absent': [{ active: undefined }, 'introspection'],
    'no aud': [{ aud: undefined }, 'audience'],
    'another aud': [{ aud: 'api://other' }, 'audience'],
    'exp is over': [{ exp: now - 31 }, 'expiry'],
    'no exp': [{ exp: undefined }, 'claims'],
    'exp, as a word': [{ exp: `${now + 60}` }, 'claims'],
    'nbf is to come': [{ nbf: now + 31 }, 'not-before'],
    'another iss': [{ iss: 'https://issuer.example' }, 'issuer'],
    'bound to a key': [{ cnf: { jkt: 'thumbprint' } }, 'binding'],
    'bound to a certificate': [{ cnf: { 'x5t#S256': 'thumbprint' } }, 'binding'],
    'a DPoP token that is bound to nothing': [{ token_type: 'DPoP' }, 'binding'],
    'a refresh token': [{ token_type: 'refresh_token' }, 'type'],
    'an ID token': [{ at_hash: 'hash' }, 'type'],
  }
  for (const [title, [response, check]] of Object.entries(responses)) {
    issuer.answerIntrospectionWith(response)
    const { status, challenge } = await get(await issuer.issueToken())
    t.match({ status, challenge }, { status: 401, challenge: /error="invalid_token"/ }, title)
    t.equal(checks.pop(), check, title)
  }
  issuer.answerIntrospectionWith()
  t.equal((await get(await issuer.issueToken())).status, 200)
})

t.test('I2: responds with 503 to an unusable introspection response', async (t) => {
  const { issuer, get } = await introspectingApi(t)
  for (const response of [[{ active: true }], 'active', null, true]) {
    issuer.answerIntrospectionWith(() => response)
    t.match(await get(await issuer.issueToken()), { status: 503, retryAfter: 1 })
  }
  issuer.answerIntrospectionWith()
  t.equal((await get(await issuer.issueToken())).status, 200)
})

t.test('I5: rejects signed responses for other clients, and unsigned ones', async (t) => {
  const { clock, issuer, get, logged } = await introspectingApi(t, {
    introspection: { requireSignedResponse: true },
  })
  const lies = [
    { claims: { aud: 'another API' } },
    { claims: { iss: 'https://issuer.example' } },
    { claims: { iat: Math.floor(clock.ms / 1_000) - 301 } },
    { header: { typ: 'JWT' } },
    { format: 'json' as const },
  ]
  for (const lie of lies) {
    issuer.answerIntrospectionWith({}, lie)
    const { status, challenge } = await get(await issuer.issueToken())
    t.strictSame({ status, challenge }, { status: 503, challenge: undefined })
    clock.ms += 1_000
  }
  issuer.answerIntrospectionWith()
  t.equal((await get(await issuer.issueToken())).status, 200)
  t.equal(logged('error').length, 1, 'an error if a requested signature is missing')
})

t.test('I5: rejects a signed response as access token', async (t) => {
  const { issuer, get, checks } = await introspectingApi(t, {
    introspection: { requireSignedResponse: true },
  })
  const basic = Buffer.from(`${API.clientId}:${encodeURIComponent(API.clientSecret)}`)
  const accept = 'application/token-introspection+jwt'
  const response = await fetch(issuer.introspectionEndpoint, {
    method: 'POST',
    body: new URLSearchParams({ token: await issuer.issueToken() }),
    headers: { accept, authorization: `Basic ${basic.toString('base64')}` },
  })
  const introspectionResponse = await response.text()
  t.match(introspectionResponse, /^eyJ/)
  t.equal((await get(introspectionResponse)).status, 401)
  t.strictSame(checks, ['type'])
})

t.test('I4: rejects a revoked opaque token after cacheMaxAge', async (t) => {
  const { clock, issuer, status } = await introspectingApi(t)
  const token = await issuer.issueToken()
  t.equal(await status(token), 200)
  issuer.revoke(token)
  clock.ms += 29_999
  t.equal(await status(token), 200, 'the response is cached')
  t.equal(issuer.requests.introspection, 1)
  clock.ms += 1
  t.equal(await status(token), 401)
  t.equal(await status(token), 401)
  t.equal(issuer.requests.introspection, 2, 'the inactive response is cached as well')
})

t.test('I4: with cacheMaxAge 0, rejects a revoked token immediately', async (t) => {
  const { issuer, status } = await introspectingApi(t, { introspection: { cacheMaxAge: 0 } })
  const token = await issuer.issueToken()
  t.equal(await status(token), 200)
  await postForm(issuer.revocationEndpoint, {
    token,
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  })
  t.equal(await status(token), 401)
})

t.test('I4: uses no response past its exp', async (t) => {
  const introspection = { cacheMaxAge: 3_600_000 }
  const { clock, issuer, status } = await introspectingApi(t, { introspection })
  const token = await issuer.issueToken({}, { expiresIn: 60 })
  t.equal(await status(token), 200)
  clock.ms += 60_000
  t.equal(await status(token), 401)
  t.equal(issuer.requests.introspection, 2)
})

t.test('I4: introspects a forged token once per negativeCacheMaxAge', async (t) => {
  const { clock, issuer, status } = await introspectingApi(t)
  for (let i = 0; i < 100; i++) t.equal(await status('forged'), 401)
  t.equal(issuer.requests.introspection, 1)
  clock.ms += 5_000
  t.equal(await status('forged'), 401)
  t.equal(issuer.requests.introspection, 2)
})

t.test('1,000 concurrent requests with one token cause one introspection request', async (t) => {
  const { issuer, status } = await introspectingApi(t)
  const token = await issuer.issueToken()
  const seen = await Promise.all(Array.from({ length: 1_000 }, () => status(token)))
  t.strictSame([...new Set(seen)], [200])
  t.match(issuer.requests, { introspection: 1, discovery: 1, jwks: 0 })
})

t.test(
  'I3: responds with 503 to a wrong secret of the API, and logs one error without it',
  async (t) => {
    const clientSecret = 'yesterdays-secret'
    const { issuer, get, log, logged } = await introspectingApi(t, {
      introspection: { clientSecret },
    })
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.issueToken()))
    for (const { status, challenge, retryAfter } of await Promise.all(
      tokens.map((one) => get(one)),
    )) {
      t.equal(status, 503)
      t.equal(challenge, undefined)
      t.ok(retryAfter)
    }
    t.match(logged('error'), [
      {
        msg: 'token introspection failed',
        issuer: issuer.issuer,
        err: { message: /rejects our credentials \(HTTP 401\).*"introspection\.clientId"/ },
      },
    ])
    t.equal(logged('error').length, 1)
    t.strictSame(logged('warn'), [])
    const basic = Buffer.from(`${API.clientId}:${clientSecret}`).toString('base64')
    for (const secret of [clientSecret, basic, ...tokens]) {
      t.notOk(log().includes(secret), 'B10: no part of the secret is logged')
    }
  },
)

t.test('recheck: rejects a revoked JWT after the interval', async (t) => {
  const introspection = { mode: 'recheck', recheckInterval: 1_000 } as const
  const { clock, issuer, get, checks } = await introspectingApi(t, { introspection })
  const token = await issuer.issueToken({}, { format: 'jwt' })
  const introspectedTimes = (times: number) => until(() => issuer.requests.introspection === times)
  t.equal((await get(token)).status, 200)
  await introspectedTimes(1)
  t.equal((await get(token)).status, 200)
  issuer.revoke(token)
  clock.ms += 999
  t.equal((await get(token)).status, 200)
  t.equal(issuer.requests.introspection, 1)
  clock.ms += 1
  t.equal((await get(token)).status, 200, 'without waiting')
  await until(async () => (await get(token)).status === 401)
  t.match(await get(token), { status: 401, challenge: /"The access token was revoked"/ })
  t.equal(issuer.requests.introspection, 2)
  t.equal(checks.at(-1), 'revocation')
  clock.ms += 600_000
  t.equal((await get(token)).status, 401, 'stays rejected, without another introspection')
  t.equal(issuer.requests.introspection, 2)
})

t.test('always: accepts a JWT only if it is active as well', async (t) => {
  const introspection = { mode: 'always', cacheMaxAge: 0 } as const
  const { issuer, get, checks } = await introspectingApi(t, { introspection })
  const token = await issuer.issueToken({}, { format: 'jwt' })
  t.equal((await get(token)).status, 200)
  t.equal((await get(token)).status, 200)
  t.equal(issuer.requests.introspection, 2)
  issuer.answerIntrospectionWith({ aud: 'api://other' })
  t.equal((await get(token)).status, 401, 'the current response overrides the claims')
  issuer.answerIntrospectionWith()
  const forged = `${token.slice(0, -9)}AAAAAAAAA`
  issuer.resetRequests()
  t.equal((await get(forged)).status, 401)
  t.equal(issuer.requests.introspection, 0, 'no introspection request for a forged token')
  issuer.revoke(token)
  t.match(await get(token), { status: 401, challenge: /"The access token is not active"/ })
  t.strictSame(checks, ['audience', 'signature', 'introspection'])
})

t.test('verifies JWTs by signature and introspects opaque tokens', async (t) => {
  const { issuer, get } = await introspectingApi(t)
  const jwt = await issuer.issueToken({ sub: 'ada' }, { format: 'jwt' })
  const opaque = await issuer.issueToken({ sub: 'ada' })
  const [one, other] = [await get(jwt), await get(opaque)]
  t.equal(one.status, 200)
  t.strictSame(one, other, 'handlers see no difference')
  t.equal(issuer.requests.introspection, 1)
})

t.test('each of two issuers has its own mode', async (t) => {
  const clock = startClock()
  const [partners, staff] = [await startIssuer(t, clock), await startIssuer(t, clock)]
  const introspection = { ...API, cacheMaxAge: 0 }
  const { status } = await apiOf(t, clock, {
    issuer: [
      { issuer: partners.issuer, introspection },
      {
        issuer: staff.issuer,
        introspection: { ...introspection, mode: 'always', opaqueTokens: false },
      },
    ],
  })
  const counts = () => [partners, staff].map(({ requests }) => requests.introspection)
  t.equal(await status(await partners.issueToken()), 200)
  t.strictSame(counts(), [1, 0])
  t.equal(await status(await partners.issueToken({}, { format: 'jwt' })), 200)
  t.strictSame(counts(), [1, 0])
  t.equal(await status(await staff.issueToken({}, { format: 'jwt' })), 200)
  t.strictSame(counts(), [1, 1])
  t.equal(await status(await staff.issueToken()), 401)
  t.strictSame(counts(), [2, 1], 'otherwise both would receive its opaque tokens')
})

t.test('while the issuer is down', async (t) => {
  const down = async (introspection: object, format: 'jwt' | 'opaque') => {
    const api = await introspectingApi(t, { introspection })
    const token = await api.issuer.issueToken({}, { format })
    t.equal(await api.status(token), 200)
    await until(() => api.issuer.requests.introspection === 1 || format === 'jwt')
    await api.issuer.suspend()
    return { ...api, token }
  }

  t.test(
    'B9: responds to an opaque token with 503 and Retry-After until the issuer is back',
    async (t) => {
      const { clock, issuer, get, token } = await down({ cacheMaxAge: 0 }, 'opaque')
      const { status, challenge, retryAfter = 0 } = await get(token)
      t.strictSame({ status, challenge }, { status: 503, challenge: undefined })
      t.ok(retryAfter >= 1 && retryAfter <= 60)
      await issuer.resume()
      clock.ms += retryAfter * 1_000
      t.equal((await get(token)).status, 200)
    },
  )

  t.test('uses a stale response for staleIfError', async (t) => {
    const introspection = { cacheMaxAge: 30_000, staleIfError: 60_000 }
    const { clock, status, token, logged } = await down(introspection, 'opaque')
    clock.ms += 89_999
    t.equal(await status(token), 200)
    clock.ms += 1
    t.equal(await status(token), 503)
    t.match(logged('warn'), [{ err: { message: /introspection request to .* failed: [A-Z_]+$/ } }])
  })

  for (const mode of ['opaque', 'recheck'] as const) {
    t.test(`${mode}: accepts JWTs by signature`, async (t) => {
      const { clock, issuer, status, token } = await down({ mode }, 'jwt')
      const requests = issuer.requests.introspection
      for (let minute = 0; minute < 5; minute++) {
        clock.ms += 60_000
        t.equal(await status(token), 200)
      }
      t.equal(issuer.requests.introspection, requests)
    })
  }

  t.test(
    'recheck: after recheckStaleIfError, responds to a JWT with 503 until the issuer is back',
    async (t) => {
      const introspection = {
        mode: 'recheck',
        recheckInterval: 1_000,
        recheckStaleIfError: 60_000,
      } as const
      const { clock, issuer, get, status, token } = await down(introspection, 'jwt')
      clock.ms += 1_000
      t.equal(await status(token), 200)
      clock.ms += 61_000
      t.match(await get(token), { status: 503, retryAfter: 1, challenge: undefined })
      await issuer.resume()
      clock.ms += 60_000
      await until(async () => (await status(token)) === 200)
    },
  )

  t.test('always: also responds to a JWT with 503', async (t) => {
    const { status, token } = await down({ mode: 'always', cacheMaxAge: 0 }, 'jwt')
    t.equal(await status(token), 503)
  })

  t.test('stalled: the first request waits for the deadline, later ones do not', async (t) => {
    const { issuer, get } = await introspectingApi(t, { introspection: { timeout: 1_000 } })
    const token = await issuer.issueToken()
    issuer.fail('hang', 'introspection')
    t.equal((await get(token)).status, 503)
    for (let i = 0; i < 20; i++) t.equal((await get(token)).status, 503)
    t.equal(issuer.requests.introspection, 2, 'one for the token, one for the probe')
  })
})

t.test('the org authorization server of Okta', async (t) => {
  const ORG = 'https://acme.okta.com'
  const clock = startClock()
  const okta = await startIssuer(t, clock, { profile: 'okta', audience: ORG })
  const tokenOf = (okta: AuthorizationServer) =>
    okta.issueToken({ iss: ORG, sub: 'ada' }, { format: 'jwt', scope: 'openid' })

  t.test('is rejected at the start without introspection', async (t) => {
    await t.rejects(apiOf(t, clock, { issuer: ORG, audience: ORG }), {
      name: 'TypeError',
      message:
        /org authorization server.*set "issuer" to https:\/\/acme\.okta\.com, and "introspection"$/,
    })
  })

  t.test('introspects its tokens, which look like JWTs, if configured', async (t) => {
    const introspectedTimes: string[] = []
    const { get, status } = await apiOf(t, clock, {
      issuer: ORG,
      audience: ORG,
      introspection: {
        ...API,
        cacheMaxAge: 0,
        endpoint: `${ORG}/oauth2/v1/introspect`,
        fetch: (url, init) => {
          introspectedTimes.push(url)
          return fetch(okta.introspectionEndpoint, init)
        },
      },
    })
    const token = await tokenOf(okta)
    t.match(await get(token), {
      status: 200,
      body: { subject: 'ada', client: 'demo-client', scope: ['openid'], issuer: ORG },
    })
    t.strictSame(introspectedTimes, [`${ORG}/oauth2/v1/introspect`])
    t.equal(okta.requests.jwks, 0, 'its keys are not fetched')
    okta.revoke(token)
    t.equal(await status(token), 401)
    t.equal(await status(await okta.issueToken({}, { format: 'jwt' })), 401, 'of another issuer')
    t.equal(introspectedTimes.length, 2)
  })
})

t.test(
  'revoke() rejects JWTs and opaque tokens immediately, regardless of the issuer',
  async (t) => {
    const { clock, issuer, app, get } = await introspectingApi(t)
    const tokens = [
      await issuer.issueToken({ sub: 'ada' }),
      await issuer.issueToken({ sub: 'ada' }, { format: 'jwt' }),
    ]
    const bystander = await issuer.issueToken({ sub: 'bob' })
    for (const token of [...tokens, bystander]) t.equal((await get(token)).status, 200)
    app.resourceServer.revoke({ sub: 'ada' })
    for (const token of tokens) {
      t.match(await get(token), { status: 401, challenge: /"The access token was revoked"/ })
    }
    t.equal((await get(bystander)).status, 200)
    clock.ms += 1_000
    const next = await issuer.issueToken({ sub: 'ada' })
    t.equal((await get(next)).status, 200, 'a token of a later sign-in')
    t.match(app.resourceServer.statistics(), { rejections: { invalid_token: 2 } })
  },
)
