/** L1: the rules of OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6. */
import t from 'tap'
import { createResourceServer, type LogoutTokenOptions } from '../../src/index.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { CLIENT_ID, EVENT, logoutClaims, logoutToken } from '../fixtures/logout-tokens.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'

/** Returns a rejection as a pattern for `t.rejects`. */
const by = (check: string) => ({ name: 'InvalidTokenError', check })

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const server = await createResourceServer(given() as Parameters<typeof createResourceServer>[0])
t.teardown(() => server.close())

const accept = (token: string, options: Partial<LogoutTokenOptions> = {}) =>
  server.revokeByLogoutToken(token, { clientId: CLIENT_ID, ...options })

t.test('L1: revokes the session of a valid logout token', async (t) => {
  const token = await tokenOf({ sid: 'session-1' })
  await server.verify(token)
  t.strictSame(await accept(await logoutToken(key)), {
    issuer: ISSUER,
    subject: 'user-1',
    sessionId: 'session-1',
    revoked: 'session',
  })
  await t.rejects(server.verify(token), REVOKED)
  await server.verify(await tokenOf({ sid: 'session-2' }))
})

const ACCEPTED: Record<string, [Record<string, unknown>, Record<string, unknown>?]> = {
  'typ of any case': [{}, { typ: 'application/Logout+JWT' }],
  'typ JWT': [{}, { typ: 'JWT' }],
  'no typ': [{}, { typ: undefined }],
  'no exp, as older issuers': [{ exp: undefined }],
  'several audiences': [{ aud: ['other', CLIENT_ID] }],
  'only sub': [{ sid: undefined }],
  'only sid': [{ sub: undefined }],
  'another event as well': [{ events: { [EVENT]: { a: 1 }, 'urn:other': {} } }],
  'the maximum age': [{ iat: seconds() - 290, exp: undefined }],
  'a fraction in iat': [{ iat: seconds() - 0.5 }],
}
for (const [what, [claims, header]] of Object.entries(ACCEPTED)) {
  t.test(`L1: accepts ${what}`, async () => {
    await accept(await logoutToken(key, claims, header ?? { typ: 'logout+jwt' }))
  })
}

const now = seconds()
const REJECTED: Record<string, [string, Record<string, unknown>, Record<string, unknown>?]> = {
  'the typ of an access token': ['type', {}, { typ: 'at+jwt' }],
  'the typ of a DPoP proof': ['type', {}, { typ: 'dpop+jwt' }],
  'the typ of a security event token': ['type', {}, { typ: 'secevent+jwt' }],
  'a nonce': ['type', { nonce: 'n' }],
  'a nonce that is null': ['type', { nonce: null }],
  'no events': ['type', { events: undefined }],
  'events as an array': ['type', { events: [EVENT] }],
  'events null': ['type', { events: null }],
  'another event only': ['type', { events: { 'urn:other': {} } }],
  'an event that is no object': ['type', { events: { [EVENT]: true } }],
  'an event that is an array': ['type', { events: { [EVENT]: [] } }],
  'another audience': ['audience', { aud: 'other' }],
  'the audience of the API': ['audience', { aud: AUDIENCE }],
  'no audience': ['audience', { aud: undefined }],
  'a number among the audiences': ['audience', { aud: [CLIENT_ID, 1] }],
  'no iat': ['claims', { iat: undefined }],
  'iat as a string': ['claims', { iat: `${now}` }],
  'iat in the future': ['issued-at', { iat: now + 60 }],
  'iat long ago': ['age', { iat: now - 340, exp: now + 60 }],
  'iat long ago without exp': ['age', { iat: now - 340, exp: undefined }],
  'exp in the past': ['expiry', { iat: now - 100, exp: now - 40 }],
  'exp as a string': ['claims', { exp: `${now + 60}` }],
  'exp null': ['claims', { exp: null }],
  'no jti': ['claims', { jti: undefined }],
  'an empty jti': ['claims', { jti: '' }],
  'a number as jti': ['claims', { jti: 1 }],
  'a long jti': ['claims', { jti: 'j'.repeat(257) }],
  'neither sid nor sub': ['claims', { sid: undefined, sub: undefined }],
  'a number as sid': ['claims', { sid: 1 }],
  'an empty sid': ['claims', { sid: '' }],
  'null as sub': ['claims', { sub: null }],
  'another issuer': ['issuer', { iss: 'https://other.example' }],
}
for (const [what, [check, claims, header]] of Object.entries(REJECTED)) {
  t.test(`L1: rejects ${what}`, async (t) => {
    const claimed = { sub: 'user-9', sid: 'session-9', ...claims }
    const token = await logoutToken(key, claimed, header ?? { typ: 'logout+jwt' })
    const error = await accept(token).catch((error) => error)
    t.match(error, { name: 'InvalidTokenError', check, code: 'invalid_token', headers: {} })
    t.match(error.message, /logout token/)
    t.notMatch(JSON.stringify(error.reason), /user-9|session-9/)
    await server.verify(await tokenOf({ sub: 'user-9', sid: 'session-9' }))
  })
}

