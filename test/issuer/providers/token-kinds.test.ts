/** The profiles of providers tell access tokens from other tokens, and users from clients. */
import t from 'tap'
import type { AccessTokenClaims } from '../../../src/index.js'
import { PROVIDERS, type ProfileName } from '../../../src/issuer/providers/providers.js'

const profileOf = (name: ProfileName) => PROVIDERS[name].profile(new Set())
const claimsOf = (claims: object) => claims as AccessTokenClaims

t.test('tells the kind of the subject', async (t) => {
  const session = { refreshTokenHash1: 'a', sessionHandle: 's' }
  const rows: readonly [ProfileName, claims: object, kind: string][] = [
    ['supabase', { is_anonymous: false }, 'user'],
    ['supabase', { is_anonymous: true }, 'anonymous'],
    ['supabase', { is_anonymous: 'false' }, 'unknown'],
    ['firebase', { firebase: { sign_in_provider: 'custom' } }, 'user'],
    ['firebase', { firebase: { sign_in_provider: 'anonymous' } }, 'anonymous'],
    ['google', { email: 'a@b.iam.gserviceaccount.com', email_verified: true }, 'client'],
    ['google', { email: 'ada@example.com', email_verified: true }, 'user'],
    ['google', { email: 'a@b.iam.gserviceaccount.com', email_verified: false }, 'unknown'],
    ['google', { sub: '103547991597142817347' }, 'unknown'],
    ['workos', { sub: 'user_1', sid: 's' }, 'user'],
    ['workos', { sub: 'client_1', client_id: 'client_1' }, 'client'],
    ['workos', { sub: 'other' }, 'unknown'],
    ['better-auth', { sub: 'u', client_id: 'c' }, 'user'],
    ['better-auth', { sub: 'c', client_id: 'c' }, 'client'],
    ['better-auth', { sub: 'u', id: 'u' }, 'user'],
    ['better-auth', { sub: 'u', id: 'u', isAnonymous: true }, 'anonymous'],
    ['better-auth', { sub: 'u', client_id: 'c', isAnonymous: true }, 'anonymous'],
    ['better-auth', { sub: 'u', id: 'u', isAnonymous: null }, 'user'],
    ['better-auth', { sub: 'u', id: 'u', isAnonymous: 1 }, 'unknown'],
    ['better-auth', { sub: 'u', client_id: 'c', isAnonymous: 'true' }, 'unknown'],
    ['better-auth', { sub: 'u' }, 'unknown'],
    ['kinde', { sub: 'kp_1' }, 'user'],
    ['kinde', { gty: ['client_credentials'] }, 'client'],
    ['kinde', { sub: 'other' }, 'unknown'],
    ['kinde', {}, 'unknown'],
    ['logto', { sub: 'u', client_id: 'c' }, 'user'],
    ['logto', { sub: 'c', client_id: 'c' }, 'client'],
    ['descope', { sub: 'u', amr: ['email'] }, 'user'],
    ['descope', { sub: 'u', danu: true, amr: ['email'] }, 'anonymous'],
    ['descope', { sub: 'u', danu: 'true', amr: ['email'] }, 'unknown'],
    ['descope', { sub: 'u', danu: false, amr: ['email'] }, 'user'],
    ['descope', { sub: 'c', client_id: 'c' }, 'client'],
    ['descope', { sub: 'k' }, 'unknown'],
    ['stytch', { sub: 'user-test-1' }, 'user'],
    ['stytch', { sub: 'm2m-client-test-1' }, 'client'],
    ['stytch', { sub: 'other' }, 'unknown'],
    ['stytch', {}, 'unknown'],
    ['supertokens', session, 'user'],
    ['supertokens', { sub: 'c', client_id: 'c', stt: 1 }, 'client'],
    ['supertokens', { sub: 'u', client_id: 'c', stt: 1 }, 'unknown'],
  ]
  for (const [name, claims, kind] of rows) {
    t.equal(
      profileOf(name).subjectKind(claimsOf(claims)),
      kind,
      `${name} ${JSON.stringify(claims)}`,
    )
  }
})

t.test('J8: accepts the claims of access tokens only', async (t) => {
  const session = { 'https://stytch.com/session': { id: 's' } }
  const rows: readonly [ProfileName, claims: object, isAccessToken: boolean][] = [
    ['supabase', { session_id: 1 }, false],
    ['firebase', { firebase: { sign_in_provider: 1 } }, false],
    ['firebase', { firebase: [] }, false],
    ['workos', { client_id: 'c' }, true],
    ['workos', { sid: 1 }, false],
    ['better-auth', { sub: 'u' }, true],
    ['better-auth', { sub: 'u', nonce: 'n' }, false],
    ['better-auth', { sub: 'u', auth_time: 1 }, false],
    ['kinde', { scp: 'openid' }, false],
    ['kinde', { scp: [] }, true],
    ['descope', { scope: 'openid' }, true],
    ['descope', { scope: 'openid', drn: 'DSR' }, false],
    ['descope', { drn: 'DS', nonce: 'n' }, false],
    ['descope', {}, false],
    ['stytch', session, true],
    ['stytch', { scope: 'openid' }, true],
    ['stytch', { 'https://stytch.com/session': { id: 1 } }, false],
    ['supertokens', { stt: 1 }, true],
    ['supertokens', { stt: 0, sessionHandle: 's', refreshTokenHash1: 'a' }, true],
    ['supertokens', { stt: 0, sessionHandle: 's' }, false],
    ['supertokens', { refreshTokenHash1: 'a' }, false],
    ['supertokens', { stt: 2, sessionHandle: 's', refreshTokenHash1: 'a' }, false],
    ['supertokens', { stt: '1' }, false],
  ]
  for (const [name, claims, isAccessToken] of rows) {
    const rejection = profileOf(name).checkAccessToken?.(claimsOf(claims), {})
    t.equal(rejection === undefined, isAccessToken, `${name} ${JSON.stringify(claims)}`)
  }
})

