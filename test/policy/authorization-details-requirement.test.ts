/** Authorization details of a token (RFC 9396), and the requirement on them. */
import fc from 'fast-check'
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import type { AuthorizationDetail } from '../../src/access-token/authorization-details.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import type { AuthorizationDetailsRequirement } from '../../src/policy/authorization-details-requirement.js'
import { compilePolicy } from '../../src/policy/requirement.js'
import { introspectingApi } from '../fixtures/introspecting-api.js'
import { ISSUER } from '../fixtures/issuer.js'
import { bearer, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const clock = { now: () => 0, clockTolerance: 0 }
const RESOURCE = 'https://api.example.com/payments'

/** The example of RFC 9396 §2. */
const PAYMENT = {
  type: 'payment_initiation',
  actions: ['initiate', 'status', 'cancel'],
  locations: [RESOURCE],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
}

function tokenWith(authorization_details: unknown): AccessToken {
  return new AccessToken({
    raw: 'a.b.c',
    claims: { iss: ISSUER, aud: 'api', exp: 1, sub: 'ada', authorization_details },
    reader: PROVIDERS.standard.profile(new Set()),
  })
}

function accepts(
  authorizationDetails: AuthorizationDetailsRequirement,
  details: unknown,
  resource: string | undefined = RESOURCE,
): boolean {
  const policy = compilePolicy(
    { authorizationDetails },
    clock,
    resource === undefined ? undefined : { resource },
  )
  return policy.check(tokenWith(details), undefined) === undefined
}

t.test('A2: an element of the type grants what the route requires', async (t) => {
  t.ok(accepts({ type: 'payment_initiation' }, [PAYMENT]))
  t.ok(accepts({ type: 'payment_initiation', actions: 'initiate' }, [PAYMENT]))
  t.ok(accepts({ type: 'payment_initiation', actions: ['cancel', 'initiate'] }, [PAYMENT]))
  t.ok(accepts({ type: 'payment_initiation', locations: RESOURCE }, [PAYMENT], undefined))
  t.ok(accepts({ type: 'account', identifier: 'a-1' }, [{ type: 'account', identifier: 'a-1' }]))
  const admin = { type: 'account', datatypes: ['balance'], privileges: ['admin'] }
  t.ok(accepts({ type: 'account', datatypes: 'balance', privileges: 'admin' }, [PAYMENT, admin]))
})

t.test('A2: an element of another type grants nothing', async (t) => {
  for (const type of ['payment', 'Payment_initiation', 'payment_initiation ', '']) {
    t.notOk(accepts({ type: 'payment_initiation' }, [{ ...PAYMENT, type }]), type)
  }
  for (const absent of [undefined, [], {}, null, 'payment_initiation', PAYMENT, [[PAYMENT]]]) {
    t.notOk(accepts({ type: 'payment_initiation' }, absent), JSON.stringify(absent))
  }
})

t.test('A2: an absent member is no wildcard', async (t) => {
  const { actions, ...anyAction } = PAYMENT
  t.notOk(accepts({ type: PAYMENT.type, actions: 'initiate' }, [anyAction]))
  t.notOk(accepts({ type: PAYMENT.type, actions: 'initiate' }, [{ ...PAYMENT, actions: [] }]))
  t.notOk(accepts({ type: PAYMENT.type, actions: ['initiate', 'refund'] }, [PAYMENT]))
  for (const member of ['datatypes', 'privileges', 'identifier'] as const) {
    t.notOk(accepts({ type: PAYMENT.type, [member]: 'x' }, [PAYMENT]), member)
  }
  const { locations, ...anywhere } = PAYMENT
  t.notOk(accepts({ type: PAYMENT.type, locations: RESOURCE }, [anywhere]))
})

t.test('A2: two elements do not grant together what neither grants', async (t) => {
  const read = { type: 'account', actions: ['read'], identifier: 'a-1' }
  const close = { type: 'account', actions: ['close'], identifier: 'a-2' }
  const rule = { type: 'account', actions: 'close', identifier: 'a-1' }
  t.notOk(accepts(rule, [read, close]))
  t.ok(accepts(rule, [read, { ...close, identifier: 'a-1' }]))
  t.notOk(accepts({ type: 'account', actions: ['read', 'close'] }, [read, close]))
})

t.test('of several rules, the token must meet all', async (t) => {
  const rules = [{ type: 'payment_initiation' }, { type: 'account', actions: 'read' }]
  t.notOk(accepts(rules, [PAYMENT]))
  t.ok(accepts(rules, [{ type: 'account', actions: ['read'] }, PAYMENT]))
})

t.test('A2: an element for another location grants nothing here', async (t) => {
  const rule = { type: PAYMENT.type }
  const elsewhere = { ...PAYMENT, locations: ['https://other.example.com/payments'] }
  const { locations, ...anywhere } = PAYMENT
  t.notOk(accepts(rule, [elsewhere]))
  t.ok(accepts({ ...rule, locations: elsewhere.locations }, [elsewhere]), 'the rule names it')
  t.ok(accepts(rule, [{ ...elsewhere, locations: [...elsewhere.locations, RESOURCE] }]))
  t.notOk(accepts(rule, [{ ...PAYMENT, locations: [`${RESOURCE}/`] }]), 'compared exactly')
  t.notOk(accepts(rule, [{ ...PAYMENT, locations: [] }]))
  t.ok(accepts(rule, [anywhere]), 'limited by its type only')
  const withoutMetadata = compilePolicy({ authorizationDetails: rule }, clock, undefined)
  t.ok(withoutMetadata.check(tokenWith([PAYMENT]), undefined), 'the API does not know its URL')
  t.notOk(withoutMetadata.check(tokenWith([anywhere]), undefined))
})

t.test('A2: leaves out malformed elements', async (t) => {
  const malformed: unknown[] = [
    null,
    'payment_initiation',
    7,
    [],
    {},
    { ...PAYMENT, type: 7 },
    { ...PAYMENT, type: [PAYMENT.type] },
    { ...PAYMENT, actions: 'initiate' },
    { ...PAYMENT, actions: ['initiate', 7] },
    { ...PAYMENT, locations: RESOURCE },
    { ...PAYMENT, locations: null },
    { ...PAYMENT, datatypes: {} },
    { ...PAYMENT, privileges: [null] },
    { ...PAYMENT, identifier: 7 },
  ]
  for (const element of malformed) {
    const label = JSON.stringify(element)
    t.notOk(accepts({ type: PAYMENT.type }, [element]), label)
    t.strictSame(tokenWith([element]).authorizationDetails(PAYMENT.type), [], label)
  }
  t.ok(accepts({ type: PAYMENT.type }, [...malformed, PAYMENT]), 'the others count')
})

t.test('A2: ignores inherited members', async (t) => {
  const prototype = Object.prototype as Record<string, unknown>
  prototype.actions = ['initiate']
  prototype.identifier = 'a-1'
  t.teardown(() => {
    delete prototype.actions
    delete prototype.identifier
  })
  const element = { type: 'account' }
  t.notOk(accepts({ type: 'account', actions: 'initiate' }, [element]))
  t.notOk(accepts({ type: 'account', identifier: 'a-1' }, [element]))
  t.ok(accepts({ type: 'account' }, [element]), 'and requires none of them')
})

t.test('"check" decides on the members of the type', async (t) => {
  const seen: unknown[] = []
  const policy = compilePolicy<string>(
    {
      authorizationDetails: {
        type: PAYMENT.type,
        actions: 'initiate',
        check: (detail, context) => {
          seen.push([detail, context])
          return detail.limit === 100
        },
      },
    },
    clock,
    { resource: RESOURCE },
  )
  const [small, large] = [
    { ...PAYMENT, limit: 10 },
    { ...PAYMENT, limit: 100 },
  ]
  t.equal(policy.check(tokenWith([small, large]), 'context'), undefined)
  t.strictSame(seen, [
    [small, 'context'],
    [large, 'context'],
  ])
  seen.length = 0
  t.ok(policy.check(tokenWith([{ ...large, actions: [] }]), 'context'))
  t.strictSame(seen, [], 'not called for an element that fails otherwise')
  const returns: unknown[] = [1, 'true', Promise.resolve(true), Promise.reject(new Error()), {}]
  for (const value of returns) {
    t.notOk(accepts({ type: PAYMENT.type, check: () => value as boolean }, [PAYMENT]))
  }
  const failing = () => {
    throw new Error('secret')
  }
  t.throws(() => accepts({ type: PAYMENT.type, check: failing }, [PAYMENT]), {
    message: 'The function "authorizationDetails" failed',
  })
})

const INVALID =
  /^(?:an authorization detail must be an object|Unknown option "action" of .*|"authorizationDetails" must be an object with a "type", or a non-empty array of them, such as \{ type: 'payment_initiation', actions: 'initiate' \}; a list must be a string or a non-empty array of strings)$/

t.test('an invalid requirement is an error', async (t) => {
  const wrong: unknown[] = [
    null,
    [],
    'payment',
    ['payment'],
    {},
    { type: '' },
    { type: 7 },
    { type: ['a'] },
    { actions: 'a' },
    { type: 'a', actions: [] },
    { type: 'a', actions: '' },
    { type: 'a', actions: [7] },
    { type: 'a', actions: ['b', 7] },
    { type: 'a', actions: ['b', ''] },
    { type: 'a', actions: undefined },
    { type: 'a', identifier: ['a'] },
    { type: 'a', check: true },
    { type: 'a', action: 'b' },
  ]
  for (const authorizationDetails of wrong) {
    const requirement = { authorizationDetails } as never
    t.throws(
      () => compilePolicy(requirement, clock, undefined),
      { name: 'TypeError', message: INVALID },
      JSON.stringify(authorizationDetails),
    )
  }
  t.throws(
    () =>
      compilePolicy({ authorizationDetails: { type: 'a', typ: 'b' } as never }, clock, undefined),
    {
      message: 'Unknown option "typ" of an authorization detail. Did you mean "type"?',
    },
  )
  const actions = ['read']
  const rule = { type: 'account', actions }
  const policy = compilePolicy({ authorizationDetails: rule }, clock, undefined)
  rule.type = 'any'
  actions.pop()
  t.ok(policy.check(tokenWith([{ type: 'any' }]), undefined), 'read once')
  t.ok(policy.check(tokenWith([{ type: 'account', actions: [] }]), undefined), 'read once')
})

t.test('A2: agrees with a naive reading of RFC 9396', async (t) => {
  const words = fc.subarray(['a', 'b', 'c'])
  const lists = { actions: words, datatypes: words, privileges: words }
  const element = fc.record(
    { type: fc.constantFrom('x', 'y'), ...lists },
    { requiredKeys: ['type'] },
  )
  const some = fc.subarray(['a', 'b', 'c'], { minLength: 1 })
  const rule = fc.record(
    { type: fc.constantFrom('x', 'y'), actions: some, datatypes: some, privileges: some },
    { requiredKeys: ['type'] },
  )
  const isMet = (required: Record<string, unknown>, elements: object[]) =>
    elements.some((detail) =>
      Object.entries(required).every(([member, values]) => {
        const { [member]: granted } = detail as Record<string, unknown>
        if (member === 'type') return granted === values
        return (values as string[]).every((value) =>
          (granted as string[] | undefined)?.includes(value),
        )
      }),
    )
  const property = fc.property(rule, fc.array(element, { maxLength: 4 }), (required, elements) => {
    return accepts(required as { type: string }, elements) === isMet(required, elements)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

t.test('the token returns the elements of a type, frozen', async (t) => {
  const app = await protectedApi(t)
  app.get('/', async ({ auth }) => {
    const payments = auth?.authorizationDetails<{ instructedAmount: { amount: string } }>(
      PAYMENT.type,
    )
    const [payment] = payments ?? []
    t.ok(Object.isFrozen(payment) && Object.isFrozen(payment?.instructedAmount))
    t.strictSame(auth?.authorizationDetails('account'), [])
    return payments?.map(({ instructedAmount, actions }) => [instructedAmount.amount, actions])
  })
  const authorization_details = [PAYMENT, { type: 'account_information' }]
  const { body } = await app.inject({
    url: '/',
    headers: bearer(await tokenOf({ authorization_details })),
  })
  t.strictSame(JSON.parse(body), [['123.50', PAYMENT.actions]])
})

t.test('a route rejects a token without the element with 403', async (t) => {
  const app = await protectedApi(t, { resourceMetadata: RESOURCE })
  const own = (detail: AuthorizationDetail, { params }: { params: unknown }) =>
    detail.identifier === (params as { id: string }).id
  app.get(
    '/accounts/:id',
    {
      config: { auth: { authorizationDetails: { type: 'account', actions: 'read', check: own } } },
    },
    async () => 'ok',
  )
  const get = async (details: unknown) =>
    app.inject({
      url: '/accounts/a-1',
      headers: bearer(await tokenOf({ authorization_details: details })),
    })
  const account = { type: 'account', actions: ['read'], identifier: 'a-1' }
  t.equal((await get([account])).statusCode, 200)
  const rejected = await get([{ ...account, identifier: 'a-2' }])
  t.equal(rejected.statusCode, 403)
  const challenge = rejected.headers['www-authenticate']
  t.match(challenge, /error="insufficient_scope"/)
  t.notMatch(challenge, / scope=/, 'RFC 9396 defines no member that names the element')
  t.notMatch(challenge, /a-1|account/)
})

t.test('A2: reads the elements of an introspection response', async (t) => {
  const { app, issuer } = await introspectingApi(t)
  const config = { auth: { authorizationDetails: { type: 'account', actions: 'read' } } }
  app.get('/accounts', { config }, async () => 'ok')
  const get = async (details: unknown) => {
    const token = await issuer.issueToken({ authorization_details: details })
    return (await app.inject({ url: '/accounts', headers: bearer(token) })).statusCode
  }
  t.equal(await get([{ type: 'account', actions: ['read'] }]), 200)
  t.equal(await get([{ type: 'account' }]), 403)
  t.equal(issuer.requests.introspection, 2)
})

t.test('R1: the metadata lists the types that routes require', async (t) => {
  const app = await protectedApi(t, { resourceMetadata: RESOURCE })
  const route = (authorizationDetails: AuthorizationDetailsRequirement, schema = {}) => ({
    config: { auth: { authorizationDetails } },
    schema,
  })
  const read = async () => {
    const url = '/.well-known/oauth-protected-resource/payments'
    return (await app.inject(url)).json().authorization_details_types_supported
  }
  app.get('/a', route([{ type: 'payment_initiation' }, { type: 'account' }]), async () => 'ok')
  app.get('/b', route({ type: 'account' }), async () => 'ok')
  app.get('/c', route({ type: 'internal' }, { hide: true }), async () => 'ok')
  t.strictSame(await read(), ['account', 'payment_initiation'])
})
