/**
 * A token that no cached key verifies is rejected only after a key fetch that began after it
 * arrived: forged tokens use up fetches, and issuers do not repeat a logout token after a 400.
 */
import { createSecretKey } from 'node:crypto'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  type PluginOptions,
  type PushedSecurityEventFeed,
} from '../../src/index.js'
import { eventually } from '../fixtures/eventually.js'
import { AUDIENCE, makeKey, seconds, type TestKey } from '../fixtures/issuer.js'
import { json, startKeyServer, status } from '../fixtures/key-server.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { startPolledTransmitter } from '../fixtures/polled-transmitter.js'
import { key, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, STREAM } from '../fixtures/security-events.js'

const OPTIONS = { clientId: CLIENT_ID }
const AUTHORIZED = { authorization: 'Bearer push' }
const other = await makeKey('ES256', 'other')
const unpublished = await makeKey('ES256', 'unpublished')
const sameKid = await makeKey('ES256')

/** An API with keys in the cache, whose clock the test advances. */
async function apiWith(
  t: Test,
  feed: Partial<PushedSecurityEventFeed> | undefined,
  options: Partial<PluginOptions> = {},
) {
  const issuer = await startKeyServer([key.publicJwk])
  t.teardown(() => issuer.close())
  const { issuer: iss } = issuer
  const clock = { time: Date.now() }
  const lines: { level: number; msg: string }[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: iss,
    audience: AUDIENCE,
    now: () => clock.time,
    backchannelLogout: { path: '/logout', clientIds: [CLIENT_ID] },
    ...(feed && { securityEvents: { issuer: iss, audience: STREAM, ...feed } }),
    ...options,
  })
  await app.resourceServer.verify(await tokenOf({ iss }))
  const post = (url: string, type: string, payload: string, headers = {}) =>
    app.inject({ method: 'POST', url, headers: { 'content-type': type, ...headers }, payload })
  const logout = async (signer: TestKey, header: object = {}) => {
    const iat = seconds(clock.time)
    const claims = { iss, iat, exp: iat + 60 }
    const token = await logoutToken(signer, claims, { typ: 'logout+jwt', ...header })
    return post('/logout', 'application/x-www-form-urlencoded', `logout_token=${token}`)
  }
  const event = async (signer: TestKey, headers = {}) => {
    const token = await eventToken(signer, { iss, iat: seconds(clock.time) })
    return post('/events', 'application/secevent+jwt', token, headers)
  }
  const publish = (...keys: TestKey[]) =>
    issuer.respond('/keys', json({ keys: keys.map(({ publicJwk }) => publicJwk) }))
  const fetches = () => issuer.count('/keys')
  return { app, clock, event, fetches, iss, issuer, lines, logout, publish }
}

for (const [title, signer, header] of [
  ['a new key', other, {}],
  ['a new key under the same kid', sameKid, {}],
  ['a new key without kid', other, { kid: undefined }],
] as const) {
  t.test(`a forged token makes no logout token with ${title} invalid`, async (t) => {
    const { app, clock, fetches, iss, lines, logout, publish } = await apiWith(t, undefined)
    t.equal((await logout(unpublished)).statusCode, 400, 'rejected after a fetch')
    clock.time += 1_500
    publish(signer)
    const early = await logout(signer, header)
    t.equal(early.statusCode, 503)
    t.equal(early.headers['retry-after'], '29')
    t.equal(fetches(), 2, 'no fetch during the cooldown')
    t.match(app.resourceServer.statistics().logoutTokens, { rejected: 2, failed: 0 })
    t.match(app.resourceServer.ready(), { ready: true, warnings: [] })
    t.notOk(lines.some(({ level }) => level > 30))
    await app.resourceServer.verify(await tokenOf({ iss }))
    clock.time += 28_500
    t.equal((await logout(signer, header)).statusCode, 200)
    t.equal(fetches(), 3)
  })
}

t.test('rejects a token whose key is still missing after the cooldown', async (t) => {
  const { clock, fetches, logout } = await apiWith(t, undefined)
  const startedAt = clock.time
  for (const [time, expected] of [
    [0, 400],
    [1, 503],
    [29_999, 503],
    [30_000, 400],
    [30_001, 503],
  ] as const) {
    clock.time = startedAt + time
    const { statusCode, headers } = await logout(unpublished)
    t.equal(statusCode, expected, `after ${time} ms`)
    if (time === 29_999) t.equal(headers['retry-after'], '1')
  }
  t.equal(fetches(), 3)
})

t.test('a fetch that began before a token arrived does not make the token invalid', async (t) => {
  const { clock, fetches, issuer, logout } = await apiWith(t, undefined)
  let respond = () => {}
  issuer.respond('/keys', (response, request) => {
    respond = () => json({ keys: [key.publicJwk] })(response, request)
  })
  const forged = logout(unpublished)
  await eventually(() => fetches() === 2)
  clock.time += 1_000
  const joined = logout(other)
  await new Promise((resolve) => setTimeout(resolve, 100))
  respond()
  t.equal((await forged).statusCode, 400)
  t.equal((await joined).statusCode, 503)
  t.equal(fetches(), 2)
})

