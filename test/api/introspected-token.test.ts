import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import {
  type Check,
  createResourceServer,
  type IntrospectionOptions,
  type ResourceServerOptions,
} from '../../src/index.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

/** Returns an error as a pattern for `t.rejects`. */
const rejectedBy = (check: Check) => ({ name: 'InvalidTokenError', check })

/** Starts a resource server with introspection, and an issuer whose responses the test sets. */
async function introspecting(
  t: Test,
  introspection: Partial<IntrospectionOptions> = {},
  options: Partial<ResourceServerOptions> = {},
) {
  const issuer = await startIntrospectionServer(t)
  issuer.respond(issuer.metadataPath, json({ ...issuer.metadata, jwks_uri: issuer.jwksUri }))
  issuer.respond('/keys', json({ keys: [key.publicJwk] }))
  const clock = { now: Date.now() }
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: AUDIENCE,
    introspection: { ...CLIENT, ...introspection },
    now: () => clock.now,
    ...options,
  })
  t.teardown(() => server.close())
  const activeResponse = {
    active: true,
    iss: issuer.issuer,
    aud: AUDIENCE,
    sub: 'user-1',
    client_id: 'client-1',
    scope: 'orders:read profile',
    token_type: 'Bearer',
    iat: Math.floor(clock.now / 1_000) - 10,
    exp: seconds() + 300,
  }
  let tokens = 0
  return {
    ...issuer,
    server,
    clock,
    good: activeResponse,
    /** Returns the result for a new opaque token with this introspection response. */
    verify(response: unknown) {
      const token = `opaque-${tokens++}`
      issuer.state.tokens.set(token, response)
      return server.verify(token)
    },
  }
}

t.test('checks the times of a cached response at each use', async (t) => {
  const cached = { cacheMaxAge: 3_600_000 }
  const { server, clock, good, state, introspections } = await introspecting(t, cached, {
    maxTokenAge: 60,
    clockTolerance: 0,
  })
  state.tokens.set('opaque', { ...good, exp: seconds() + 3_600 })
  const { claims } = await server.verify('opaque')
  t.strictSame((await server.verify('opaque')).claims, claims)
  clock.now += 51_000
  await t.rejects(server.verify('opaque'), rejectedBy('age'), 'older than maxTokenAge')
  clock.now -= 3_600_000
  await t.rejects(server.verify('opaque'), rejectedBy('issued-at'), 'the clock was set back')
  t.equal(introspections.length, 1)
})

