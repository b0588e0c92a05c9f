/** Claims of an introspection response that are added to those of a JWT (RFC 7662 §2.2). */
import t, { type Test } from 'tap'
import {
  type Check,
  createResourceServer,
  type IntrospectionOptions,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, seconds } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

/** Returns an error as a pattern for `t.rejects`. */
const rejectedBy = (check: Check) => ({ name: 'InvalidTokenError', check })

type Requirement = Parameters<ResourceServer['verify']>[1]

interface Options extends Partial<ResourceServerOptions> {
  readonly introspection?: Partial<IntrospectionOptions> & { clientId: string }
}

async function start(t: Test, options: Options = {}) {
  const issuer = await startIntrospectionServer(t)
  issuer.respond(issuer.metadataPath, json({ ...issuer.metadata, jwks_uri: issuer.jwksUri }))
  issuer.respond('/keys', json({ keys: [key.publicJwk] }))
  const clock = { now: Date.now() }
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: AUDIENCE,
    dpop: 'allowed',
    now: () => clock.now,
    ...options,
    introspection: { ...CLIENT, mode: 'always', claims: 'merge', ...options.introspection },
  })
  t.teardown(() => server.close())
  let tokens = 0
  /** Returns a token with these claims for which the issuer sends this response. */
  const issue = async (claims: object, response: object) => {
    const token = await tokenOf({ iss: issuer.issuer, jti: `${tokens++}`, ...claims })
    issuer.state.tokens.set(token, { active: true, ...response })
    return token
  }
  return {
    ...issuer,
    server,
    clock,
    issue,
    merge: async (claims: object, response: object, requirement?: Requirement) =>
      server.verify(await issue(claims, response), requirement),
  }
}

t.test('I2: adds claims and replaces none', async (t) => {
  const { merge, issuer } = await start(t)
  const act = { sub: 'service-a' }
  const signed = {
    nbf: seconds() - 60,
    iat: seconds() - 60,
    exp: seconds() + 300,
    jti: 'signed',
    act,
    roles: ['reader'],
    groups: [],
    tenant: null,
    auth_time: 0,
    empty: '',
  }
  const token = await merge(signed, {
    iss: issuer,
    aud: ['api://other', AUDIENCE],
    sub: 'another user',
    nbf: 1,
    iat: 1,
    exp: seconds() + 3_000,
    jti: 'another',
    act: { sub: 'service-b' },
    roles: ['admin'],
    groups: ['admin'],
    tenant: 'acme',
    auth_time: seconds(),
    empty: 'full',
    email: 'ada@example.com',
    acr: 'gold',
    nested: { deep: ['value'] },
  })
  const { claims } = token
  t.match(claims, { ...signed, iss: issuer, aud: AUDIENCE, sub: 'user-1' })
  t.match(claims, { email: 'ada@example.com', acr: 'gold', nested: { deep: ['value'] } })
  t.match(token, { subject: 'user-1', expiresAt: signed.exp, issuedAt: signed.iat })
  t.same([...token.roles], ['reader'])
  t.same(token.actor?.subject, 'service-a')
  t.ok(Object.isFrozen(claims) && Object.isFrozen((claims.nested as { deep: object }).deep))
})

t.test('adds registered claims that the JWT lacks', async (t) => {
  const { merge } = await start(t, { dangerouslyAudienceFrom: 'azp', audience: 'shop' })
  const lacking = { aud: undefined, sub: undefined, iat: undefined, jti: undefined, azp: 'shop' }
  const token = await merge(lacking, {
    sub: 'ada',
    aud: 'api://other',
    iat: seconds() - 5,
    jti: 'id',
    sid: 's',
  })
  t.match(token, { subject: 'ada', audience: ['api://other'], clientId: 'client-1' })
  t.match(token.claims, { azp: 'shop', jti: 'id', sid: 's' })
  await t.rejects(merge({ ...lacking, azp: 'other' }, { azp: 'shop' }), rejectedBy('audience'))
})

t.test('protocol members and Keycloak’s "jwt" are no claims', async (t) => {
  const { merge } = await start(t)
  const { claims } = await merge(
    { client_id: undefined },
    { client_id: 'c', username: 'ada', token_type: 'Bearer', jwt: 'e30.e30.e30', scope: 'profile' },
  )
  for (const name of ['active', 'client_id', 'username', 'token_type', 'jwt']) {
    t.notOk(name in claims, name)
  }
  t.equal(claims.scope, 'orders:read profile')
})

