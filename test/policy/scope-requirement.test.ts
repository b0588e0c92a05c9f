/** The required scope, fixed or determined by a function for each request. */
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { resolveScopeImplies } from '../../src/access-token/scope-hierarchy.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import { compilePolicy, type Requirement } from '../../src/policy/requirement.js'
import { compileScope, scopeForChallenge, scopeTokens } from '../../src/policy/scope-requirement.js'

const clock = { now: () => 1_000, clockTolerance: 0 }

function tokenWith(scope: string, scopeImplies?: object) {
  return new AccessToken({
    raw: 'a.b.c',
    claims: { iss: 'https://issuer.example', aud: 'api', exp: 1, scope },
    reader: PROVIDERS.standard.profile(new Set()),
    hierarchy: resolveScopeImplies(scopeImplies),
  })
}

const check = (requirement: Requirement<string>, scope: string, context = 'read') =>
  compilePolicy(requirement, clock, undefined).check(tokenWith(scope), context)

t.test('a function determines the scope of each request', async (t) => {
  const policy = compilePolicy<string>(
    { scope: (operation) => `orders:${operation}` },
    clock,
    undefined,
  )
  const token = tokenWith('orders:read')
  t.equal(policy.check(token, 'read'), undefined)
  t.match(policy.check(token, 'write'), {
    code: 'insufficient_scope',
    scope: 'orders:write',
    reason: { check: 'scope', expected: 'orders:write' },
  })
  t.equal(policy.scope.isDynamic, true)
  t.equal(policy.canReturn403, true)
  t.same(policy.scope.fixed, { allOf: [], anyOf: [], scope: '' })
})

t.test('a function returns a string, an array, or an empty array for no scope', async (t) => {
  t.equal(check({ scope: () => 'a b' }, 'b a'), undefined)
  t.match(check({ scope: () => ['a', 'b'] }, 'a'), { scope: 'a b' })
  t.equal(check({ scope: () => [] }, 'x'), undefined)
  t.equal(check({ anyScope: () => ['a', 'b'] }, 'b'), undefined)
  t.match(check({ anyScope: () => ['a', 'b'] }, 'c'), {
    scope: 'a b',
    reason: { expected: 'a or b' },
  })
})

t.test('one challenge names what a function and a fixed requirement require', async (t) => {
  const requirement = { scope: () => 'a', anyScope: ['b', 'c'] }
  t.match(check(requirement, 'a'), { scope: 'a b c' })
  t.same(compilePolicy(requirement, clock, undefined).scope.fixed, {
    allOf: [],
    anyOf: ['b', 'c'],
    scope: 'b c',
  })
})

t.test(
  'a step-up error names the scope that the function requires, if it is missing',
  async (t) => {
    const requirement: Requirement<string> = { acr: 'gold', scope: (operation) => operation }
    t.match(check(requirement, 'read'), { requirements: { scope: '' } })
    t.match(check(requirement, 'read', 'write'), { requirements: { scope: 'write' } })
  },
)

t.test('a function that fails, or returns anything else, accepts no token', async (t) => {
  const results: unknown[] = [
    undefined,
    null,
    '',
    ' ',
    'a  b',
    'a"b',
    'a\r\nx: y',
    [''],
    ['a b'],
    [undefined],
    true,
    7,
    {},
    Promise.resolve('read'),
    Promise.reject(new Error('rejected')),
    new (class extends Promise<string> {})((resolve) => resolve('read')),
  ]
  for (const result of results) {
    for (const name of ['scope', 'anyScope']) {
      t.throws(() => check({ [name]: () => result } as never, 'read'), {
        message: `The function "${name}" failed`,
        cause: { message: /must have one or more scope tokens/ },
      })
    }
  }
  t.throws(() => check({ anyScope: () => [] }, 'read'), {
    message: 'The function "anyScope" failed',
  })
  const cause = new Error('postgres://user:secret@db')
  const throwing = () => {
    throw cause
  }
  t.throws(() => check({ scope: throwing }, 'read'), {
    message: 'The function "scope" failed',
    cause,
  })
})