t.test('gives the advice of the profile if an introspected token has no scope', async (t) => {
  const { server, state, good } = await introspecting(t, {}, { profile: 'authentik' })
  const { scope: _scope, ...withoutScope } = good
  const withScope = { ...good, scope: 'profile' }
  for (const [token, response, expected] of [
    ['without', withoutScope, /^orders:write \(access tokens of authentik .*: require groups/],
    ['with', withScope, /^orders:write$/],
    ['empty', { ...good, scope: '' }, /^orders:write$/],
  ] as const) {
    state.tokens.set(token, response)
    await t.rejects(server.verify(token, { scope: 'orders:write' }), {
      code: 'insufficient_scope',
      reason: { check: 'scope', expected },
    })
  }
})

t.test('I2: checks the members of a response like claims', async (t) => {
  const { verify, good: activeResponse, issuer } = await introspecting(t)
  const now = seconds()
  t.match(await verify(activeResponse), { subject: 'user-1', clientId: 'client-1', issuer })
  for (const [title, claims, check] of [
    ['active: "true"', { active: 'true' }, 'introspection'],
    ['active: 1', { active: 1 }, 'introspection'],
    ['active: null', { active: null }, 'introspection'],
    ['active: [true]', { active: [true] }, 'introspection'],
    ['no active', { active: undefined }, 'introspection'],
    ['active: false', { active: false }, 'introspection'],
    ['no aud', { aud: undefined }, 'audience'],
    ['aud: null', { aud: null }, 'audience'],
    ['another aud', { aud: 'api://other' }, 'audience'],
    ['several others', { aud: ['api://other', 'api://default/'] }, 'audience'],
    ['no exp', { exp: undefined }, 'claims'],
    ['exp: null', { exp: null }, 'claims'],
    ['exp: a string', { exp: `${now + 300}` }, 'claims'],
    ['past exp', { exp: now - 31 }, 'expiry'],
    ['nbf in the future', { nbf: now + 100 }, 'not-before'],
    ['iat in the future', { iat: now + 100 }, 'issued-at'],
    ['iss of another', { iss: 'https://other.example' }, 'issuer'],
    ['iss with a slash more', { iss: `${issuer}/` }, 'issuer'],
    ['cnf', { cnf: { jkt: 'thumbprint' } }, 'binding'],
    ['cnf: null', { cnf: null }, 'binding'],
    ['token_type: refresh_token', { token_type: 'refresh_token' }, 'type'],
    ['token_type: DPoP', { token_type: 'DPoP' }, 'binding'],
    ['token_type: mac', { token_type: 'mac' }, 'type'],
    ['token_type: N_A', { token_type: 'N_A' }, 'type'],
    ['token_type: empty', { token_type: '' }, 'type'],
    ['token_type: an array', { token_type: ['Bearer'] }, 'type'],
    ['token_use: refresh_token', { token_use: 'refresh_token' }, 'type'],
    ['token_use: id', { token_use: 'id' }, 'type'],
    ['typ: Refresh', { typ: 'Refresh' }, 'type'],
    ['an ID token', { at_hash: 'x' }, 'type'],
    ['sub: a number', { sub: 5 }, 'claims'],
    ['client_id: an object', { client_id: {} }, 'claims'],
  ] as const) {
    await t.rejects(verify({ ...activeResponse, ...claims }), rejectedBy(check), title)
  }
  for (const claims of [
    ...['iss', 'nbf', 'iat', 'jti', 'token_type', 'client_id', 'username', 'scope'].map((name) => ({
      [name]: null,
    })),
    { iss: undefined },
    { token_type: undefined },
    { token_type: 'bearer' },
    { token_use: 'access_token' },
    { aud: ['api://other', AUDIENCE] },
    { nbf: now - 1 },
    { iat: undefined },
    { exp: now - 29 },
    // B18: some issuers send null for an optional member without a value.
    { nbf: null, iss: null, iat: null, jti: null, token_type: null, username: null },
    { scope: null },
    { client_id: null, azp: null, cid: null },
  ]) {
    const title = JSON.stringify(claims)
    t.match(await verify({ ...activeResponse, ...claims }), { subject: 'user-1', issuer }, title)
  }
  t.equal((await verify({ ...activeResponse, sub: null })).subject, undefined, 'sub: null')
  for (const name of ['aud', 'exp', 'cnf', 'active']) {
    await t.rejects(verify({ ...activeResponse, [name]: null }), `${name}: null remains an error`)
  }
})

t.test('treats null of an optional member as absent', async (t) => {
  const { verify, good: activeResponse } = await introspecting(t)
  const token = await verify({
    ...activeResponse,
    sub: null,
    scope: null,
    jti: null,
    client_id: null,
    odd: null,
  })
  t.equal(token.subject, undefined)
  t.equal(token.clientId, undefined)
  t.strictSame([...token.scope], [])
  for (const name of ['sub', 'scope', 'jti', 'client_id']) t.notOk(name in token.claims, name)
  t.equal(token.claims.odd, null, 'members not known to be optional remain')
  t.ok(Object.isFrozen(token.claims))
})

t.test('the claims are those of the response, frozen, without "active"', async (t) => {
  const { verify, good: activeResponse } = await introspecting(t)
  const token = await verify({
    ...activeResponse,
    username: 'jane',
    nested: { a: [1] },
    roles: ['admin'],
  })
  t.same([...token.scope], ['orders:read', 'profile'])
  t.same([...token.roles], ['admin'])
  t.match(token.claims, { username: 'jane', nested: { a: [1] } })
  t.notOk('active' in token.claims)
  t.ok(Object.isFrozen(token.claims) && Object.isFrozen(token.claims.nested))
  for (const [scope, expected] of [
    ['', []],
    [undefined, []],
    [null, []],
    [5, []],
    [
      ['a b', 'c'],
      ['a b', 'c'],
    ],
    ['constructor __proto__', ['constructor', '__proto__']],
  ] as const) {
    const { scope: granted } = await verify({ ...activeResponse, scope })
    t.same([...granted], expected, JSON.stringify(scope))
  }
  t.test('members named like prototype members grant nothing', async (t) => {
    const { state, server } = await introspecting(t)
    const text = `{"active":true,"aud":"${AUDIENCE}","exp":4000000000,"__proto__":{"sub":"root"}}`
    state.instead = (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(text)
    await t.rejects(server.verify('opaque'), { name: 'IntrospectionUnavailableError' })
    const token = await verify({ ...activeResponse, constructor: { prototype: { sub: 'root' } } })
    t.equal(token.subject, 'user-1')
    t.equal(({} as { sub?: string }).sub, undefined)
  })
})

t.test('reads the response formats of known issuers', async (t) => {
  t.test('Okta: reads scope and client by the names of RFC 7662', async (t) => {
    const { verify, good: activeResponse } = await introspecting(t, {}, { profile: 'okta' })
    const { client_id, scope, ...rest } = activeResponse
    const okta = { ...rest, username: 'jane@acme.example', uid: '00u1', jti: 'AT.1' }
    const token = await verify({ ...okta, client_id: '0oa1', scope: 'orders:read openid' })
    t.equal(token.clientId, '0oa1')
    t.ok(token.hasScope('orders:read', 'openid'))
    const asInJwt = await verify({ ...okta, cid: '0oa2', scp: ['orders:read'] })
    t.equal(asInJwt.clientId, '0oa2')
    t.ok(asInJwt.hasScope('orders:read'))
  })

  t.test('Keycloak: reads roles like in its JWTs', async (t) => {
    const { verify, good: activeResponse } = await introspecting(t, {}, { profile: 'keycloak' })
    const keycloak = {
      ...activeResponse,
      typ: 'Bearer',
      azp: 'shop',
      realm_access: { roles: ['admin'] },
    }
    const token = await verify(keycloak)
    t.ok(token.roles.has('admin'))
    t.equal(token.clientId, 'client-1')
  })

  t.test('a strict profile requires of a response only members of responses', async (t) => {
    const { verify, good: activeResponse } = await introspecting(t, {}, { profile: 'rfc9068' })
    t.match(await verify(activeResponse), { subject: 'user-1' })
  })
})

t.test('sends no oversized token and none with invalid characters to the issuer', async (t) => {
  const shown: string[] = []
  const opaqueTokens = (token: string) => shown.push(token) > 0
  const { server, introspections: questions } = await introspecting(t, { opaqueTokens })
  for (const token of ['a\nb', 'a b', 'a\u0000', 'ü', 'a&token=b', '=']) {
    await t.rejects(server.verify(token), rejectedBy('token'))
  }
  shown.length = 0
  for (const token of ['x'.repeat(8_193), '.'.repeat(1_000_000)]) {
    await t.rejects(server.verify(token), rejectedBy('token'))
  }
  t.same(shown, [])
  t.equal(questions.length, 0)
})

t.test('mode always: members of the response override claims of the token', async (t) => {
  const it = await introspecting(t, { mode: 'always', cacheMaxAge: 0, negativeCacheMaxAge: 0 })
  const token = await tokenOf({ iss: it.issuer, cid: 'not for this profile' })
  const verifyWith = (response: object) => {
    it.state.tokens.set(token, { active: true, ...response })
    return it.server.verify(token)
  }
  const first = await verifyWith({})
  t.match(first, { subject: 'user-1' }, 'the response may omit claims of the token')
  t.equal(await verifyWith({ scope: 'profile orders:read more', iss: it.issuer }), first)
  for (const [title, response, check] of [
    ['inactive', { active: false }, 'introspection'],
    ['exp passed', { exp: seconds() - 31 }, 'expiry'],
    ['nbf moved', { nbf: seconds() + 100 }, 'not-before'],
    ['cnf added', { cnf: { jkt: 'x' } }, 'binding'],
    ['another aud', { aud: 'api://other' }, 'audience'],
    ['another iss', { iss: 'https://other.example' }, 'issuer'],
    ['another kind', { token_type: 'refresh_token' }, 'type'],
  ] as const) {
    await t.rejects(verifyWith(response), rejectedBy(check), title)
    t.equal(await verifyWith({}), first, 'and the token is accepted again afterwards')
  }

  t.test('the response can narrow the scope, not widen it', async (t) => {
    const narrowed = await verifyWith({ scope: 'orders:read admin' })
    t.same([...narrowed.scope], ['orders:read'])
    t.match(narrowed, { subject: 'user-1', clientId: 'client-1', raw: token })
    await t.rejects(it.server.verify(token, { scope: 'profile' }), {
      name: 'InsufficientScopeError',
    })
    t.same([...(await verifyWith({ scope: '' })).scope], [])
    t.same(
      [...(await verifyWith({})).scope],
      ['orders:read', 'profile'],
      'the cached result is unchanged',
    )
  })

  t.test('rejects a JWT with invalid claims without introspection', async (t) => {
    const expired = await tokenOf({ iss: it.issuer, exp: seconds() - 100 })
    it.state.tokens.set(expired, it.good)
    await t.rejects(it.server.verify(expired), rejectedBy('expiry'))
    t.equal(it.requestsFor(expired), 0)
  })

  t.test('responds with 503 while introspection fails, for cached tokens as well', async (t) => {
    it.state.instead = (response) => response.writeHead(500).end()
    await t.rejects(it.server.verify(token), { name: 'IntrospectionUnavailableError' })
  })
})

t.test('mode recheck: rejects a revoked token, and no request waits', async (t) => {
  const it = await introspecting(t, { mode: 'recheck', recheckInterval: 60_000 })
  const token = await tokenOf({ iss: it.issuer })
  it.state.tokens.set(token, it.good)
  await it.server.verify(token)
  while (it.requestsFor(token) < 1) await new Promise((done) => setTimeout(done, 5))
  await it.idle()
  it.state.tokens.set(token, { active: false })
  it.clock.now += 60_000
  t.match(await it.server.verify(token), { subject: 'user-1' }, 'no request waits')
  let rejection: unknown
  for (let i = 0; i < 400 && rejection === undefined; i++) {
    await new Promise((done) => setTimeout(done, 5))
    rejection = await it.server.verify(token).then(
      () => undefined,
      (error) => error,
    )
  }
  t.match(rejection, rejectedBy('revocation'))
  t.equal(it.requestsFor(token), 2)
})

t.test('I5: verifies a signed response with the keys of the issuer', async (t) => {
  const it = await introspecting(t, { requireSignedResponse: true, negativeCacheMaxAge: 0 })
  const unknownKey = await makeKey('ES256', 'es256')
  const signedBy = async (by: typeof key, claims: object = {}) => {
    const payload = { iss: it.issuer, aud: CLIENT.clientId, iat: seconds(), ...claims }
    const text = JSON.stringify({ ...payload, token_introspection: it.good })
    const jwt = await sign(by, {}, { header: { typ: 'token-introspection+jwt' }, payload: text })
    it.state.instead = (response) =>
      response.writeHead(200, { 'content-type': 'application/token-introspection+jwt' }).end(jwt)
    return jwt
  }
  await signedBy(unknownKey)
  await t.rejects(it.server.verify('a'), { name: 'IntrospectionUnavailableError' })
  await signedBy(key, { aud: 'another API' })
  await t.rejects(it.server.verify('b'), { name: 'IntrospectionUnavailableError' })
  const response = await signedBy(key, { sub: 'user-1', exp: seconds() + 300 })
  t.match(await it.server.verify('c'), { subject: 'user-1' })
  await t.rejects(
    it.server.verify(response),
    rejectedBy('type'),
    'the response itself is not an access token',
  )
})

t.test('I3: responds with 503 and logs an error if our credentials are rejected', async (t) => {
  for (const loud of [true, false]) {
    const logged: [level: string, details: object, message: string][] = []
    const log = (level: string) => (details: object, message: string) =>
      void logged.push([level, details, message])
    const logger = { warn: log('warn'), ...(loud && { error: log('error') }) }
    const it = await introspecting(t, {}, { logger })
    it.state.instead = (response) => response.writeHead(401).end('{"error":"invalid_client"}')
    await t.rejects(it.server.verify('secret-token'), { name: 'IntrospectionUnavailableError' })
    const details = { issuer: it.issuer, err: { message: /rejects our credentials/ } }
    const message = 'token introspection failed'
    t.match(logged, [[loud ? 'error' : 'warn', details, message]])
    t.notMatch(inspect(logged), /secret/)
  }
})

t.test('two issuers with introspection', async (t) => {
  const [a, b] = [await startIntrospectionServer(t), await startIntrospectionServer(t)]
  const start = (ofA: object, ofB: object) =>
    createResourceServer({
      audience: AUDIENCE,
      issuer: [
        { issuer: a.issuer, introspection: { ...CLIENT, ...ofA } },
        { issuer: b.issuer, introspection: { ...CLIENT, ...ofB } },
      ],
    })
  t.test('cannot both accept any opaque token', async (t) => {
    for (const both of [{}, { opaqueTokens: true }]) {
      await t.rejects(start(both, both), {
        name: 'TypeError',
        message:
          /"introspection.opaqueTokens" option selects every opaque token for more than one issuer \(.*set a function/,
      })
    }
    await t.resolves(start({}, { opaqueTokens: false, mode: 'always' }))
  })

  const response = { active: true, aud: AUDIENCE, sub: 'user-1', exp: seconds() + 300 }
  a.state.tokens.set('a_1', response)
  b.state.tokens.set('b_1', response)
  const mine = (prefix: string) => ({ opaqueTokens: (token: string) => token.startsWith(prefix) })
  for (const [title, ofA, ofB] of [
    ['a function each', mine('a_'), mine('b_')],
    ['a function for the second', {}, mine('b_')],
    ['a function for the first', mine('a_'), {}],
  ] as const) {
    t.test(`${title}: sends a token to its own issuer only`, async (t) => {
      const server = await start(ofA, ofB)
      t.teardown(() => server.close())
      t.equal((await server.verify('a_1')).issuer, a.issuer)
      t.equal((await server.verify('b_1')).issuer, b.issuer)
      t.equal(a.requestsFor('b_1') + b.requestsFor('a_1'), 0)
    })
  }
  t.test('sends a token that no issuer recognizes to no issuer', async (t) => {
    const server = await start(mine('a_'), mine('b_'))
    await t.rejects(server.verify('c_1'), rejectedBy('token'))
    t.equal(a.requestsFor('c_1') + b.requestsFor('c_1'), 0)
  })
})

t.test('the org authorization server of Okta, which alone can validate its tokens', async (t) => {
  const ORG = 'https://acme.okta.com'
  const requested: string[] = []
  const fetches: string[] = []
  const response = {
    active: true,
    iss: ORG,
    aud: ORG,
    sub: 'jane@acme.example',
    client_id: '0oa1',
    scope: 'openid profile',
    token_type: 'Bearer',
    exp: seconds() + 300,
  }
  const options: ResourceServerOptions = {
    issuer: ORG,
    audience: ORG,
    jwks: {
      fetch: async (url) => {
        fetches.push(String(url))
        throw new Error('its keys are for itself')
      },
    },
    introspection: {
      ...CLIENT,
      endpoint: `${ORG}/oauth2/v1/introspect`,
      fetch: async (_url, init) => {
        const token = new URLSearchParams(String(init?.body)).get('token') as string
        requested.push(token)
        return Response.json(token.includes('.') ? response : { active: false })
      },
    },
  }
  const server = await createResourceServer(options)
  t.teardown(() => server.close())
  const jwt = await tokenOf({ iss: ORG, aud: ORG, exp: 1, sub: 'unread' })
  t.match(await server.verify(jwt), { subject: 'jane@acme.example', clientId: '0oa1', issuer: ORG })
  await t.rejects(server.verify('opaque'), rejectedBy('introspection'))
  const foreign = await tokenOf({ iss: 'https://other.okta.com', aud: ORG })
  await t.rejects(server.verify(foreign), rejectedBy('issuer'))
  t.same(requested, [jwt, 'opaque'], "another issuer's token is not sent to it")
  t.same(fetches, [])
  t.match(server.keySetStatus(), [{ state: 'static', keys: 0 }])

  for (const [issuer, message] of [
    ['https://acme-admin.okta.com', /URL of Okta's admin console/],
    ['https://acme.okta.com/', /org authorization server/],
    ['https://acme.okta.com/oauth2', /org authorization server/],
  ] as const) {
    await t.rejects(createResourceServer({ ...options, issuer }), { name: 'TypeError', message })
  }
})
