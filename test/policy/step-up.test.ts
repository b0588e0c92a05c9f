import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { InsufficientUserAuthenticationError } from '../../src/errors/errors.js'
import { isRejection } from '../../src/errors/result.js'
import { responseHeaders } from '../../src/errors/www-authenticate.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import { compilePolicy, type Requirement } from '../../src/policy/requirement.js'
import { NOW } from '../fixtures/forgery.js'

const clock = { now: () => NOW, clockTolerance: 30 }

function tokenWith(claims: object): AccessToken {
  return new AccessToken({
    raw: 'a.b.c',
    claims: { iss: 'https://issuer.example', aud: 'api', exp: NOW + 300, scope: 'read', ...claims },
    reader: PROVIDERS.standard.profile(new Set()),
  })
}

/** Returns `undefined`, or the challenge without its realm. */
function challengeFor(requirement: Requirement, claims: object): string | undefined {
  const rejection = compilePolicy(requirement, clock, undefined).check(tokenWith(claims), undefined)
  if (!isRejection(rejection)) return rejection as undefined
  const headers = responseHeaders(rejection, { realm: 'r', scope: 'never' })
  return String(headers['www-authenticate']).replace('Bearer realm="r", ', '')
}

const LEVEL =
  'error="insufficient_user_authentication", ' +
  'error_description="A different authentication level is required"'
const RECENT =
  'error="insufficient_user_authentication", ' +
  'error_description="More recent authentication is required"'

t.test('R3: acr must equal one of the required values', async (t) => {
  t.equal(challengeFor({ acr: 'phr' }, { acr: 'phr' }), undefined)
  t.equal(challengeFor({ acr: ['phrh', 'phr'] }, { acr: 'phr' }), undefined)
  for (const acr of [
    undefined,
    null,
    '',
    'PHR',
    'phr ',
    'phr phrh',
    ['phr'],
    1,
    true,
    { phr: 1 },
  ]) {
    const challenge = challengeFor({ acr: ['phr', 'phrh'] }, { acr })
    t.equal(challenge, `${LEVEL}, acr_values="phr phrh"`, JSON.stringify(acr))
  }
})

t.test(
  'R3: the user must have authenticated at most maxAge ago, within the tolerance',
  async (t) => {
    for (const age of [-30, -1, 0, 59, 60, 90]) {
      t.equal(challengeFor({ maxAge: 60 }, { auth_time: NOW - age }), undefined, `${age} s`)
    }
    for (const age of [-31, 91, 90.5, NOW, Infinity, -Infinity, Number.NaN]) {
      const challenge = challengeFor({ maxAge: 60 }, { auth_time: NOW - age })
      t.equal(challenge, `${RECENT}, max_age="60"`, `${age} s`)
    }
    for (const auth_time of [undefined, null, '', `${NOW}`, true, [NOW], {}]) {
      const challenge = challengeFor({ maxAge: 60 }, { auth_time })
      t.equal(challenge, `${RECENT}, max_age="60"`, JSON.stringify(auth_time))
    }
  },
)

t.test('rejects if the clock returns NaN', async (t) => {
  const policy = compilePolicy(
    { maxAge: 60 },
    { now: () => Number.NaN, clockTolerance: 30 },
    undefined,
  )
  t.match(
    policy.check(tokenWith({ auth_time: NOW }), undefined),
    InsufficientUserAuthenticationError,
  )
})

t.test('reads the clock on each use', async (t) => {
  let now = NOW
  const policy = compilePolicy({ maxAge: 60 }, { now: () => now, clockTolerance: 0 }, undefined)
  const token = tokenWith({ auth_time: NOW })
  t.equal(policy.check(token, undefined), undefined)
  now += 61
  t.match(policy.check(token, undefined), InsufficientUserAuthenticationError)
})

t.test('R3: the challenge names all authentication requirements', async (t) => {
  const requirement = { acr: ['phr'], maxAge: 60, scope: 'read' }
  const rest = 'acr_values="phr", max_age="60"'
  t.equal(challengeFor(requirement, { acr: 'phr', auth_time: NOW }), undefined)
  t.equal(challengeFor(requirement, { acr: 'pwd', auth_time: NOW }), `${LEVEL}, ${rest}`)
  t.equal(challengeFor(requirement, { acr: 'phr', auth_time: 1 }), `${RECENT}, ${rest}`)
  t.equal(challengeFor(requirement, {}), `${LEVEL}, ${rest}`)
})

t.test(
  'R3: one challenge names the authentication requirements and the missing scope',
  async (t) => {
    const requirement = { acr: 'phr', scope: 'read pay', anyScope: ['a', 'pay'] }
    t.equal(challengeFor(requirement, {}), `${LEVEL}, scope="read pay a", acr_values="phr"`)
    const lacking = challengeFor(requirement, { acr: 'phr' })
    t.match(lacking, /^error="insufficient_scope", .*, scope="read pay a"$/, 'the scope alone')
    const denied = { ...requirement, claims: { tenant: 'acme' }, authorize: () => t.fail('called') }
    t.match(
      challengeFor(denied as Requirement, { scope: 'read pay' }),
      LEVEL,
      'acr is checked before claims',
    )
  },
)

t.test('the reason contains the expectation, and of the claims only auth_time', async (t) => {
  const reasonFor = (requirement: Requirement, claims: object) => {
    const rejection = compilePolicy(requirement, clock, undefined).check(
      tokenWith(claims),
      undefined,
    )
    return (rejection as InsufficientUserAuthenticationError).reason
  }
  t.strictSame(reasonFor({ acr: ['a', 'b'] }, { acr: 'secret' }), {
    check: 'authentication',
    expected: '"acr": a or b',
  })
  t.strictSame(reasonFor({ maxAge: 60 }, { auth_time: 5 }), {
    check: 'authentication',
    expected: '"auth_time" at most 60 seconds ago',
    found: '5',
  })
  t.match(reasonFor({ maxAge: 60 }, { auth_time: 'secret' }), { found: 'string' })
})

t.test('rejects values that are invalid in a header or that no token can meet', async (t) => {
  for (const acr of [
    '',
    'a b',
    'a"',
    'a\\',
    'é',
    'a\n',
    [],
    [''],
    ['a', 1],
    null,
    1,
    {},
    ['a b'],
  ]) {
    t.throws(
      () => compilePolicy({ acr } as never, clock, undefined),
      {
        name: 'TypeError',
        message:
          '"acr" must be an acr value, or a non-empty array of acr values, each of printable ASCII ' +
          'without spaces, quotation marks or backslashes',
      },
      JSON.stringify(acr),
    )
  }
  for (const maxAge of [0, -1, 0.5, Number.NaN, Infinity, 31_536_001, '60', null, [60], {}]) {
    t.throws(
      () => compilePolicy({ maxAge } as never, clock, undefined),
      { message: '"maxAge" must be a whole number of seconds from 1 to 31536000' },
      JSON.stringify(maxAge),
    )
  }
  t.doesNotThrow(() =>
    compilePolicy({ acr: 'urn:mace:incommon:iap:silver', maxAge: 1 }, clock, undefined),
  )
  t.doesNotThrow(() => compilePolicy({ maxAge: 31_536_000 }, clock, undefined))
})

t.test('later changes of the given array have no effect', async (t) => {
  const acr = ['phr']
  const policy = compilePolicy({ acr }, clock, undefined)
  acr.push('pwd')
  t.match(policy.check(tokenWith({ acr: 'pwd' }), undefined), InsufficientUserAuthenticationError)
})
