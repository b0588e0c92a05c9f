/** The challenge of an invalid token is built once per route, without an observable difference. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { ResolvedBindingRequirement } from '../../src/binding/presentation.js'
import {
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  MissingCredentialsError,
} from '../../src/errors/errors.js'
import type { ResourceServerError } from '../../src/errors/resource-server-error.js'
import { type ChallengeContext, responseHeaders } from '../../src/errors/www-authenticate.js'
import { compileScope, type ScopeRequirement } from '../../src/policy/scope-requirement.js'
import { RouteChallenges } from '../../src/server/route-challenges.js'

const BEARER_ONLY: ResolvedBindingRequirement = { dpop: 'off', mtls: 'off' }

/** A route, and counts of what its challenges read: `realms` counts the built challenges. */
function route(
  demand = BEARER_ONLY,
  realm = 'api',
  scope: ScopeRequirement<string> = 'orders:read',
) {
  const reads = { schemes: 0, nonces: 0, realms: 0 }
  const dpopChallenge = ({ dpop }: ResolvedBindingRequirement) =>
    dpop === 'off' ? undefined : { algs: 'ES256', nonce: `nonce-${++reads.nonces}` }
  const core = {
    get realm() {
      reads.realms++
      return realm
    },
    binding: { dpopChallenge },
    resourceMetadata: undefined,
  }
  const challenges = new RouteChallenges(core as never, demand, compileScope({ scope }))
  const headersFor = (error: ResourceServerError, used: 'Bearer' | 'DPoP' = 'Bearer') =>
    challenges.headersFor(error, 'a request', () => {
      reads.schemes++
      return used
    })
  return { headersFor, reads }
}

function fresh(error: ResourceServerError, context: Partial<ChallengeContext> = {}) {
  return responseHeaders(error, {
    realm: 'api',
    scope: 'orders:read',
    used: 'Bearer',
    ...context,
  })
}

function invalidToken(message = 'The access token expired'): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'expiry' })
}

t.test('the cached challenge equals a newly built one', async (t) => {
  const { headersFor } = route()
  for (let i = 0; i < 3; i++) {
    for (const error of [
      invalidToken(),
      invalidToken('The access token is malformed'),
      invalidToken(''),
      invalidToken('not "quotable"'),
      new MissingCredentialsError(),
      new InvalidRequestError('The Authorization header is malformed'),
      new InsufficientScopeError('lacks', 'orders:read', { check: 'scope' }),
      new InsufficientScopeError('lacks', 'orders:write', { check: 'scope' }),
    ]) {
      t.strictSame(headersFor(error), fresh(error), `${i}: ${error.message}`)
    }
  }
})

t.test('builds the challenge of a message once', async (t) => {
  const { headersFor, reads } = route()
  for (let i = 0; i < 3; i++) headersFor(invalidToken())
  t.strictSame(reads, { schemes: 0, nonces: 0, realms: 1 }, 'the scheme does not matter')
})

t.test('mutating returned headers affects no other response', async (t) => {
  const { headersFor } = route()
  for (let i = 0; i < 3; i++) {
    const headers = headersFor(invalidToken()) as Record<string, unknown>
    t.strictSame(headers, fresh(invalidToken()))
    headers['www-authenticate'] = 'Basic'
    headers['x-other'] = 'of this request'
  }
})

t.test('uses code and message of an application error', async (t) => {
  const { headersFor } = route()
  headersFor(invalidToken())
  class Suspended extends InvalidTokenError {}
  const suspended = new Suspended(invalidToken().message, { check: 'policy' })
  const renamed = Object.assign(invalidToken(), { code: 'suspended' })
  const posing = new InsufficientScopeError(invalidToken().message, 'orders:write', {
    check: 'scope',
  })
  Object.assign(posing, { code: 'invalid_token' })
  const odd = [null, undefined, 5, Symbol('s'), {}, ['x']].map((message) =>
    Object.assign(invalidToken(), { message }),
  ) as unknown as InvalidTokenError[]
  for (const error of [suspended, renamed, posing, ...odd, ...odd]) {
    t.strictSame(headersFor(error), fresh(error))
  }
  t.match(headersFor(renamed), { 'www-authenticate': /error="suspended"/ })
  t.match(headersFor(invalidToken()), { 'www-authenticate': /error="invalid_token"/ })
})

