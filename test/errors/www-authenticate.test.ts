/** The challenges of a response, character by character. */
import t from 'tap'
import {
  type AuthenticationRequirements,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  InvalidDPoPProofError,
  InvalidRequestError,
  InvalidTokenError,
  MissingCredentialsError,
  StoreUnavailableError,
  UseDPoPNonceError,
} from '../../src/errors/errors.js'
import { ResourceServerError } from '../../src/errors/resource-server-error.js'
import {
  type ChallengeContext,
  isQuotable,
  isScopeToken,
  responseHeaders,
} from '../../src/errors/www-authenticate.js'

const MISSING = new MissingCredentialsError()
const BAD = new InvalidTokenError('bad', { check: 'token' })
const DPOP = { algs: 'ES256 PS256', nonce: 'n-1' }
const BAD_PARAMETERS = 'realm="api", error="invalid_token", error_description="bad"'

function challenges(error: ResourceServerError, context: Partial<ChallengeContext> = {}) {
  return responseHeaders(error, { realm: 'api', scope: '', ...context })['www-authenticate']
}

function nonce(error: ResourceServerError, context: Partial<ChallengeContext> = {}) {
  return responseHeaders(error, { realm: 'api', scope: '', ...context })['dpop-nonce']
}

t.test(
  'P2, P3: offers both schemes, without an error, to a request without credentials',
  async (t) => {
    t.same(challenges(MISSING, { dpop: DPOP, scope: 'a b' }), [
      'Bearer realm="api", scope="a b"',
      'DPoP realm="api", scope="a b", algs="ES256 PS256"',
    ])
  },
)

t.test('P2, P3: puts the error into the challenge of the scheme that was used', async (t) => {
  t.same(challenges(BAD, { dpop: DPOP, used: 'Bearer' }), [
    `Bearer ${BAD_PARAMETERS}`,
    'DPoP realm="api", algs="ES256 PS256"',
  ])
  t.same(challenges(BAD, { dpop: DPOP }), [
    `Bearer ${BAD_PARAMETERS}`,
    'DPoP realm="api", algs="ES256 PS256"',
  ])
  const proving = `DPoP ${BAD_PARAMETERS}, algs="ES256 PS256"`
  t.equal(challenges(BAD, { dpop: DPOP, used: 'DPoP' }), proving)
  t.equal(challenges(BAD, { dpop: DPOP, bearer: false }), proving)
  t.equal(challenges(BAD, { used: 'Bearer' }), `Bearer ${BAD_PARAMETERS}`)
})

t.test('P2: puts the error of a proof into the DPoP challenge only', async (t) => {
  const description = 'A DPoP nonce is required: retry with the value of the DPoP-Nonce header'
  t.equal(
    challenges(new InvalidDPoPProofError('old'), { dpop: DPOP, used: 'Bearer' }),
    'DPoP realm="api", error="invalid_dpop_proof", error_description="old", algs="ES256 PS256"',
  )
  t.equal(
    challenges(new UseDPoPNonceError(), { dpop: DPOP }),
    `DPoP realm="api", error="use_dpop_nonce", error_description="${description}", algs="ES256 PS256"`,
  )
})

t.test('P4: sends a nonce to clients that may use DPoP, and not with a bearer token', async (t) => {
  t.equal(nonce(BAD, { dpop: DPOP, used: 'DPoP' }), 'n-1')
  t.equal(nonce(MISSING, { dpop: DPOP }), 'n-1')
  t.equal(nonce(BAD, { dpop: DPOP, used: 'Bearer' }), undefined)
  t.equal(
    nonce(BAD, { dpop: DPOP, used: 'Bearer', bearer: false }),
    'n-1',
    'Bearer is not accepted',
  )
  t.equal(nonce(BAD, { dpop: { ...DPOP, nonce: undefined }, used: 'DPoP' }), undefined)
  t.equal(nonce(BAD, { used: 'DPoP' }), undefined)
  const none = { realm: 'api', scope: '', dpop: { ...DPOP, nonce: undefined } }
  t.same(Object.keys(responseHeaders(BAD, none)), ['www-authenticate'], 'without an empty header')
})

t.test('R2: names the metadata URL in every challenge', async (t) => {
  const resourceMetadata = 'https://api.example/.well-known/oauth-protected-resource'
  const pointer = `resource_metadata="${resourceMetadata}"`
  t.equal(challenges(MISSING, { resourceMetadata }), `Bearer realm="api", ${pointer}`)
  t.same(challenges(BAD, { resourceMetadata, dpop: DPOP }), [
    `Bearer ${BAD_PARAMETERS}, ${pointer}`,
    `DPoP realm="api", ${pointer}, algs="ES256 PS256"`,
  ])
})

t.test('B9: sends Retry-After and no challenge with a 503', async (t) => {
  const error = new StoreUnavailableError('the store', 3, undefined)
  t.same(responseHeaders(error, { realm: 'api', scope: 'a', dpop: DPOP }), { 'retry-after': '3' })
})

