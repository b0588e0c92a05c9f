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
  compile(requirement, { now: () => 0, clockTolerance: 0 })

const check = (requirement: Requirement<string>, context = 'context') =>
  compilePolicy(requirement).check(token, context)

t.test('nothing asked is nothing refused, and nothing awaited', async (t) => {
  t.equal(check({}), undefined)
  t.equal(check({ scope: 'read write', anyScope: ['read'], claims: { tenant: 'acme' } }), undefined)
  t.equal(check({ authorize: () => true }), undefined)
})

t.test('B8: the refusal names the scope that would do', async (t) => {
  t.equal(compilePolicy({}).scope, '')
  t.equal(compilePolicy({ scope: 'a b' }).scope, 'a b')
  t.equal(compilePolicy({ scope: ['a', 'b'], anyScope: ['b', 'c'] }).scope, 'a b c')
  t.equal(compilePolicy({ scope: 'a a' }).scope, 'a', 'each token once')
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

t.test('a refusal that is not about scope names none', async (t) => {
  const message = 'The access token does not permit this'
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

t.test('authorize gets token and context, and may answer later', async (t) => {
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

t.test('later changes of the objects that were given change nothing', async (t) => {
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
  t.equal(policies[1]?.scope, 'root')
})

t.test('a requirement with a key that is none is a mistake wherever it is compiled', async (t) => {
  for (const mistake of [{ scopes: 'admin' }, 'admin', ['admin'], null, new Map(), 1]) {
    t.throws(() => compilePolicy(mistake as never), TypeError, JSON.stringify(mistake))
  }
})

t.test('a part that is undefined is a mistake, and not a requirement of nothing', async (t) => {
  for (const key of ['scope', 'anyScope', 'acr', 'maxAge', 'claims', 'authorize']) {
    t.throws(() => compilePolicy({ [key]: undefined }), {
      name: 'TypeError',
      message: `"${key}" is undefined: set it or omit it`,
    })
  }
})