t.test('bounds the number of cached challenges', async (t) => {
  const { headersFor, reads } = route()
  for (let i = 0; i < 200; i++) headersFor(invalidToken(`sentence ${i}`))
  for (let i = 0; i < 200; i++) {
    const error = invalidToken(`sentence ${i}`)
    const before = reads.realms
    t.strictSame(headersFor(error), fresh(error))
    t.equal(reads.realms === before, i < 100, `${i} is cached`)
  }
})

t.test('caches no long message', async (t) => {
  for (const length of [200, 201, 100_000]) {
    const { headersFor, reads } = route()
    const error = invalidToken('x'.repeat(length))
    for (let i = 0; i < 3; i++) t.strictSame(headersFor(error), fresh(error))
    t.equal(reads.realms === 1, length === 200, `${length} characters`)
  }
})

t.test('reads a message once, because a getter may return another one', async (t) => {
  const { headersFor } = route()
  const changing = invalidToken()
  const looks = ['one', 'a\r\nb: c', 'two', invalidToken().message]
  Object.defineProperty(changing, 'message', { get: () => looks.shift() ?? invalidToken().message })
  headersFor(changing)
  for (const message of ['one', 'two', invalidToken().message]) {
    t.strictSame(headersFor(invalidToken(message)), fresh(invalidToken(message)))
  }
})

t.test('retains no larger string that a message is a slice of', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const { headersFor } = route()
  const before = heap()
  for (let i = 0; i < 100; i++)
    headersFor(invalidToken(`${i} ${'x'.repeat(1_000_000)}`.slice(0, 60)))
  t.ok(heap() - before < 20_000_000, 'of a hundred million characters')
  t.strictSame(headersFor(invalidToken('7')), fresh(invalidToken('7')))
})

t.test('retains nothing of scopes that a function decides', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { headersFor } = route(BEARER_ONLY, 'api', () => `tool:${number}:${'x'.repeat(1_000)}`)
  let number = 0
  const reject = (count: number) => {
    for (const last = number + count; number < last; number++) {
      headersFor(new InsufficientScopeError('lacks', `tool:${number}`, { check: 'scope' }))
      const challenge = headersFor(invalidToken(`expired ${number}`))['www-authenticate']
      if (!challenge?.includes(`scope="tool:${number}:x`)) t.fail(`${challenge}`)
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = reject(1_000)
  t.ok(reject(10_000) - before < 1_000_000, '10,000 challenges of more than 1,000 characters')
})

t.test('caches challenges per route', async (t) => {
  const [one, other] = [route(), route(BEARER_ONLY, 'other')]
  t.match(one.headersFor(invalidToken()), { 'www-authenticate': /realm="api"/ })
  t.match(other.headersFor(invalidToken()), { 'www-authenticate': /realm="other"/ })
})

t.test(
  'P2, P3: caches nothing where DPoP is accepted, because scheme and nonce vary',
  async (t) => {
    for (const dpop of ['allowed', 'required'] as const) {
      const { headersFor } = route({ dpop, mtls: 'off' })
      for (let i = 1; i <= 4; i++) {
        const used = i % 2 === 0 ? 'DPoP' : 'Bearer'
        const offer = { algs: 'ES256', nonce: `nonce-${i}` }
        const expected = fresh(invalidToken(), { dpop: offer, bearer: dpop !== 'required', used })
        t.strictSame(headersFor(invalidToken(), used), expected, `${dpop}, ${used}`)
      }
    }
  },
)