t.test('B7, M3: names the scope of the route to a client without a valid token', async (t) => {
  const scope = 'orders:read orders:write'
  const scopeParameter = `scope="${scope}"`
  class Suspended extends InvalidTokenError {}
  for (const error of [
    MISSING,
    BAD,
    new Suspended('suspended'),
    new InvalidDPoPProofError('old'),
    new UseDPoPNonceError(),
  ]) {
    for (const used of [undefined, 'Bearer', 'DPoP'] as const) {
      for (const bearer of [true, false]) {
        const all = [challenges(error, { scope, dpop: DPOP, used, bearer })].flat()
        for (const one of all) t.ok(one?.includes(scopeParameter), `${error.name}, ${used}: ${one}`)
      }
      const none = challenges(error, { dpop: DPOP, used })
      t.notMatch(none, /scope/, `${error.name}: no scope if the route requires none`)
    }
    t.ok(challenges(error, { scope })?.includes(scopeParameter), `${error.name}, without DPoP`)
  }
  t.equal(challenges(BAD, { scope }), `Bearer ${BAD_PARAMETERS}, ${scopeParameter}`)
})

t.test(
  'B3: names no scope to a malformed request, because another token would not help',
  async (t) => {
    const error = new InvalidRequestError('two headers')
    t.notMatch(challenges(error, { scope: 'a', dpop: DPOP }), /scope/)
    class Closed extends ResourceServerError {
      readonly code = 'closed'
      readonly statusCode = 403
    }
    const closed = new Closed('after hours')
    t.equal(
      challenges(closed, { scope: 'a' }),
      'Bearer realm="api", error="closed", error_description="after hours"',
      'nor for an application error',
    )
  },
)

t.test('B8: names the scope of an insufficient_scope error in each challenge', async (t) => {
  const lacks = (scope: unknown) =>
    challenges(new InsufficientScopeError('no', scope as string, { check: 'scope' }), {
      scope: 'of the route',
    })
  const parameters = 'Bearer realm="api", error="insufficient_scope", error_description="no"'
  t.equal(lacks('a b'), `${parameters}, scope="a b"`)
  for (const odd of ['', ' ', 'a ', ' a', 'a  b', 'a\tb', 'a"', 'a\\b', 'é', undefined, 1, ['a']]) {
    t.equal(lacks(odd), parameters, `${JSON.stringify(odd)} is no scope`)
  }
  const error = new InsufficientScopeError('no', 'a b', { check: 'scope' })
  t.same(challenges(error, { scope: 'of the route', dpop: DPOP }), [
    `${parameters}, scope="a b"`,
    'DPoP realm="api", scope="a b", algs="ES256 PS256"',
  ])
})

t.test('R3: names the requirements of a step-up that are valid in a header', async (t) => {
  const parameters =
    'Bearer realm="api", error="insufficient_user_authentication", error_description="again"'
  const demands = (demand: unknown) =>
    challenges(
      new InsufficientUserAuthenticationError('again', demand as AuthenticationRequirements),
      {
        scope: 'of the route',
      },
    )
  t.equal(demands({ acrValues: ['gold', 'silver'] }), `${parameters}, acr_values="gold silver"`)
  t.equal(demands({ maxAge: 60 }), `${parameters}, max_age="60"`)
  t.equal(demands({ maxAge: 0 }), `${parameters}, max_age="0"`, 'immediately')
  t.equal(
    demands({ acrValues: ['gold'], maxAge: 5, scope: 'pay' }),
    `${parameters}, scope="pay", acr_values="gold", max_age="5"`,
  )
  for (const acrValues of [undefined, [], 'gold', [''], ['gold', 'a b'], ['gold', 'a"'], [1], {}]) {
    t.equal(demands({ acrValues }), parameters, `acr_values: ${JSON.stringify(acrValues)}`)
  }
  for (const maxAge of [undefined, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '60']) {
    t.equal(demands({ maxAge }), parameters, `max_age: ${maxAge}`)
  }
  for (const scope of [undefined, '', 'a  b', 'a"', 1]) {
    t.equal(demands({ scope }), parameters, `scope: ${scope}`)
  }
})

t.test('B6: omits a message that cannot be quoted', async (t) => {
  for (const text of ['', 'a"', '"a', 'a\\b', 'é', 'a\n', '\na', 'a\tb', '\x7f']) {
    t.equal(
      challenges(new InvalidTokenError(text, { check: 'token' })),
      'Bearer realm="api", error="invalid_token"',
      escape(text),
    )
  }
})

t.test('B6: omits an unquotable code of an application error', async (t) => {
  for (const code of ['a"', 'a, scope="b', 'a\nb', 'é', '', {}, ['"']]) {
    const error = Object.assign(Object.create(BAD), { code })
    t.equal(challenges(error), 'Bearer realm="api", error_description="bad"', escape(String(code)))
  }
})

t.test('B9: omits a Retry-After that is not a whole number of seconds', async (t) => {
  for (const seconds of [Number.NaN, 1.5, Number.POSITIVE_INFINITY, '3\r\na: b', undefined]) {
    const error = new StoreUnavailableError('the store', seconds as number, undefined)
    t.same(responseHeaders(error, { realm: 'api', scope: '' }), {}, escape(String(seconds)))
  }
})

t.test('B6: rejects a text with one invalid character at any position', async (t) => {
  for (const odd of ['"', '\\', '\n', '\x7f', '\x1f', 'é']) {
    for (const text of [`${odd}ab`, `a${odd}b`, `ab${odd}`]) {
      t.equal(isQuotable(text), false, escape(text))
      t.equal(isScopeToken(text), false, escape(text))
    }
  }
  t.equal(isScopeToken('ab'), true)
  t.equal(isScopeToken(1), false)
})