t.test('I2: a response that adds "cnf" is rejected, and never replaces it', async (t) => {
  const { server, merge, issue } = await start(t)
  const [client, other] = [await DPoPClient.make(), await DPoPClient.make()]
  const url = 'https://api.example/'
  const proven = async (token: string, holder: DPoPClient) =>
    server.verify({
      token,
      dpop: { proof: await holder.proof({ url, token }), method: 'GET', url },
    })
  const cnf = { jkt: client.jkt }
  await t.rejects(merge({}, { cnf }), rejectedBy('binding'), 'a bearer token')
  await t.rejects(proven(await issue({}, { cnf }), client), rejectedBy('binding'))
  const moved = await issue({ cnf }, { cnf: { jkt: other.jkt } })
  await t.rejects(proven(moved, other), rejectedBy('binding'))
  const bound = await issue({ cnf }, { cnf: { ...cnf, extra: 1 }, roles: ['admin'] })
  const token = await proven(bound, client)
  t.same(token.confirmation, cnf)
  t.same(token.claims.cnf, cnf)
  t.ok(token.roles.has('admin'))
  await t.rejects(server.verify(bound), rejectedBy('binding'))
})

t.test('I2: enforces an actor that the response adds', async (t) => {
  const { merge } = await start(t)
  const act = { client_id: 'agent' }
  t.equal((await merge({}, { act })).actor?.clientId, 'agent')
  await t.rejects(merge({}, { act }, { actor: 'none' }), { name: 'InsufficientScopeError' })
  for (const malformed of [null, 'agent', {}, { sub: 5 }]) {
    await t.rejects(merge({}, { act: malformed }), rejectedBy('claims'), JSON.stringify(malformed))
  }
  const own = await merge(
    { act: { sub: 'a' } },
    { act: { sub: 'b' } },
    { actor: [{ subject: 'a' }] },
  )
  t.equal(own.actor?.subject, 'a')
})

t.test('I2: checks the response before it adds claims', async (t) => {
  const { merge } = await start(t)
  for (const [response, check] of [
    [{ active: false, roles: ['admin'] }, 'introspection'],
    [{ iss: 'https://other.example' }, 'issuer'],
    [{ aud: 'api://other' }, 'audience'],
    [{ exp: seconds() - 31 }, 'expiry'],
    [{ nbf: seconds() + 100 }, 'not-before'],
    [{ iat: seconds() + 100 }, 'issued-at'],
    [{ token_type: 'refresh_token' }, 'type'],
    [{ at_hash: 'x' }, 'type'],
    [{ typ: 'Refresh' }, 'type'],
    [{ token_use: 'id' }, 'type'],
    [{ sub: 5 }, 'claims'],
    [{ client_id: {} }, 'claims'],
    [{ sid: ['session-1'] }, 'claims'],
  ] as const) {
    await t.rejects(merge({}, response), rejectedBy(check), JSON.stringify(response))
  }
  await t.rejects(merge({ sub: undefined }, { sub: ['ada'] }), rejectedBy('claims'))
})

t.test('rejects a JWT that expires during the introspection request', async (t) => {
  const it = await start(t)
  const token = await it.issue({ exp: seconds() + 10 }, { exp: seconds() + 3_000 })
  const release = it.hold()
  const verifying = it.server.verify(token)
  while (it.requestsFor(token) === 0) await new Promise((done) => setTimeout(done, 2))
  it.clock.now += 45_000
  release()
  await t.rejects(verifying, rejectedBy('expiry'))
})

t.test('I4: uses merged claims no longer than the response', async (t) => {
  const it = await start(t, { introspection: { ...CLIENT, cacheMaxAge: 10_000 } })
  const token = await it.issue({}, { roles: ['admin'] })
  const roles = async () => [...(await it.server.verify(token)).roles]
  t.same(await roles(), ['admin'])
  it.state.tokens.set(token, { active: true, groups: ['staff'], exp: seconds() + 15 })
  it.clock.now += 9_000
  t.same(await roles(), ['admin'])
  t.equal(it.requestsFor(token), 1)
  it.clock.now += 2_000
  t.same(await roles(), [], 'the new response has no roles')
  t.equal(it.requestsFor(token), 2)
  it.state.instead = (response) => response.writeHead(500).end()
  it.clock.now += 5_000
  await t.rejects(it.server.verify(token), { name: 'IntrospectionUnavailableError' }, 'its exp')
})

