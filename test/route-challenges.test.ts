/** The challenge of a bad token is put together once for a route, and nobody can tell. */
import t from 'tap'
import type { BindingDemand } from '../src/binding/presentation.js'
import { type ChallengeContext, responseHeaders } from '../src/challenge.js'
import {
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  MissingCredentialsError,
  type ResourceServerError,
} from '../src/errors.js'
import { RouteChallenges } from '../src/route-challenges.js'

const BEARER_ONLY: BindingDemand = { dpop: 'off', mtls: 'off' }

/** The route of an API, with the number of nonces that were asked for. */
function route(demand = BEARER_ONLY, realm = 'api') {
  const asked = { schemes: 0, nonces: 0 }
  const offer = ({ dpop }: BindingDemand) =>
    dpop === 'off' ? undefined : { algs: 'ES256', nonce: `nonce-${++asked.nonces}` }
  const core = { realm, binding: { offer }, resourceMetadata: undefined } as never
  const challenges = new RouteChallenges(core, demand, 'orders:read')
  const headersFor = (error: ResourceServerError, used: 'Bearer' | 'DPoP' = 'Bearer') =>
    challenges.headersFor(error, () => {
      asked.schemes++
      return used
    })
  return { headersFor, asked }
}

function fresh(error: ResourceServerError, context: Partial<ChallengeContext> = {}) {
  return responseHeaders(error, {
    realm: 'api',
    scope: 'orders:read',
    used: 'Bearer',
    ...context,
  })
}

function bad(message = 'The access token expired'): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'expiry' })
}

t.test('it is the same as one that is made for the request, however often', async (t) => {
  const { headersFor } = route()
  for (let i = 0; i < 3; i++) {
    for (const error of [
      bad(),
      bad('The access token is malformed'),
      bad(''),
      bad('not "quotable"'),
      new MissingCredentialsError(),
      new InvalidRequestError('The Authorization header is malformed'),
      new InsufficientScopeError('lacks', 'orders:read', { check: 'scope' }),
      new InsufficientScopeError('lacks', 'orders:write', { check: 'scope' }),
    ]) {
      t.strictSame(headersFor(error), fresh(error), `${i}: ${error.message}`)
    }
  }
})

t.test('it is made once, which is what it is for', async (t) => {
  const { headersFor, asked } = route()
  const error = bad()
  let reads = 0
  Object.defineProperty(error, 'message', { get: () => `${++reads && 'The access token expired'}` })
  headersFor(error)
  const first = reads
  headersFor(error)
  t.equal(reads - first, 1, 'the look-up, and no challenge')
  t.equal(asked.schemes, 0, 'the scheme used is of no account')
})

t.test('what is written into one shows in no other', async (t) => {
  const { headersFor } = route()
  for (let i = 0; i < 3; i++) {
    const headers = headersFor(bad()) as Record<string, unknown>
    t.strictSame(headers, fresh(bad()))
    headers['www-authenticate'] = 'Basic'
    headers['x-other'] = 'of this request'
  }
})

t.test('an error of the application is what it says that it is', async (t) => {
  const { headersFor } = route()
  headersFor(bad())
  class Suspended extends InvalidTokenError {}
  const suspended = new Suspended(bad().message, { check: 'policy' })
  const renamed = Object.assign(bad(), { code: 'suspended' })
  const posing = new InsufficientScopeError(bad().message, 'orders:write', { check: 'scope' })
  Object.assign(posing, { code: 'invalid_token' })
  const odd = [null, undefined, 5, Symbol('s'), {}, ['x']].map((message) =>
    Object.assign(bad(), { message }),
  ) as unknown as InvalidTokenError[]
  for (const error of [suspended, renamed, posing, ...odd, ...odd]) {
    t.strictSame(headersFor(error), fresh(error))
  }
  t.match(headersFor(renamed), { 'www-authenticate': /error="suspended"/ })
  t.match(headersFor(bad()), { 'www-authenticate': /error="invalid_token"/ })
})

t.test('sentences without end are answered, and not kept', async (t) => {
  const { headersFor } = route()
  for (let i = 0; i < 200; i++) headersFor(bad(`sentence ${i}`))
  for (let i = 0; i < 200; i++) {
    const error = bad(`sentence ${i}`)
    t.strictSame(headersFor(error), fresh(error))
    let reads = 0
    Object.defineProperty(error, 'message', { get: () => `sentence ${++reads && i}` })
    headersFor(error)
    t.equal(reads === 1, i < 100, `${i} is kept`)
  }
})

t.test('a long sentence is answered, and not kept', async (t) => {
  for (const length of [200, 201, 100_000]) {
    const { headersFor } = route()
    const message = 'x'.repeat(length)
    headersFor(bad(message))
    const error = bad(message)
    let reads = 0
    Object.defineProperty(error, 'message', { get: () => `${++reads && message}` })
    t.strictSame(headersFor(error), fresh(bad(message)))
    t.equal(reads === 1, length === 200, `${length} characters`)
  }
})

t.test('each route has its own', async (t) => {
  const [one, other] = [route(), route(BEARER_ONLY, 'other')]
  t.match(one.headersFor(bad()), { 'www-authenticate': /realm="api"/ })
  t.match(other.headersFor(bad()), { 'www-authenticate': /realm="other"/ })
})

t.test('P2, P3: where DPoP is taken, it depends on the scheme, and the nonce is new', async (t) => {
  for (const dpop of ['allowed', 'required'] as const) {
    const { headersFor } = route({ dpop, mtls: 'off' })
    for (let i = 1; i <= 4; i++) {
      const used = i % 2 === 0 ? 'DPoP' : 'Bearer'
      const offer = { algs: 'ES256', nonce: `nonce-${i}` }
      const expected = fresh(bad(), { dpop: offer, bearer: dpop !== 'required', used })
      t.strictSame(headersFor(bad(), used), expected, `${dpop}, ${used}`)
    }
  }
})
