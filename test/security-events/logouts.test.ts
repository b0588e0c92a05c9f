/** What a logout token revokes, once, also while stores or keys are unavailable. */
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type IssuerResolver,
  memoryStore,
  onDiagnostics,
  type ResourceServerOptions,
} from '../../src/index.js'
import { IndeterminateError } from '../../src/stores/store.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json, startKeyServer, status } from '../fixtures/key-server.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'

/** Returns a rejection as a pattern for `t.rejects`. */
const by = (check: string) => ({ name: 'InvalidTokenError', check })

const REVOKED = { name: 'InvalidTokenError', check: 'revocation' }
const OPTIONS = { clientId: CLIENT_ID }

async function serverWith(t: Test, options: Partial<ResourceServerOptions> = {}) {
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

t.test('without sid, revokes the tokens of the user up to the same second', async (t) => {
  const server = await serverWith(t)
  const iat = seconds() - 5
  const { revoked } = await server.revokeByLogoutToken(
    await logoutToken(key, { sid: undefined, iat }),
    OPTIONS,
  )
  t.equal(revoked, 'user')
  await t.rejects(server.verify(await tokenOf({ iat, sid: 'any' })), REVOKED)
  await server.verify(await tokenOf({ iat: iat + 1, sid: 'any' }))
  await server.verify(await tokenOf({ iat, sub: 'user-2' }))
})

t.test('with sid, also revokes tokens that the issuer issued slightly later', async (t) => {
  const server = await serverWith(t, { clockTolerance: 2 })
  const iat = seconds() - 5
  await server.revokeByLogoutToken(await logoutToken(key, { iat }), OPTIONS)
  await t.rejects(server.verify(await tokenOf({ iat: iat + 2, sid: 'session-1' })), REVOKED)
  await server.verify(await tokenOf({ iat: iat + 3, sid: 'session-1' }))
  await server.verify(await tokenOf({ iat, sid: 'session-2' }))
  await server.verify(await tokenOf({ iat }))
})

t.test("revokes 'user': all sessions, for access tokens without a session ID", async (t) => {
  const server = await serverWith(t)
  const byUser = { ...OPTIONS, revokes: 'user' } as const
  t.match(await server.revokeByLogoutToken(await logoutToken(key), byUser), { revoked: 'user' })
  await t.rejects(server.verify(await tokenOf({ iat: seconds() - 5 })), REVOKED)
  const onlySession = await logoutToken(key, { sub: undefined, sid: 'session-3' })
  t.match(await server.revokeByLogoutToken(onlySession, byUser), { revoked: 'session' })
  await t.rejects(server.verify(await tokenOf({ sub: 'user-2', sid: 'session-3' })), REVOKED)
})

t.test('L1: accepts a logout token once', async (t) => {
  const server = await serverWith(t)
  const token = await logoutToken(key)
  await server.revokeByLogoutToken(token, OPTIONS)
  await t.rejects(server.revokeByLogoutToken(token, OPTIONS), {
    check: 'replay',
    message: 'The logout token was used before',
  })
  t.strictSame(server.statistics().logoutTokens, { accepted: 1, rejected: 1, failed: 0 })
})

t.test('L1: accepts a logout token once on instances that share a store', async (t) => {
  const stores = { replay: memoryStore() }
  const [one, two] = [await serverWith(t, { stores }), await serverWith(t, { stores })]
  const token = await logoutToken(key)
  const results = await Promise.allSettled([
    one.revokeByLogoutToken(token, OPTIONS),
    two.revokeByLogoutToken(token, OPTIONS),
  ])
  t.strictSame(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(
    results.find(({ status }) => status === 'rejected'),
    { reason: { check: 'replay' } },
  )
})

t.test('accepts the same jti of two issuers', async (t) => {
  const other = await makeKey('ES256', 'other')
  const OTHER = 'https://other.example'
  const server = await serverWith(t, {
    jwks: {},
    issuer: [
      { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
      { issuer: OTHER, jwks: { keys: [other.publicJwk] } },
    ],
  } as never)
  const token = await logoutToken(other, { iss: OTHER, jti: 'j' })
  t.equal((await server.revokeByLogoutToken(token, OPTIONS)).issuer, OTHER)
  await server.verify(await tokenOf({ sid: 'session-1' }))
  await t.rejects(server.verify(await sign(other, { iss: OTHER, sid: 'session-1' })), REVOKED)
  await server.revokeByLogoutToken(await logoutToken(key, { jti: 'j' }), OPTIONS)
  const forged = await logoutToken(other, { jti: 'k' })
  await t.rejects(server.revokeByLogoutToken(forged, OPTIONS), by('key'))
})

t.test('publishes accepted and rejected logout tokens', async (t) => {
  const server = await serverWith(t)
  const published: unknown[] = []
  t.teardown(onDiagnostics('logout:accept', (message) => void published.push(message)))
  t.teardown(onDiagnostics('logout:reject', ({ error }) => void published.push(error.check)))
  await server.revokeByLogoutToken(await logoutToken(key), OPTIONS)
  await t.rejects(server.revokeByLogoutToken('x', OPTIONS))
  t.strictSame(published, [{ issuer: ISSUER, revoked: 'session' }, 'token'])
})

t.test('with a function as issuer, passes the context', async (t) => {
  const contexts: unknown[] = []
  const issuer: IssuerResolver = (_iss, context) => {
    contexts.push(context)
    return { jwks: { keys: [key.publicJwk] } }
  }
  const server = await serverWith(t, { issuer, jwks: {} })
  await server.revokeByLogoutToken(await logoutToken(key), OPTIONS, 'context')
  t.strictSame(contexts, ['context'])
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' }), undefined, 'x'), REVOKED)
})

t.test('a function as issuer that throws is counted as a failure', async (t) => {
  const issuer = () => {
    throw new Error('no database')
  }
  const server = await serverWith(t, { issuer, jwks: {} })
  await t.rejects(server.revokeByLogoutToken(await logoutToken(key), OPTIONS), /issuer/)
  t.strictSame(server.statistics().logoutTokens, { accepted: 0, rejected: 0, failed: 1 })
})

t.test('rejects with 503 if the revocation store fails, and accepts the token again', async (t) => {
  const store = faultyStore()
  const server = await serverWith(t, { stores: { revocations: store } })
  const token = await logoutToken(key)
  store.failing.add('mergeRevocations')
  await t.rejects(server.revokeByLogoutToken(token, OPTIONS), {
    name: 'StoreUnavailableError',
    statusCode: 503,
    headers: { 'retry-after': '1' },
  })
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  t.strictSame(server.statistics().logoutTokens, { accepted: 0, rejected: 0, failed: 1 })
  store.failing.clear()
  await server.revokeByLogoutToken(token, OPTIONS)
})

t.test('rejects with 503 if the replay store fails, although the session ended', async (t) => {
  const store = faultyStore()
  const lines: unknown[] = []
  const logger = { warn: (_details: object, message: string) => void lines.push(message) }
  const server = await serverWith(t, { stores: { replay: store }, logger })
  store.failing.add('add')
  const token = await logoutToken(key)
  await t.rejects(server.revokeByLogoutToken(token, OPTIONS), { name: 'StoreUnavailableError' })
  t.strictSame(lines, ['replay store unavailable; logout token got 503'])
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  store.failing.clear()
  await server.revokeByLogoutToken(token, OPTIONS)
})

t.test('a replay store that fails to look up a logout token hinders no revocation', async (t) => {
  for (const faults of ['failing', 'hanging'] as const) {
    const store = Object.assign(faultyStore(), { callTimeout: 50 })
    const server = await serverWith(t, { stores: { replay: store } })
    store[faults].add('get')
    const token = await logoutToken(key)
    await t.rejects(server.revokeByLogoutToken(token, OPTIONS), { name: 'StoreUnavailableError' })
    await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
    store[faults].clear()
    await server.revokeByLogoutToken(token, OPTIONS)
  }
})

t.test('a logout token is remembered only after its revocation is stored', async (t) => {
  const replay = memoryStore()
  const revocations = faultyStore()
  let store = () => {}
  const stored = new Promise<void>((resolve) => {
    store = resolve
  })
  let writes = 0
  revocations.mergeRevocations = () => {
    writes++
    return stored
  }
  const ending = await serverWith(t, { stores: { replay, revocations } })
  const token = await logoutToken(key)
  const interrupted = t.rejects(ending.revokeByLogoutToken(token, OPTIONS), by('replay'))
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(writes, 1)
  const other = await serverWith(t, { stores: { replay, revocations: memoryStore() } })
  await other.revokeByLogoutToken(token, OPTIONS)
  await t.rejects(other.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
  store()
  await interrupted
})

t.test('fails if no more revocations are possible', async (t) => {
  const store = faultyStore()
  const server = await serverWith(t, { stores: { replay: store }, revocations: { maxEntries: 1 } })
  await server.revoke({ jti: 'x' })
  const token = await logoutToken(key)
  await t.rejects(server.revokeByLogoutToken(token, OPTIONS), RangeError)
})

t.test('accepts a logout token that the store may have lost', async (t) => {
  const replay = Object.assign(faultyStore(), {
    add: () => Promise.reject(new IndeterminateError('may have lost entries')),
  })
  const server = await serverWith(t, { stores: { replay } })
  await server.revokeByLogoutToken(await logoutToken(key), OPTIONS)
  await t.rejects(server.verify(await tokenOf({ sid: 'session-1' })), REVOKED)
})

t.test('rejects with 503 while the issuer is unavailable', async (t) => {
  const issuer = await startKeyServer([key.publicJwk])
  t.teardown(() => issuer.close())
  issuer.respond('/keys', status(500))
  const server = await serverWith(t, { issuer: issuer.issuer, audience: AUDIENCE, jwks: {} })
  const token = await logoutToken(key, { iss: issuer.issuer })
  await t.rejects(server.revokeByLogoutToken(token, OPTIONS), {
    name: 'KeysUnavailableError',
    headers: { 'retry-after': /^\d+$/ },
  })
  issuer.respond('/keys', json({ keys: [key.publicJwk] }))
})