t.test('I2: narrows the scope of a JWT and never widens it', async (t) => {
  const acme = {
    name: 'acme',
    scope: (claims: Record<string, unknown>) => claims.permissions ?? claims.scope,
  }
  const none = { scope: undefined }
  for (const [profile, claims, response, expected] of [
    ['standard', { scope: 'a b' }, { scope: 'b c' }, ['b']],
    ['standard', { scope: 'a b' }, { scope: '' }, []],
    ['standard', { scope: 'a b' }, { scp: ['c'] }, ['a', 'b']],
    ['standard', { scope: '' }, { scope: 'a' }, []],
    ['standard', { scope: null }, { scope: 'a', scp: ['a'] }, []],
    ['standard', { ...none, scp: ['a'] }, { scope: 'a b' }, ['a']],
    ['standard', { ...none, scp: [] }, { scope: 'a b', scp: ['a'] }, []],
    ['standard', none, { scope: 'a b' }, ['a', 'b']],
    ['standard', none, { scp: ['a'] }, ['a']],
    ['standard', none, {}, []],
    ['okta', { ...none, cid: 'c' }, { scope: 'a' }, ['a']],
    ['okta', { scope: 'x', cid: 'c' }, { scope: 'x a', scp: ['a'] }, []],
    [acme, { ...none, permissions: ['a'] }, { scope: 'a b' }, ['a']],
    [acme, { ...none, permissions: ['a'] }, { scope: 'b' }, []],
    [acme, { scope: 'a' }, { permissions: ['b'] }, ['a']],
    [acme, none, { permissions: ['b'] }, ['b']],
    [acme, none, { permissions: ['b'], scope: 'c' }, ['c']],
  ] as const) {
    const { merge } = await start(t, { profile })
    const token = await merge(claims, response)
    t.same([...token.scope], expected, JSON.stringify([claims, response]))
    if (Object.keys(claims).some((name) => name === 'scp')) t.notOk(token.claims.scope)
  }
})

t.test('a rejection says why the JWT states no scope', async (t) => {
  const { merge } = await start(t, { profile: 'rfc9068' })
  await t.rejects(merge({ scope: ['a'] }, { scope: 'a' }, { scope: 'a' }), {
    name: 'InsufficientScopeError',
    reason: { expected: /"scope" must be a string, found an array/ },
  })
})

t.test('the client of the JWT counts, else that of the response', async (t) => {
  const { merge } = await start(t)
  const clientId = async (claims: object, response: object) =>
    (await merge({ client_id: undefined, ...claims }, response)).clientId
  t.equal(await clientId({ azp: 'shop' }, { client_id: 'other', azp: 'other' }), 'shop')
  t.equal(await clientId({}, { client_id: 'shop' }), 'shop')
  t.equal(await clientId({}, { client_id: 'other', azp: 'shop' }), 'shop')
  t.equal(await clientId({}, {}), undefined)
  const token = await merge({ client_id: undefined, sub: 'shop' }, { client_id: 'shop' })
  t.equal(token.subjectKind, 'unknown', 'only a claim proves that the subject is a client')
})

t.test('an added claim does not replace the client that another claim names', async (t) => {
  const { merge } = await start(t, {
    profile: { name: 'acme', clientId: (claims) => claims.first ?? claims.second },
  })
  const claims = { client_id: undefined, second: 'shop' }
  t.equal((await merge(claims, { first: 'other' })).clientId, 'shop')
})

t.test('a user cannot pass for the service account of a Keycloak client', async (t) => {
  const { merge } = await start(t, { profile: 'keycloak' })
  const claims = { typ: 'Bearer', azp: 'shop', client_id: undefined }
  const response = { preferred_username: 'service-account-shop', client_id: 'shop' }
  t.equal((await merge(claims, response)).subjectKind, 'unknown')
  t.equal((await merge({ ...claims, client_id: 'shop' }, response)).subjectKind, 'client')
})

t.test('revocations apply to claims that the response adds', async (t) => {
  const { server, issue } = await start(t)
  const token = await issue(
    { sub: undefined, client_id: undefined },
    { sub: 'ada', sid: 's', client_id: 'shop' },
  )
  await server.verify(token)
  for (const revocation of [{ sub: 'eve' }, { sid: 'other' }]) await server.revoke(revocation)
  await server.verify(token)
  for (const revocation of [{ sub: 'ada' }, { sid: 's' }, { clientId: 'shop' }]) {
    const it = await start(t)
    const revoked = await it.issue(
      { sub: undefined, client_id: undefined },
      { sub: 'ada', sid: 's', client_id: 'shop' },
    )
    await it.server.verify(revoked)
    await it.server.revoke(revocation)
    await t.rejects(it.server.verify(revoked), rejectedBy('revocation'), JSON.stringify(revocation))
  }
})

t.test('members named like prototype members grant nothing', async (t) => {
  const it = await start(t)
  const token = await it.issue({}, {})
  it.state.instead = (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"active":true,"__proto__":{"roles":["admin"]}}')
  await t.rejects(it.server.verify(token), { name: 'IntrospectionUnavailableError' })
  it.state.instead = undefined
  const merged = await it.merge({}, { constructor: { prototype: { roles: ['admin'] } } })
  t.same([...merged.roles], [])
  t.equal(Object.getPrototypeOf(merged.claims), Object.prototype)
  t.equal(({} as { roles?: unknown }).roles, undefined)
})
