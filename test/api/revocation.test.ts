import t, { type Test } from 'tap'
import {
  createResourceServer,
  type InvalidTokenError,
  type PluginOptions,
} from '../../src/index.js'
import { parseChallenge } from '../fixtures/challenge-parser.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

/** Returns an error as a pattern for `t.rejects`. */
const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const OTHER = 'https://other.example'

async function api(t: Test, options: Partial<PluginOptions> = {}) {
  const reasons: InvalidTokenError[] = []
  const app = await protectedApi(t, {
    onReject: (reason) => void reasons.push(reason as InvalidTokenError),
    ...options,
  })
  app.get('/', async (request) => request.claims)
  return {
    app,
    reasons,
    get: (token: string) => app.inject({ url: '/', headers: bearer(token) }),
  }
}

/** Starts an issuer with introspection of opaque tokens and of JWTs signed with `key`. */
async function introspectingIssuer(t: Test) {
  const server = await startIntrospectionServer(t)
  server.respond(server.metadataPath, json({ ...server.metadata, jwks_uri: server.jwksUri }))
  server.respond('/keys', json({ keys: [key.publicJwk] }))
  const response = {
    active: true,
    iss: server.issuer,
    aud: AUDIENCE,
    sub: 'user-1',
    jti: 'token-1',
    sid: 'session-1',
    client_id: 'client-1',
    iat: seconds() - 10,
    exp: seconds() + 300,
  }
  return { ...server, activeToken: response }
}

for (const [kind, revocation] of Object.entries({
  jti: { jti: 'token-1' },
  sub: { sub: 'user-1' },
  sid: { sid: 'session-1' },
  clientId: { clientId: 'client-1' },
})) {
  t.test(`B7: by ${kind}: rejects a revoked token immediately`, async (t) => {
    const { app, get, reasons } = await api(t)
    const token = await tokenOf({ sid: 'session-1' })
    for (let i = 0; i < 3; i++) t.equal((await get(token)).statusCode, 200)
    t.ok(app.resourceServer.statistics().cacheHits > 0, 'from the cache')
    app.resourceServer.revoke(revocation)
    for (const revoked of [token, await tokenOf({ sid: 'session-1', iat: undefined })]) {
      const response = await get(revoked)
      t.equal(response.statusCode, 401)
      t.same(parseChallenge(response.headers['www-authenticate']), {
        scheme: 'Bearer',
        parameters: {
          realm: 'api',
          error: 'invalid_token',
          error_description: 'The access token was revoked',
        },
      })
      t.notMatch(response.body, /token-1|user-1|session-1|client-1/)
    }
    t.match(reasons, [{ check: 'revocation' }, { check: 'revocation' }])
    const other = { jti: 'token-2', sub: 'user-2', sid: 'session-2', client_id: 'client-2' }
    t.equal((await get(await tokenOf(other))).statusCode, 200)
  })
}

t.test('accepts a token issued after the revocation', async (t) => {
  const { app, get } = await api(t)
  const now = seconds()
  const before = await tokenOf({ iat: now - 60 })
  t.equal((await get(before)).statusCode, 200)
  app.resourceServer.revoke({ sub: 'user-1', before: now - 30 })
  t.equal((await get(before)).statusCode, 401)
  t.equal((await get(await tokenOf({ iat: now - 20 }))).statusCode, 200)
})

t.test('rejects a token whose verification is in flight', async (t) => {
  const { issuer, respond: response } = await introspectingIssuer(t)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  response('/keys', async (response, request) => {
    await held
    json({ keys: [key.publicJwk] })(response, request)
  })
  const server = await createResourceServer({ issuer, audience: AUDIENCE })
  t.teardown(() => server.close())
  const verifying = server.verify(await tokenOf({ iss: issuer }))
  server.revoke({ sub: 'user-1' })
  release()
  await t.rejects(verifying, REVOKED)
})

