/** The challenge of a bad token is put together once for a route, and nobody can tell. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { ResolvedBindingRequirement } from '../../src/binding/presentation.js'
import { type ChallengeContext, responseHeaders } from '../../src/errors/challenge.js'
import {
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  MissingCredentialsError,
  type ResourceServerError,
} from '../../src/errors/errors.js'
import { Challenges } from '../../src/server/challenges.js'

const BEARER_ONLY: ResolvedBindingRequirement = { dpop: 'off', mtls: 'off' }

/** The route of an API, and what was asked for: for each challenge that is made, the realm. */
function route(demand = BEARER_ONLY, realm = 'api') {
  const asked = { schemes: 0, nonces: 0, realms: 0 }
  const dpopChallenge = ({ dpop }: ResolvedBindingRequirement) =>
    dpop === 'off' ? undefined : { algs: 'ES256', nonce: `nonce-${++asked.nonces}` }
  const core = {
    get realm() {
      asked.realms++
      return realm
    },
    binding: { dpopChallenge },
    resourceMetadata: undefined,
  }
  const challenges = new Challenges(core as never, demand, 'orders:read')
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
  for (let i = 0; i < 3; i++) headersFor(bad())
  t.strictSame(asked, { schemes: 0, nonces: 0, realms: 1 }, 'the scheme used is of no account')
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
  const { headersFor, asked } = route()
  for (let i = 0; i < 200; i++) headersFor(bad(`sentence ${i}`))
  for (let i = 0; i < 200; i++) {
    const error = bad(`sentence ${i}`)
    const before = asked.realms
    t.strictSame(headersFor(error), fresh(error))
    t.equal(asked.realms === before, i < 100, `${i} is kept`)
  }
})

t.test('a long sentence is answered, and not kept', async (t) => {
  for (const length of [200, 201, 100_000]) {
    const { headersFor, asked } = route()
    const error = bad('x'.repeat(length))
    for (let i = 0; i < 3; i++) t.strictSame(headersFor(error), fresh(error))
    t.equal(asked.realms === 1, length === 200, `${length} characters`)
  }
})

t.test("a sentence that is another one at each look is no other error's", async (t) => {
  const { headersFor } = route()
  const changing = bad()
  const looks = ['one', 'a\r\nb: c', 'two', bad().message]
  Object.defineProperty(changing, 'message', { get: () => looks.shift() ?? bad().message })
  headersFor(changing)
  for (const message of ['one', 'two', bad().message]) {
    t.strictSame(headersFor(bad(message)), fresh(bad(message)))
  }
})

t.test('what a sentence was cut from is not kept with it', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const { headersFor } = route()
  const before = heap()
  for (let i = 0; i < 100; i++) headersFor(bad(`${i} ${'x'.repeat(1_000_000)}`.slice(0, 60)))
  t.ok(heap() - before < 20_000_000, 'of a hundred million characters')
  t.strictSame(headersFor(bad('7')), fresh(bad('7')))
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
