import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { forge, NOW, serverFor } from '../fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const server = await serverFor([key])

async function verified(claims: Record<string, unknown> = {}): Promise<AccessToken> {
  return server.verify(forge(key, { claims }))
}

t.test('hashes the token as the `ath` of DPoP proofs', async (t) => {
  const token = await verified()
  t.equal(token.hash, createHash('sha256').update(token.raw, 'ascii').digest('base64url'))
  t.equal(token.hash, token.hash)
  t.notOk('hash' in { ...token }, 'loggers do not show it')
})

t.test('reads different claims into the same members', async (t) => {
  const token = await verified({ scope: 'a b a', nbf: NOW })
  t.ok(token instanceof AccessToken)
  t.match(token, {
    subject: 'user-1',
    clientId: 'client-1',
    issuer: ISSUER,
    audience: [AUDIENCE],
    expiresAt: NOW + 300,
    issuedAt: NOW - 10,
    claims: { sub: 'user-1', nbf: NOW },
  })
  t.strictSame([...token.scope], ['a', 'b'])
  const bare = await verified({
    sub: undefined,
    client_id: undefined,
    iat: undefined,
    scope: undefined,
    aud: ['x', AUDIENCE],
  })
  t.strictSame(
    [bare.subject, bare.clientId, bare.issuedAt, bare.scope.size],
    [undefined, undefined, undefined, 0],
  )
  t.strictSame(bare.audience, ['x', AUDIENCE])
})

t.test('compares scope tokens exactly', async (t) => {
  const token = await verified({ scope: 'orders:read profile' })
  t.ok(token.hasScope('profile'))
  t.ok(token.hasScope('profile', 'orders:read'))
  for (const other of ['Profile', 'orders', 'orders:*', 'orders:read profile', '', 'profile ']) {
    t.notOk(token.hasScope(other), JSON.stringify(other))
  }
  t.notOk(token.hasScope('profile', 'admin'))
  for (const mistaken of [[], [undefined], [['profile']], ['profile', null]]) {
    t.throws(() => token.hasScope(...(mistaken as string[])), {
      name: 'TypeError',
      message: 'hasScope() requires one or more scope tokens, each as an argument',
    })
  }
})

t.test('is immutable, because requests share it', async (t) => {
  const token = await verified({ roles: ['user'], realm_access: { roles: ['user'] } })
  const claims = token.claims as unknown as {
    sub: string
    roles: string[]
    realm_access: { roles: string[] }
  }
  const scope = token.scope as Set<string>
  for (const [title, change] of Object.entries({
    'a property': () => Object.assign(token, { subject: 'admin' }),
    'a new property': () => Object.assign(token, { admin: true }),
    'the raw token': () => Object.assign(token, { raw: 'x' }),
    'a claim': () => Object.assign(claims, { sub: 'admin' }),
    'a new claim': () => Object.assign(claims, { admin: true }),
    'the loss of a claim': () => Object.defineProperty(claims, 'sub', { value: undefined }),
    'an array in the claims': () => claims.roles.push('admin'),
    'a nested claim': () => claims.realm_access.roles.push('admin'),
    'the audience': () => (token.audience as string[]).push('x'),
    'a scope token more': () => scope.add('admin'),
    'a scope token less': () => scope.delete('profile'),
    'no scope': () => scope.clear(),
    'a role more': () => (token.roles as Set<string>).add('admin'),
    'the roles': () => Object.assign(token, { roles: new Set(['admin']) }),
    'whom it names': () => Object.assign(token, { subjectKind: 'user' }),
    'a group, where there is none': () => (token.groups as Set<string>).add('admin'),
  })) {
    t.throws(change, TypeError, title)
  }
  t.strictSame([...token.scope], ['orders:read', 'profile'])
  t.equal(token.subject, 'user-1')
})

t.test('reads roles, groups and permissions once, and shares an empty set', async (t) => {
  const token = await verified({ roles: ['user'], groups: ['red'] })
  t.equal(token.roles, token.roles)
  t.equal(token.groups, token.groups)
  t.equal(token.permissions, token.permissions)
  t.strictSame([...token.roles], ['user'])
  const bare = await verified({ scope: undefined })
  t.equal(bare.roles, token.permissions)
  t.equal(bare.scope, bare.roles)
  t.throws(() => (bare.scope as Set<string>).add('admin'), TypeError)
  t.equal(bare.permissions.size, 0)
})

t.test('prevents replacing the methods of the scope', async (t) => {
  const { scope } = await verified()
  t.ok(Object.isFrozen(scope))
  t.throws(() => Object.assign(scope, { has: () => true }), TypeError)
})

t.test('B10: does not show the raw token to loggers and serializers', async (t) => {
  const raw = forge(key)
  const token = await server.verify(raw)
  t.equal(token.raw, raw, 'available as a member')
  const shown = [
    JSON.stringify(token),
    JSON.stringify({ ...token }),
    inspect(token, { depth: 9 }),
    inspect(token, { showHidden: true, depth: 9 }),
    inspect(token, { getters: true, depth: 9 }),
    String(token),
    Object.keys(token).join(),
    Reflect.ownKeys(token).join(),
    JSON.stringify(Object.assign({}, token)),
  ].join('\n')
  for (const segment of raw.split('.'))
    t.notOk(shown.includes(segment), 'contains no segment of the token')
  t.notOk(Reflect.ownKeys(token).includes('raw'))
  t.strictSame(Object.keys(structuredClone({ ...token, scope: null })).includes('raw'), false)
})