t.test('distinguishes equal subjects of two issuers', async (t) => {
  const other = await makeKey('ES256', 'other')
  const { app, get } = await api(t, {
    jwks: {},
    issuer: [
      { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
      { issuer: OTHER, jwks: { keys: [other.publicJwk] } },
    ],
  })
  const [ours, theirs] = [await tokenOf(), await sign(other, { iss: OTHER })]
  app.resourceServer.revoke({ sub: 'user-1', issuer: OTHER })
  t.equal((await get(ours)).statusCode, 200)
  t.equal((await get(theirs)).statusCode, 401)
  t.throws(() => app.resourceServer.revoke({ sub: 'user-1', issuer: `${OTHER}/` }), {
    name: 'TypeError',
    message: /"issuer" of a revocation must be a trusted issuer identifier/,
  })
})

t.test('with tenants, accepts any possible issuer identifier', async (t) => {
  const { app, get } = await api(t, {
    jwks: {},
    issuer: () => ({ jwks: { keys: [key.publicJwk] } }),
  })
  const { resourceServer } = app
  const [ours, theirs] = [await tokenOf(), await tokenOf({ iss: OTHER })]
  resourceServer.revoke({ sub: 'user-1', issuer: OTHER })
  t.equal((await get(ours)).statusCode, 200)
  t.equal((await get(theirs)).statusCode, 401)
  t.throws(
    () => resourceServer.revoke({ sub: 'user-1', issuer: 'https://login.example/a/../b' }),
    TypeError,
  )
})

t.test('rejects revoked opaque tokens, regardless of their issuer', async (t) => {
  const { issuer, activeToken, state, requestsFor } = await introspectingIssuer(t)
  const { app, get } = await api(t, { issuer, jwks: {}, introspection: CLIENT })
  for (const [kind, claim] of Object.entries({
    jti: 'jti',
    sub: 'sub',
    sid: 'sid',
    clientId: 'client_id',
  })) {
    const token = `opaque-${kind}`
    state.tokens.set(token, { ...activeToken, [claim]: `another-${kind}` })
    t.equal((await get(token)).statusCode, 200, kind)
    app.resourceServer.revoke({ [kind]: `another-${kind}`, issuer })
    const rejected = await get(token)
    t.equal(rejected.statusCode, 401)
    t.match(rejected.headers['www-authenticate'], 'The access token was revoked')
    t.equal(requestsFor(token), 1, 'even while its response is cached')
  }
})

t.test('mode always: introspects no token that was revoked here', async (t) => {
  const { issuer, activeToken, state, requestsFor, hold } = await introspectingIssuer(t)
  const introspection = { ...CLIENT, mode: 'always' as const, cacheMaxAge: 0 }
  const server = await createResourceServer({ issuer, audience: AUDIENCE, introspection })
  t.teardown(() => server.close())
  const token = await tokenOf({ iss: issuer })
  state.tokens.set(token, activeToken)
  t.match(await server.verify(token), { subject: 'user-1' })

  t.test('rejects a token revoked during its introspection', async (t) => {
    const release = hold()
    const verifying = server.verify(token)
    while (requestsFor(token) < 2) await new Promise((done) => setTimeout(done, 5))
    server.revoke({ sub: 'user-1' })
    release()
    await t.rejects(verifying, REVOKED)
  })
  await t.rejects(server.verify(token), REVOKED)
  t.equal(requestsFor(token), 2)
})

t.test('only expiry by the option now frees capacity', async (t) => {
  let now = Date.now()
  const server = await createResourceServer({
    ...(given() as object as { issuer: string }),
    audience: AUDIENCE,
    revocations: { maxEntries: 1 },
    maxTokenAge: 600,
    clockTolerance: 0,
    now: () => now,
  })
  const token = await tokenOf({ iat: seconds(now), exp: seconds(now) + 9 })
  server.revoke({ jti: 'token-1' })
  await t.rejects(server.verify(token), REVOKED)
  t.throws(() => server.revoke({ jti: 'token-2' }), RangeError)
  await t.rejects(server.verify(token), REVOKED)
  now += 602_000
  server.revoke({ jti: 'token-2' })
  t.match(await server.verify(await tokenOf({ iat: seconds(now), exp: seconds(now) + 9 })), {})
})

t.test('B7: by sid: the profile defines the claim that names the session', async (t) => {
  const profile = { name: 'ours', sessionId: ({ session }: Record<string, unknown>) => session }
  const { app, get } = await api(t, { profile })
  const [token, other] = await Promise.all([
    tokenOf({ session: 'session-1', sid: 'session-2' }),
    tokenOf({ session: 'session-2', sid: 'session-1' }),
  ])
  for (const each of [token, other]) t.equal((await get(each)).statusCode, 200)
  await app.resourceServer.revoke({ sid: 'session-1' })
  t.equal((await get(token)).statusCode, 401)
  t.equal((await get(other)).statusCode, 200, 'the claim sid does not count')
})