t.test('L1: rejects tokens that no trusted key signed', async (t) => {
  const other = await makeKey('ES256', 'other')
  const sameKid = await makeKey('ES256')
  await t.rejects(accept(await logoutToken(other)), {
    check: 'key',
    message: 'The logout token is signed with an unknown key',
  })
  await t.rejects(accept(await logoutToken(sameKid)), {
    check: 'signature',
    message: 'The signature of the logout token is invalid',
  })
})

t.test('L1: rejects unsigned, malformed and large tokens', async (t) => {
  const [, payload] = (await logoutToken(key)).split('.')
  const header = Buffer.from('{"alg":"none","typ":"logout+jwt"}').toString('base64url')
  await t.rejects(accept(`${header}.${payload}.`), { name: 'InvalidTokenError' })
  await t.rejects(accept(`${header}.${payload}.AA`), by('algorithm'))
  await t.rejects(accept('x'), { check: 'token', message: 'The logout token is malformed' })
  await t.rejects(accept(await logoutToken(key, { x: 'x'.repeat(10_000) })), by('token'))
  const costly = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`c${index}`, [1]]))
  await t.rejects(accept(await logoutToken(await makeKey('ES256'), costly)), by('signature'))
  await t.rejects(accept(await logoutToken(key, { ...costly, nonce: 'n' })), by('type'))
  await t.rejects(accept(undefined as never), TypeError)
})

t.test('L1: an access token or an ID token is no logout token', async (t) => {
  await t.rejects(accept(await tokenOf({ aud: CLIENT_ID })), by('type'))
  const idToken = { aud: CLIENT_ID, nonce: 'n', sid: 'session-1', at_hash: 'x' }
  await t.rejects(accept(await sign(key, idToken, { header: { typ: 'JWT' } })), by('type'))
})

t.test('L3: a logout token is no access token', async (t) => {
  for (const typ of ['logout+jwt', 'JWT', 'at+jwt']) {
    const token = await sign(
      key,
      {},
      {
        header: { typ },
        payload: JSON.stringify(logoutClaims({ aud: AUDIENCE })),
      },
    )
    await t.rejects(server.verify(token), by('type'))
  }
})

t.test('names the option that is invalid', async (t) => {
  const token = await logoutToken(key)
  const invalid: [unknown, RegExp][] = [
    [undefined, /must be an object with clientId/],
    [{}, /"clientId" option must be the client IDs/],
    [{ clientId: [] }, /"clientId" option must be the client IDs/],
    [{ clientId: 'a', revokes: 'all' }, /"revokes" option must be 'session' or 'user'/],
    [{ clientId: 'a', maxAge: 5 }, /"maxAge" option must be a whole number of seconds from 10/],
    [{ client: 'a' }, /client/],
  ]
  for (const [options, message] of invalid) {
    await t.rejects(server.revokeByLogoutToken(token, options as never), {
      name: 'TypeError',
      message,
    })
  }
})