t.test('an outage makes no token with a published kid invalid', async (t) => {
  const { issuer, logout, publish, clock } = await apiWith(t, undefined)
  issuer.respond('/keys', status(500))
  t.equal((await logout(sameKid)).statusCode, 503)
  publish(sameKid)
  clock.time += 5_000
  t.equal((await logout(sameKid)).statusCode, 200)
})

t.test('rejects each token that no secret or static key verifies, without a fetch', async (t) => {
  const { iss, clock, fetches, logout } = await apiWith(t, undefined, {
    algorithms: ['ES256', 'HS256'],
    secret: 's'.repeat(32),
    dangerouslyAllowSecretWithKeys: true,
    jwks: {},
  })
  const wrongSecret = createSecretKey(Buffer.alloc(32))
  for (let sent = 0; sent < 2; sent++) {
    clock.time += 1_000
    t.equal((await logout({ ...other, alg: 'HS256', privateKey: wrongSecret })).statusCode, 400)
  }
  t.equal(fetches(), 1)
  const server = await createResourceServer({
    issuer: iss,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
  })
  t.teardown(() => server.close())
  for (const signer of [other, other, sameKid, sameKid]) {
    const token = await logoutToken(signer, { iss })
    await t.rejects(server.revokeByLogoutToken(token, OPTIONS), { name: 'InvalidTokenError' })
  }
})

t.test('a forged logout token makes no pushed event invalid', async (t) => {
  const { app, clock, event, fetches, logout, publish } = await apiWith(t, {
    push: { path: '/events' },
  })
  await logout(unpublished)
  clock.time += 1_000
  publish(other)
  const early = await event(other)
  t.equal(early.statusCode, 503)
  t.equal(early.headers['retry-after'], '29')
  t.match(early.json(), { err: 'temporarily_unavailable' })
  t.match(app.resourceServer.securityEventStatus(), [
    { rejected: 1, failed: 0, lastFailure: 'key' },
  ])
  t.equal(fetches(), 2)
  clock.time += 29_000
  t.equal((await event(other)).statusCode, 202)
})

t.test('forged logout tokens do not use up the fetches of a route with a secret', async (t) => {
  const { clock, event, fetches, logout, publish } = await apiWith(t, {
    push: { path: '/events', ...AUTHORIZED },
  })
  await logout(unpublished)
  clock.time += 1_000
  publish(other)
  t.equal((await event(other, AUTHORIZED)).statusCode, 202)
  clock.time += 1_000
  t.equal((await event(unpublished, AUTHORIZED)).statusCode, 503)
  t.equal(fetches(), 3)
})

t.test('acknowledges a polled event despite a forged logout token', async (t) => {
  const { clock, iss, logout, publish, transmitter } = await polling(t)
  await logout(unpublished)
  clock.time += 1_000
  publish(other)
  transmitter.add({ new: await eventToken(other, { iss }) })
  const { body } = await transmitter.until(({ body }) => body.ack !== undefined)
  t.strictSame(body.ack, ['new'])
})

t.test('reports all polled events that no key verifies after one fetch', async (t) => {
  const { fetches, iss, transmitter } = await polling(t, {
    now: () => performance.timeOrigin + performance.now(),
  })
  const names = Array.from({ length: 50 }, (_, at) => `unknown-${at}`)
  const tokens = await Promise.all(names.map(() => eventToken(unpublished, { iss })))
  transmitter.add(Object.fromEntries(names.map((name, at) => [name, tokens[at]])))
  const { body } = await transmitter.until(({ body }) => body.setErrs !== undefined)
  t.strictSame(Object.keys(body.setErrs ?? {}).sort(), names.toSorted())
  t.equal(fetches(), 2)
})

t.test('polls an event again until the keys were fetched after it arrived', async (t) => {
  const { clock, event, fetches, iss, transmitter } = await polling(t)
  t.equal((await event(unpublished, AUTHORIZED)).statusCode, 400)
  clock.time += 1_000
  transmitter.add({ late: await eventToken(unpublished, { iss }) })
  const polls = transmitter.requests.length
  await eventually(() => transmitter.requests.length > polls + 1)
  t.notOk(transmitter.requests.slice(polls).some(({ body }) => body.ack ?? body.setErrs))
  t.equal(fetches(), 2)
  clock.time += 29_000
  await transmitter.until(({ body }) => Object.hasOwn(body.setErrs ?? {}, 'late'))
  t.equal(fetches(), 3)
})

async function polling(t: Test, options: Partial<PluginOptions> = {}) {
  const transmitter = await startPolledTransmitter()
  t.teardown(() => transmitter.close())
  const feed = { poll: { url: transmitter.url }, push: { path: '/events', ...AUTHORIZED } }
  return { ...(await apiWith(t, feed, options)), transmitter }
}