t.test('an array that changes while it is read does not reach a header', async (t) => {
  let reads = 0
  const array = new Proxy(['read'], {
    get: (target, key, receiver) =>
      key === '0' && ++reads > 1 ? 'a"\r\n' : Reflect.get(target, key, receiver),
  })
  t.equal(check({ scope: () => array }, 'read'), undefined)
  t.equal(reads, 1)
})

t.test('a broader scope satisfies requirements, and stays out of the scope', async (t) => {
  const token = tokenWith('orders', { orders: ['orders:read', 'orders:write'] })
  const policy = (requirement: Requirement) =>
    compilePolicy(requirement, clock, undefined).check(token, undefined)
  t.equal(policy({ scope: 'orders:read orders:write' }), undefined)
  t.equal(policy({ anyScope: ['other', 'orders:write'] }), undefined)
  t.equal(policy({ scope: () => 'orders:read' }), undefined)
  t.match(policy({ scope: 'admin' }), { scope: 'admin' })
  t.same([...token.scope], ['orders'])
  t.ok(token.hasScope('orders', 'orders:read'))
  t.notOk(token.hasScope('orders:read', 'admin'))
  t.notOk(tokenWith('orders:read', { orders: ['orders:read'] }).hasScope('orders'))
})

t.test('tells the operator why a token has no scope', async (t) => {
  const reader = {
    ...PROVIDERS.standard.profile(new Set()),
    scopeHint: () => 'access tokens of Acme have no scope: require roles',
  }
  const token = (scope?: string) =>
    new AccessToken({
      raw: 'a.b.c',
      claims: { iss: 'https://issuer.example', exp: 1, scope },
      reader,
    })
  const reasonOf = (requirement: Requirement<string>, scope?: string) =>
    compilePolicy(requirement, clock, undefined).check(token(scope), 'read')
  const hint = '(access tokens of Acme have no scope: require roles)'
  t.match(reasonOf({ scope: 'a b' }), {
    scope: 'a b',
    message: 'The access token lacks the required scope',
    reason: { expected: `a b ${hint}` },
  })
  t.match(reasonOf({ anyScope: ['a', 'b'] }), { reason: { expected: `a or b ${hint}` } })
  t.match(reasonOf({ scope: 'a' }, 'b'), { reason: { expected: 'a' } }, 'the token has a scope')
})

t.test('rfc9068: tells the operator that the scope of a token is an array', async (t) => {
  const reader = PROVIDERS.rfc9068.profile(new Set())
  const reasonOf = (scope: unknown) => {
    const claims = { iss: 'https://issuer.example', exp: 1, scope }
    const token = new AccessToken({ raw: 'a.b.c', claims, reader })
    return compilePolicy<string>({ scope: 'a' }, clock, undefined).check(token, 'read')
  }
  t.match(reasonOf(['a']), {
    reason: { expected: /^a \("scope" must be a string, found an array: .* standard\)$/ },
  })
  t.match(reasonOf(undefined), { reason: { expected: 'a' } })
})

t.test('invalid scope tokens are errors that say how to write them', async (t) => {
  const rule =
    'must have one or more scope tokens: printable ASCII without spaces, quotation marks or backslashes'
  const invalid: [unknown, string][] = [
    [{ scope: 'a  b' }, `"scope" ${rule}, in an array or delimited by single spaces`],
    [{ anyScope: ['a b'] }, `"anyScope" ${rule}`],
    [{ anyScope: 'a' }, `"anyScope" ${rule}`],
  ]
  for (const [requirement, message] of invalid) {
    t.throws(() => compilePolicy(requirement as Requirement, clock, undefined), {
      message: new RegExp(`^${message}$`),
    })
  }
  t.throws(() => scopeTokens('requireScope', []), {
    message: `"requireScope" ${rule}, each as an argument`,
  })
  t.throws(() => check({ anyScope: (() => 'a b') as never }, 'a'), /"anyScope" failed/)
})

t.test('a challenge names no scope if the function fails', async (t) => {
  const scope = compileScope({
    scope: () => {
      throw new Error('no operation')
    },
  })
  t.equal(scope.fixed.scope, '')
  t.equal(compileScope({ anyScope: () => ['a'] }).fixed.scope, '')
  t.equal(scopeForChallenge(scope, undefined), '')
})
