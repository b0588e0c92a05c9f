/** Forged logout tokens cost as little as forged access tokens, and delay no honest caller. */
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { AUDIENCE, makeKey, seconds, sign, type TestKey } from '../fixtures/issuer.js'
import { json, type KeyServer, startKeyServer, status } from '../fixtures/key-server.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { key, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, STREAM } from '../fixtures/security-events.js'

/** Returns a rejection as a pattern for `t.rejects`. */
const by = (check: string) => ({ name: 'InvalidTokenError', check })

const OPTIONS = { clientId: CLIENT_ID }
const other = await makeKey('ES256', 'other')
const sameKid = await makeKey('ES256')

async function serverOf(t: Test, issuer: KeyServer, options: Partial<ResourceServerOptions> = {}) {
  t.teardown(() => issuer.close())
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: AUDIENCE,
    jwks: { refetchBurst: 1 },
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

t.test('10,000 forged logout tokens cause two key fetches and revoke nothing', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  const server = await serverOf(t, issuer)
  const { issuer: iss } = issuer
  const honest = await tokenOf({ iss, sid: 'session-1' })
  const [head = '', payload, signature] = (await logoutToken(other, { iss })).split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const forged = (kid: string) =>
    `${Buffer.from(JSON.stringify({ ...header, kid })).toString('base64url')}.${payload}.${signature}`
  const knownKid = await logoutToken(sameKid, { iss })
  const checks = new Set<string>()
  for (let sent = 0; sent < 10_000; sent += 100) {
    const flood = Array.from({ length: 100 }, (_, index) =>
      server
        .revokeByLogoutToken(index % 10 === 0 ? knownKid : forged(`${sent + index}`), OPTIONS)
        .catch((error) => void checks.add(error.check)),
    )
    await server.verify(honest)
    await Promise.all(flood)
  }
  t.strictSame([...checks].sort(), ['key', 'signature'])
  t.equal(server.statistics().logoutTokens.rejected, 10_000)
  t.equal(issuer.count('/keys'), 2)
  issuer.respond('/keys', json({ keys: [key.publicJwk, other.publicJwk] }))
  await server.verify(await sign(other, { iss, sid: 'session-1' }))
  t.equal(issuer.count('/keys'), 3, 'the budget of access tokens was not used')
})

t.test('forged tokens that wait for keys keep no token with a cached key waiting', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  t.teardown(() => issuer.close())
  const { issuer: iss } = issuer
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: iss,
    audience: AUDIENCE,
    backchannelLogout: { path: '/logout', clientIds: [CLIENT_ID] },
    securityEvents: { issuer: iss, audience: STREAM, push: { path: '/events' } },
  })
  const post = (url: string, type: string, payload: string) =>
    app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload })
  const logout = async (key: TestKey) =>
    post(
      '/logout',
      'application/x-www-form-urlencoded',
      `logout_token=${await logoutToken(key, { iss })}`,
    )
  const event = async (key: TestKey) =>
    post('/events', 'application/secevent+jwt', await eventToken(key, { iss }))
  await app.resourceServer.refreshKeys()
  issuer.respond('/keys', () => {})
  const forged: Promise<number>[] = []
  for (let sent = 0; sent < 300; sent++) {
    for (const send of [logout, event]) forged.push(send(other).then((sent) => sent.statusCode))
  }
  const first = await Promise.race(forged)
  t.equal(first, 503, 'further forged tokens do not wait')
  t.equal((await logout(key)).statusCode, 200)
  t.equal((await event(key)).statusCode, 202)
  issuer.respond('/keys', json({ keys: [] }))
  t.equal(issuer.count('/keys'), 2)
})

t.test(
  'forged tokens that wait for the function as issuer keep no other token waiting',
  async (t) => {
    const TENANT = 'https://tenant.example'
    const issuer = (iss: string) =>
      iss === TENANT ? { jwks: { keys: [key.publicJwk] } } : new Promise<undefined>(() => {})
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(resourceServer, {
      issuer,
      audience: AUDIENCE,
      backchannelLogout: { path: '/logout', clientIds: [CLIENT_ID] },
    })
    const send = async (key: TestKey, iss: string) =>
      app.inject({
        method: 'POST',
        url: '/logout',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: `logout_token=${await logoutToken(key, { iss })}`,
      })
    t.equal((await send(key, TENANT)).statusCode, 200)
    const forged: Promise<unknown>[] = []
    for (let sent = 0; sent < 300; sent++) forged.push(send(other, `https://${sent}.example`))
    t.match(await Promise.race(forged), { statusCode: 503, headers: { 'retry-after': '1' } })
    t.equal((await send(key, TENANT)).statusCode, 200)
  },
)

t.test('accepts a logout token that is signed with a new key', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  let now = Date.now()
  const server = await serverOf(t, issuer, { now: () => now })
  const { issuer: iss } = issuer
  await server.verify(await tokenOf({ iss }))
  issuer.respond('/keys', json({ keys: [other.publicJwk] }))
  await server.revokeByLogoutToken(await logoutToken(other, { iss }), OPTIONS)
  issuer.respond('/keys', json({ keys: [sameKid.publicJwk, other.publicJwk] }))
  now += 31_000
  const iat = seconds(now)
  const replaced = await logoutToken(sameKid, { iss, iat, exp: iat + 60 })
  await server.revokeByLogoutToken(replaced, OPTIONS)
  t.equal(issuer.count('/keys'), 3)
})

t.test('accepts a key that replaces another under the same kid', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  const server = await serverOf(t, issuer)
  const { issuer: iss } = issuer
  await server.verify(await tokenOf({ iss }))
  issuer.respond('/keys', json({ keys: [sameKid.publicJwk] }))
  await server.revokeByLogoutToken(await logoutToken(sameKid, { iss }), OPTIONS)
  t.equal(issuer.count('/keys'), 2)
})

t.test('in an outage, gives each caller an error of its own, with one fetch', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  const server = await serverOf(t, issuer)
  const { issuer: iss } = issuer
  await server.verify(await tokenOf({ iss }))
  issuer.respond('/keys', status(500))
  const unknown = await logoutToken(other, { iss })
  const errors = await Promise.all(
    [1, 2].map(() => server.revokeByLogoutToken(unknown, OPTIONS).catch((error) => error)),
  )
  for (const error of errors) t.equal(error.name, 'KeysUnavailableError')
  t.not(errors[0], errors[1])
  t.equal(issuer.count('/keys'), 2)
  const replaced = server.revokeByLogoutToken(await logoutToken(sameKid, { iss }), OPTIONS)
  await t.rejects(replaced, { name: 'KeysUnavailableError' })
})

t.test('works with a function as issuer, and with a secret beside keys', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  const { issuer: iss } = issuer
  const secret = 's'.repeat(32)
  const server = await serverOf(t, issuer, {
    issuer: () => ({
      algorithms: ['ES256', 'HS256'],
      secret,
      dangerouslyAllowSecretWithKeys: true,
      jwks: {},
    }),
    jwks: {},
  })
  await server.revokeByLogoutToken(await logoutToken(key, { iss }), OPTIONS)
  await t.rejects(server.revokeByLogoutToken(await logoutToken(other, { iss }), OPTIONS), by('key'))
  t.equal(issuer.count('/keys'), 2)
})