t.test('rejects a Stytch session that hides its impersonator', async (t) => {
  const { checkAccessToken } = profileOf('stytch')
  const isRejected = (authentication_factors: unknown) =>
    checkAccessToken?.(
      claimsOf({ 'https://stytch.com/session': { id: 's', authentication_factors } }),
      {},
    ) !== undefined
  const impersonated = (impersonator_id: unknown) => ({ impersonated_factor: { impersonator_id } })
  for (const factors of [
    undefined,
    null,
    [],
    [{}],
    [{ type: 'password', impersonated_factor: null }],
    [{ type: 'password' }, impersonated('agent')],
  ]) {
    t.notOk(isRejected(factors), JSON.stringify(factors))
  }
  for (const factors of [
    'none',
    {},
    [null],
    ['impersonated'],
    [impersonated(undefined)],
    [impersonated(1)],
    [{ impersonated_factor: 'agent' }],
    [{ impersonated_factor: [] }],
    [{ type: 'impersonated' }],
    [impersonated('agent'), impersonated(['agent'])],
  ]) {
    t.ok(isRejected(factors), JSON.stringify(factors))
  }
})

t.test('J5: without an audience, rejects tokens for another recipient', async (t) => {
  for (const [name, claims] of [
    ['workos', { sid: 's' }],
    ['descope', { drn: 'DS' }],
    ['supertokens', { stt: 1 }],
  ] as const) {
    const isRejected = (aud: object, audience: readonly string[] = []) => {
      const { checkAccessToken } = PROVIDERS[name].profile(new Set(audience))
      return checkAccessToken?.(claimsOf({ ...claims, ...aud }), {}) !== undefined
    }
    t.notOk(isRejected({}), name)
    t.notOk(isRejected({ aud: [] }), `${name}: empty`)
    t.ok(isRejected({ aud: 'other' }), `${name}: a string`)
    t.ok(isRejected({ aud: ['other'] }), `${name}: an array`)
    t.notOk(isRejected({ aud: 'other' }, ['api']), `${name}: the check of "aud" decides`)
  }
})

t.test('reads claims that the fixtures lack', async (t) => {
  const betterAuth = profileOf('better-auth')
  t.same(betterAuth.roles(claimsOf({ role: 'admin, editor,' })), ['admin', 'editor'])
  const workos = profileOf('workos')
  t.same(workos.roles(claimsOf({ role: 'member' })), ['member'])
  t.same(workos.scope(claimsOf({ scope: 'a b' })), ['a', 'b'])
  const stytch = profileOf('stytch')
  t.equal(stytch.clientId(claimsOf({ sub: 'm2m-client-test-1' })), 'm2m-client-test-1')
  t.equal(stytch.clientId(claimsOf({ sub: 'user-test-1', client_id: 'app' })), 'app')
  const factor = (impersonator_id: unknown) => ({ impersonated_factor: { impersonator_id } })
  const factors = (authentication_factors: unknown) =>
    claimsOf({ 'https://stytch.com/session': { authentication_factors } })
  t.match(stytch.actors(factors([{}, factor(1), factor('agent')])), [{ subject: 'agent' }])
  t.same(stytch.actors(factors('none')), [])
  const supertokens = profileOf('supertokens')
  const oauth = claimsOf({ scp: ['a'], roles: ['admin'], permissions: ['p'], client_id: 'c' })
  t.same(supertokens.scope(oauth), ['a'])
  t.same(supertokens.roles(oauth), ['admin'])
  t.same(supertokens.permissions(oauth), ['p'])
  t.equal(supertokens.clientId(oauth), 'c')
  t.same(profileOf('descope').scope(claimsOf({ scope: 'a' })), ['a'])
})

t.test('states why a token has no scope', async (t) => {
  for (const name of [
    'supabase',
    'firebase',
    'google',
    'workos',
    'better-auth',
    'descope',
    'stytch',
    'supertokens',
  ] as const) {
    t.match(profileOf(name).scopeHint?.(claimsOf({})), /require/, name)
  }
  t.equal(profileOf('better-auth').scopeHint?.(claimsOf({ client_id: 'c' })), undefined)
})
