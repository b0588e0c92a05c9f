/** What an operator sees of a feed, and the keys of transmitters. */
import t, { type Test } from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { AUDIENCE, ISSUER, makeKey, seconds } from '../fixtures/issuer.js'
import { json, startKeyServer, status } from '../fixtures/key-server.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, SSF, STREAM, USER } from '../fixtures/security-events.js'

const other = await makeKey('ES256', 'other')
const feed = { issuer: ISSUER, audience: STREAM }

async function serverWith(t: Test, options: Partial<ResourceServerOptions> = {}) {
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    securityEvents: feed,
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

t.test('records the last event, verification, stream status and failure', async (t) => {
  let now = 1_800_000_000_000
  const server = await serverWith(t, { now: () => now })
  const statusOf = () => server.securityEventStatus()[0]
  t.strictSame(statusOf(), {
    issuer: ISSUER,
    revoked: 0,
    unmapped: 0,
    ignored: 0,
    duplicates: 0,
    rejected: 0,
    failed: 0,
    lastEventAt: undefined,
    lastVerificationAt: undefined,
    lastFailureAt: undefined,
    lastFailure: undefined,
    streamStatus: undefined,
    lastPollAt: undefined,
    lastPollError: undefined,
    isSilent: false,
    keys: server.keySetStatus()[0],
  })
  const receive = async (overrides: object) =>
    server.receive(await eventToken(key, { iat: seconds(now), ...overrides }))
  await receive({ events: { [`${SSF}verification`]: { state: 'x' } } })
  const verifiedAt = now
  t.match(statusOf(), { lastEventAt: now, lastVerificationAt: now, ignored: 1 })
  now += 1_000
  for (const value of ['enabled', 'paused', 'disabled']) {
    await receive({ events: { [`${SSF}stream-updated`]: { status: value } } })
    t.equal(statusOf()?.streamStatus, value)
  }
  await receive({ events: { [`${SSF}stream-updated`]: { status: { x: 1 } } } })
  t.match(statusOf(), { streamStatus: undefined, lastEventAt: now, lastVerificationAt: verifiedAt })
  await t.rejects(receive({ aud: 'x' }))
  t.match(statusOf(), { lastFailureAt: now, lastFailure: 'audience', rejected: 1 })
})

t.test('a feed without events for maxSilence is silent', async (t) => {
  let now = 1_800_000_000_000
  const securityEvents = { ...feed, maxSilence: 60_000 }
  const server = await serverWith(t, { now: () => now, securityEvents })
  const isSilent = () => server.securityEventStatus()[0]?.isSilent
  now += 60_000
  t.equal(isSilent(), false)
  await t.rejects(server.receive(await eventToken(other, { iat: seconds(now) })))
  now += 1
  t.equal(isSilent(), true, 'also if invalid tokens were received')
  const events = { [`${SSF}verification`]: {} }
  const verification = await eventToken(key, { iat: seconds(now), events })
  await server.receive(verification)
  t.equal(isSilent(), false)
  now += 60_001
  t.equal(isSilent(), true)
  await server.verify(await tokenOf({ iat: seconds(now), exp: seconds(now) + 60 }))
  await server.receive(verification)
  t.equal(isSilent(), false, 'a repeated token shows that the transmitter delivers')
})

t.test('discovers the keys of a transmitter', async (t) => {
  const transmitter = await startKeyServer([other.publicJwk])
  t.teardown(() => transmitter.close())
  const path = '/.well-known/ssf-configuration/oauth2/default'
  const { issuer: iss, jwksUri } = transmitter
  transmitter.respond(path, json({ issuer: iss, jwks_uri: jwksUri }))
  const securityEvents = { issuer: iss, audience: STREAM, tokenIssuers: [ISSUER] }
  const server = await serverWith(t, { securityEvents })
  t.match(server.securityEventStatus(), [{ keys: { state: 'empty', issuer: iss } }])
  t.equal(server.keySetStatus().length, 1, 'the transmitter is no token issuer')
  t.match(await server.receive(await eventToken(other, { iss })), { outcome: 'revoked' })
  t.strictSame(transmitter.requests, [path, '/keys'])
  t.match(server.securityEventStatus(), [{ keys: { state: 'fresh' } }])
  await server.refreshKeys()
  t.equal(transmitter.count('/keys'), 2)
  transmitter.respond('/keys', status(500))
  await t.rejects(server.refreshKeys(), { name: 'KeysUnavailableError' })
})

t.test('metadata of another transmitter is not used', async (t) => {
  const transmitter = await startKeyServer([other.publicJwk])
  t.teardown(() => transmitter.close())
  const { issuer: iss, jwksUri } = transmitter
  const path = '/.well-known/ssf-configuration/oauth2/default'
  transmitter.respond(path, json({ issuer: `${iss}/x`, jwks_uri: jwksUri }))
  const securityEvents = { issuer: iss, audience: STREAM, tokenIssuers: [ISSUER] }
  const server = await serverWith(t, { securityEvents })
  await t.rejects(server.receive(await eventToken(other, { iss })), {
    name: 'KeysUnavailableError',
    headers: { 'retry-after': /^\d+$/ },
  })
  t.match(server.securityEventStatus(), [{ failed: 1, lastFailure: 'keys-unavailable' }])
  t.equal(transmitter.count('/keys'), 0)
})

t.test(
  'a transmitter that is a trusted issuer shares its keys, unless it has others',
  async (t) => {
    const issuer = await startKeyServer([key.publicJwk])
    t.teardown(() => issuer.close())
    const { issuer: iss } = issuer
    const sub_id = { ...USER, iss }
    const shared = await serverWith(t, {
      issuer: iss,
      audience: AUDIENCE,
      jwks: {},
      securityEvents: { issuer: iss, audience: STREAM },
    })
    await shared.verify(await tokenOf({ iss }))
    await shared.receive(await eventToken(key, { iss, sub_id }))
    t.equal(issuer.count('/keys'), 1)
    const separate = await serverWith(t, {
      issuer: iss,
      audience: AUDIENCE,
      jwks: {},
      securityEvents: { issuer: iss, audience: STREAM, jwks: { keys: [other.publicJwk] } },
    })
    t.match(await separate.receive(await eventToken(other, { iss, sub_id })), { revoked: 'user' })
    const forged = await eventToken(key, { iss, sub_id })
    await t.rejects(separate.receive(forged), { name: 'InvalidTokenError', check: 'key' })
  },
)

t.test('the algorithms of the issuer apply, unless the feed has others', async (t) => {
  const options = { algorithms: ['ES256'] } as const
  const rs256 = await makeKey('RS256')
  const jwks = { keys: [rs256.publicJwk] }
  const securityEvents = { ...feed, jwks, algorithms: ['RS256'] } as const
  const server = await serverWith(t, { ...options, securityEvents })
  t.match(await server.receive(await eventToken(rs256)), { outcome: 'revoked' })
  const strict = await serverWith(t, {
    ...options,
    securityEvents: { ...feed, algorithms: ['RS256'] },
  })
  await t.rejects(strict.receive(await eventToken(key)), {
    check: 'algorithm',
    message: /^The security event token/,
  })
  await t.rejects((await serverWith(t, options)).receive(await eventToken(rs256)), {
    name: 'InvalidTokenError',
    check: 'algorithm',
  })
})

t.test('an issuer whose tokens are introspected only shares no keys', async (t) => {
  const okta = 'https://example.okta.com'
  const introspection = { clientId: 'api', clientSecret: 'secret' }
  const server = await serverWith(t, {
    issuer: okta,
    audience: AUDIENCE,
    jwks: {},
    introspection,
    securityEvents: { issuer: okta, audience: STREAM },
  })
  t.match(server.securityEventStatus(), [{ keys: { state: 'empty' } }])
})

t.test('works with a function as issuer', async (t) => {
  const server = await serverWith(t, {
    issuer: () => ({ jwks: { keys: [key.publicJwk] } }),
    jwks: {},
    securityEvents: { ...feed, tokenIssuers: ISSUER, jwks: { keys: [other.publicJwk] } },
  })
  t.match(await server.receive(await eventToken(other)), { revoked: 'session' })
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), {
    name: 'InvalidTokenError',
    check: 'revocation',
  })
})
