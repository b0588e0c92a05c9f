import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { InsufficientScopeError } from '../../src/errors/errors.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import { compilePolicy as compile, type Requirement } from '../../src/policy/requirement.js'

const token = new AccessToken({
  raw: 'a.b.c',
  claims: {
    iss: 'https://issuer.example',
    aud: 'api',
    exp: 1,
    sub: 'user-1',
    tenant: 'acme',
    scope: 'read write',
  },
  reader: PROVIDERS.standard.profile(new Set()),
})

const compilePolicy = (requirement: Requirement<string>) =>
  compile(requirement, { now: () => 0, clockTolerance: 0 }, undefined)

const check = (requirement: Requirement<string>, context = 'context') =>
  compilePolicy(requirement).check(token, context)

t.test('an empty requirement accepts every token synchronously', async (t) => {
  t.equal(check({}), undefined)
  t.equal(check({ scope: 'read write', anyScope: ['read'], claims: { tenant: 'acme' } }), undefined)
  t.equal(check({ authorize: () => true }), undefined)
})

t.test('B8: the rejection names the required scope', async (t) => {
  t.equal(compilePolicy({}).scope.fixed.scope, '')
  t.equal(compilePolicy({ scope: 'a b' }).scope.fixed.scope, 'a b')
  t.equal(compilePolicy({ scope: ['a', 'b'], anyScope: ['b', 'c'] }).scope.fixed.scope, 'a b c')
  t.equal(compilePolicy({ scope: 'a a' }).scope.fixed.scope, 'a', 'each token once')
  t.match(check({ scope: 'read admin' }), {
    statusCode: 403,
    code: 'insufficient_scope',
    scope: 'read admin',
    message: 'The access token lacks the required scope',
    reason: { check: 'scope', expected: 'read admin' },
  })
  t.match(check({ anyScope: ['a', 'b'] }), {
    scope: 'a b',
    reason: { check: 'scope', expected: 'a or b' },
  })
})

t.test('a rejection for another reason than scope names no scope', async (t) => {
  const message = 'The access token does not permit this request'
  t.match(check({ scope: 'read', claims: { tenant: 'other' } }), {
    scope: '',
    message,
    reason: { check: 'policy', expected: 'the required claim "tenant"' },
  })
  t.match(check({ scope: 'read', authorize: () => false }), {
    scope: '',
    message,
    reason: { check: 'policy', expected: 'true from "authorize"' },
  })
})

t.test('authorize gets the token and the context, and may return a promise', async (t) => {
  const calls: unknown[] = []
  const authorize = async (...args: unknown[]) => {
    calls.push(args)
    return true
  }
  await check({ authorize })
  t.same(calls, [[token, 'context']])
  await t.rejects(async () => check({ authorize: async () => false }), InsufficientScopeError)
  const failure = new Error('ours')
  const fail = () => {
    throw failure
  }
  const expected = { message: 'The function "authorize" failed', cause: failure }
  t.throws(() => check({ authorize: fail }), expected)
  await t.rejects(async () => check({ authorize: async () => fail() }), expected)
})

t.test('later changes of the given objects have no effect', async (t) => {
  const requirement = {
    scope: ['admin'],
    anyScope: ['root'],
    claims: { tenant: ['other'] } as Record<string, string[]>,
  }
  const policies = [
    compilePolicy({ scope: requirement.scope }),
    compilePolicy({ anyScope: requirement.anyScope }),
    compilePolicy({ claims: requirement.claims }),
  ]
  requirement.scope.length = 0
  requirement.anyScope.push('read')
  requirement.claims.tenant?.push('acme')
  for (const policy of policies) t.match(policy.check(token, ''), InsufficientScopeError)
  t.equal(policies[1]?.scope.fixed.scope, 'root')
})

t.test('rejects an unknown key', async (t) => {
  for (const mistake of [{ scopes: 'admin' }, 'admin', ['admin'], null, new Map(), 1]) {
    t.throws(() => compilePolicy(mistake as never), TypeError, JSON.stringify(mistake))
  }
  t.throws(() => compilePolicy({ realm: 'a' } as never), {
    message: /option "realm" of a requirement/,
  })
})

t.test('tells which routes can respond with 403', async (t) => {
  const details = { authorizationDetails: { type: 'payment' } }
  const can: Requirement<string>[] = [
    { scope: 'a' },
    { claims: { a: 'b' } },
    { actor: 'none' },
    details,
  ]
  for (const requirement of can) t.equal(compilePolicy(requirement).canReturn403, true)
  for (const requirement of [{}, { maxAge: 1 }]) {
    t.equal(compilePolicy(requirement).canReturn403, false)
    t.same(compilePolicy(requirement).authorizationDetailsTypes, [])
  }
  t.same(compilePolicy(details).authorizationDetailsTypes, ['payment'])
  t.match(check(details), { reason: { expected: 'an authorization detail of the type "payment"' } })
})

t.test('rejects a member that is undefined', async (t) => {
  for (const key of ['scope', 'anyScope', 'acr', 'maxAge', 'claims', 'authorize']) {
    t.throws(() => compilePolicy({ [key]: undefined }), {
      name: 'TypeError',
      message: `"${key}" is undefined: set it or omit it`,
    })
  }
})
