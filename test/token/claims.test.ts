import t, { type Test } from 'tap'
import type { Check } from '../../src/errors/rejection-reason.js'
import { isRejection } from '../../src/errors/result.js'
import { InvalidTokenError, type ProfileName } from '../../src/index.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import {
  type ClaimExpectations,
  checkTimes,
  type TimeLimits,
  verifyClaims,
} from '../../src/token/claims.js'
import { goodClaims, NOW } from '../fixtures/forgery.js'
import { AUDIENCE } from '../fixtures/issuer.js'

interface Judged {
  readonly claims?: Record<string, unknown>
  readonly typ?: string | undefined
  readonly profile?: ProfileName
  readonly limits?: Partial<TimeLimits>
  readonly now?: number
}

const OURS = new Set([AUDIENCE, 'https://api.example/'])
const LIMITS = { clockTolerance: 30, maxTokenAge: undefined }

/** Returns `accepted`, or the check that failed. An override of `undefined` removes the claim. */
function judge(judged: Judged): string {
  const { profile = 'standard', limits, now = NOW } = judged
  const typ = 'typ' in judged ? judged.typ : 'at+jwt'
  const claims = JSON.parse(JSON.stringify(goodClaims(judged.claims)))
  // JSON has no Infinity; JSON.parse returns it for 1e400.
  for (const [name, value] of Object.entries(judged.claims ?? {})) {
    if (typeof value === 'number') claims[name] = value
  }
  const verified = verifyClaims(
    { header: { alg: 'ES256', kid: undefined, typ, parameters: {} }, claims },
    {
      audience: OURS,
      claimsInsteadOfAudience: undefined,
      ...PROVIDERS[profile].profile(new Set()),
    },
    { ...LIMITS, ...limits },
    now,
  )
  if (isRejection(verified)) return verified.check
  t.equal(verified, claims)
  return 'accepted'
}

function rejects(t: Test, judged: Judged, check: Check, title: string): void {
  t.equal(judge(judged), check, title)
}

function accepts(t: Test, judged: Judged, title: string): void {
  t.equal(judge(judged), 'accepted', title)
}

t.test('accepts valid claims', async (t) => {
  accepts(t, {}, 'standard')
  accepts(t, { profile: 'rfc9068' }, 'rfc9068')
  accepts(t, { profile: 'okta', claims: { cid: '0oa1', scp: ['a'] }, typ: undefined }, 'okta')
})

t.test('J2: requires typ at+jwt in strict mode, compared as a media type', async (t) => {
  for (const typ of ['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'Application/AT+jwt']) {
    accepts(t, { profile: 'rfc9068', typ }, typ)
  }
  for (const typ of [
    undefined,
    '',
    'JWT',
    'application/jwt',
    'at+jwt ',
    ' at+jwt',
    'at+jwt;v=1',
    'at',
    'application/',
    'application/application/at+jwt',
    'at+application/jwt',
    'text/at+jwt',
    'xat+jwt',
    'at+jwt\n',
  ]) {
    rejects(t, { profile: 'rfc9068', typ }, 'type', `${typ}`)
  }
})

t.test('J3: rejects an unexpected typ outside of strict mode', async (t) => {
  for (const typ of [undefined, 'at+jwt', 'JWT', 'jwt', 'application/jwt', 'application/at+jwt']) {
    accepts(t, { typ }, `${typ}`)
  }
  for (const typ of [
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'application/secevent+jwt',
    'id+jwt',
    'rt+jwt',
    'oauth-authz-req+jwt',
    'token-introspection+jwt',
    'entity-statement+jwt',
    'JOSE',
    'JWE',
    '',
    'constructor',
    '__proto__',
  ]) {
    for (const profile of ['standard', 'okta', 'rfc9068'] as const) {
      rejects(t, { typ, profile, claims: { cid: 'c' } }, 'type', `${profile}: "${typ}"`)
    }
  }
})

t.test('J4: requires sub, client_id, iat and jti in strict mode', async (t) => {
  for (const name of ['sub', 'client_id', 'iat', 'jti', 'exp']) {
    rejects(t, { profile: 'rfc9068', claims: { [name]: undefined } }, 'claims', `no ${name}`)
    rejects(t, { profile: 'rfc9068', claims: { [name]: null } }, 'claims', `${name}: null`)
    if (name !== 'exp') accepts(t, { claims: { [name]: undefined } }, `standard, no ${name}`)
  }
  rejects(t, { profile: 'rfc9068', claims: { aud: undefined } }, 'audience', 'no aud')
})

t.test('okta: requires cid, which no ID token of Okta has', async (t) => {
  rejects(t, { profile: 'okta' }, 'claims', 'no cid')
})

t.test('J5: requires one of the audiences in aud, exactly', async (t) => {
  for (const aud of [
    AUDIENCE,
    [AUDIENCE],
    ['https://other.example', AUDIENCE],
    [AUDIENCE, AUDIENCE],
    'https://api.example/',
  ]) {
    accepts(t, { claims: { aud } }, JSON.stringify(aud))
  }
  for (const aud of [
    undefined,
    null,
    true,
    0,
    '',
    [],
    {},
    [[]],
    [null],
    'api://Default',
    'api://default/',
    ' api://default',
    'api://default api://other',
    'api://default,api://other',
    'api://defaul',
    'https://api.example',
    'https://other.example',
    ['https://other.example'],
    [[AUDIENCE]],
    { 0: AUDIENCE, length: 1 },
    { [AUDIENCE]: true },
    '*',
    'constructor',
    ['__proto__'],
  ]) {
    rejects(t, { claims: { aud } }, 'audience', `aud: ${JSON.stringify(aud)}`)
  }
})

t.test('J6: rejects an aud with members that are not strings', async (t) => {
  for (const odd of [null, 1, true, {}, [AUDIENCE], ['x']]) {
    rejects(t, { claims: { aud: [AUDIENCE, odd] } }, 'audience', `after: ${JSON.stringify(odd)}`)
    rejects(t, { claims: { aud: [odd, AUDIENCE] } }, 'audience', `before: ${JSON.stringify(odd)}`)
  }
})

t.test('J8: rejects other types of token by the claims that identify them', async (t) => {
  for (const name of ['at_hash', 'c_hash', 's_hash']) {
    for (const value of ['77QmUPtjPfzWtF2AnpK9RQ', '', null, false]) {
      rejects(t, { claims: { [name]: value } }, 'type', `${name}: ${value}`)
    }
    t.match(rejectionOf({ claims: { [name]: '' } })[3], new RegExp(`one with .*${name}`))
  }
  rejects(t, { claims: { events: { 'https://event.example': {} } } }, 'type', 'events of a SET')
  for (const events of [[], ['a'], 'a', null, 5]) {
    accepts(t, { claims: { events } }, `B15: events of another meaning: ${JSON.stringify(events)}`)
  }
  for (const use of ['service', 'Access', '', null, 0, true, ['access'], {}]) {
    const claims = { token_use: use, client_id: AUDIENCE }
    accepts(t, { claims }, `B15: token_use: ${JSON.stringify(use)}`)
    rejects(t, { claims, profile: 'cognito' }, 'type', `Cognito: ${JSON.stringify(use)}`)
  }
  for (const use of [
    'id',
    'ID',
    'id_token',
    'refresh',
    'refresh_token',
    'logout',
    'logout_token',
  ]) {
    rejects(t, { claims: { token_use: use } }, 'type', `token_use: ${JSON.stringify(use)}`)
  }
  for (const typ of [
    'ID',
    'id',
    'Refresh',
    'REFRESH',
    'Offline',
    'Logout',
    'application/logout+jwt',
  ]) {
    rejects(t, { claims: { typ } }, 'type', `the claim typ: ${typ}`)
  }
  accepts(t, { claims: { token_use: 'access' } }, 'Cognito: token_use access')
  accepts(t, { claims: { token_use: 'access_token' } }, 'Hydra: token_use access_token')
  accepts(t, { claims: { typ: 'Bearer' } }, 'Keycloak: typ Bearer')
  accepts(t, { claims: { typ: ['ID'] } }, 'typ that is no string means nothing')
  accepts(t, { claims: { nonce: 'n', auth_time: NOW - 60, acr: '1', amr: ['pwd'] } }, 'RFC 9068')
})

t.test('J12: rejects NumericDates that are not finite numbers', async (t) => {
  rejects(t, { claims: { exp: undefined } }, 'claims', 'no exp')
  for (const name of ['exp', 'nbf', 'iat']) {
    for (const odd of [
      null,
      true,
      false,
      '',
      `${NOW + 300}`,
      'Infinity',
      'NaN',
      '2099-01-01T00:00:00Z',
      [],
      [NOW + 300],
      {},
      { valueOf: 1 },
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ]) {
      rejects(t, { claims: { [name]: odd } }, 'claims', `${name}: ${JSON.stringify(odd)} ${odd}`)
    }
  }
})

t.test('J12: accepts a token from nbf and iat to exp, within the tolerance', async (t) => {
  for (const exp of [0, -1, -0, -1e308, 1, NOW - 31, NOW - 30, NOW - 30.5, 1e-9]) {
    rejects(t, { claims: { exp } }, 'expiry', `exp: ${exp}`)
  }
  for (const exp of [NOW - 29, NOW - 29.5, NOW, 1e11, 1e308, Number.MAX_SAFE_INTEGER]) {
    accepts(t, { claims: { exp } }, `exp: ${exp}`)
  }
  for (const name of ['nbf', 'iat']) {
    const check = name === 'nbf' ? 'not-before' : 'issued-at'
    for (const at of [NOW + 31, NOW + 30.5, NOW * 1000, 1e308]) {
      rejects(t, { claims: { [name]: at } }, check, `${name}: ${at}`)
    }
    for (const at of [NOW + 30, NOW, 0, -1, -1e308, NOW - 0.5]) {
      accepts(t, { claims: { [name]: at } }, `${name}: ${at}`)
    }
  }
})

t.test('J5: rejects a token in the second of its exp without tolerance', async (t) => {
  const limits = { clockTolerance: 0 }
  accepts(t, { limits, now: NOW - 1, claims: { exp: NOW, iat: 0 } }, 'the second before')
  rejects(t, { limits, claims: { exp: NOW } }, 'expiry', 'the second itself')
  accepts(t, { limits, claims: { nbf: NOW, iat: NOW } }, 'nbf and iat: the second itself')
  rejects(t, { limits, claims: { nbf: NOW + 1 } }, 'not-before', 'nbf: the second after')
})

t.test('rejects a token older than maxTokenAge, regardless of its exp', async (t) => {
  const limits = { maxTokenAge: 60 }
  accepts(t, { limits, claims: { iat: NOW - 90 } }, 'just within, with the tolerance')
  rejects(t, { limits, claims: { iat: NOW - 91 } }, 'age', 'beyond')
  rejects(t, { limits, claims: { iat: undefined } }, 'age', 'of unknown age')
  rejects(t, { limits, claims: { iat: -1e308 } }, 'age', 'from the beginning of time')
})

t.test('rejects every token if the clock returns no number', async (t) => {
  for (const now of [Number.NaN, undefined as unknown as number]) {
    t.match(
      checkTimes({ exp: NOW, nbf: NOW, iat: NOW }, LIMITS, now),
      { code: 'invalid_token' },
      `${now}`,
    )
  }
})

t.test('J12: rejects sub, client_id and jti that are not strings', async (t) => {
  for (const name of ['sub', 'client_id', 'jti']) {
    for (const odd of [null, 0, 1, true, [], ['x'], {}]) {
      rejects(t, { claims: { [name]: odd } }, 'claims', `${name}: ${JSON.stringify(odd)}`)
    }
    accepts(t, { claims: { [name]: '' } }, `${name}: empty`)
  }
})

t.test('B15: checks a claim of one vendor in the profile of that vendor only', async (t) => {
  for (const odd of [null, 0, 4711, true, [], ['x'], {}]) {
    const title = JSON.stringify(odd)
    for (const profile of ['standard', 'keycloak', 'auth0'] as const) {
      const claims = { cid: odd, typ: 'Bearer', azp: 'web' }
      accepts(t, { profile, claims }, `${profile}: cid: ${title}`)
    }
    accepts(t, { claims: { azp: odd } }, `standard: azp: ${title}`)
    rejects(t, { profile: 'okta', claims: { cid: odd } }, 'claims', `okta: cid: ${title}`)
    const keycloak = { typ: 'Bearer', azp: odd }
    rejects(t, { profile: 'keycloak', claims: keycloak }, 'claims', `keycloak: azp: ${title}`)
    rejects(
      t,
      { profile: 'auth0', claims: { azp: odd, client_id: undefined } },
      'type',
      `auth0: azp: ${title}`,
    )
  }
})

t.test('rejects a client that is not a string where it replaces the audience', async (t) => {
  const shape = { audienceClaims: ['azp'] } as const
  t.same(rejectionOf({ claims: { azp: AUDIENCE } }, shape), [])
  t.equal(rejectionOf({ claims: { azp: [AUDIENCE] } }, shape)[0], 'audience')
})

t.test('allowsIdTokenClaims accepts the hashes of an ID token, and no other type', async (t) => {
  const shape = { allowsIdTokenClaims: true }
  t.same(rejectionOf({ claims: { at_hash: 'x', c_hash: 'x', s_hash: 'x' } }, shape), [])
  t.equal(rejectionOf({ claims: { at_hash: 'x', token_use: 'id' } }, shape)[0], 'type')
})

/** Returns the message for the client, and the reason for the operator. */
function rejectionOf(judged: Judged, shape: Partial<ClaimExpectations> = {}): string[] {
  const rejection = verifyClaims(
    {
      header: { alg: 'ES256', kid: undefined, typ: judged.typ, parameters: {} },
      claims: JSON.parse(JSON.stringify(goodClaims(judged.claims))),
    },
    {
      audience: OURS,
      claimsInsteadOfAudience: undefined,
      ...PROVIDERS[judged.profile ?? 'standard'].profile(new Set()),
      ...shape,
    },
    { ...LIMITS, ...judged.limits },
    NOW,
  )
  if (!(rejection instanceof InvalidTokenError)) return []
  const { check, message, reason } = rejection
  return [check, message, `${reason.expected}`, `${reason.found}`]
}

t.test('gives a fixed message to the client, and the details to the operator', async (t) => {
  const malformed = 'A claim of the access token is missing or malformed'
  const another = 'The token is not an access token'
  const elsewhere = 'The access token is not meant for this resource'
  const names = `${AUDIENCE} or https://api.example/`
  for (const [judged, ...expected] of [
    [{ claims: { exp: 1 } }, 'expiry', 'The access token expired', `after ${NOW}`, '1'],
    [
      { claims: { nbf: NOW + 99 } },
      'not-before',
      'The access token is not valid yet',
      `not after ${NOW}`,
      `${NOW + 99}`,
    ],
    [
      { claims: { iat: NOW + 99 } },
      'issued-at',
      'The access token was issued in the future',
      `not after ${NOW}`,
      `${NOW + 99}`,
    ],
    [
      { claims: { iat: NOW - 99 }, limits: { maxTokenAge: 60 } },
      'age',
      'The access token is too old',
      `after ${NOW - 60}`,
      `${NOW - 99}`,
    ],
    [
      { claims: { iat: undefined }, limits: { maxTokenAge: 60 } },
      'age',
      malformed,
      '"iat", because maxTokenAge is set',
      'absent',
    ],
    [{ claims: { exp: undefined } }, 'claims', malformed, '"exp"', 'absent'],
    [{ claims: { nbf: 'soon' } }, 'claims', malformed, '"nbf": a finite number', '"string"'],
    [{ claims: { jti: 1 } }, 'claims', malformed, '"jti": a string', '"number"'],
    [
      { profile: 'rfc9068', typ: 'at+jwt', claims: { jti: undefined } },
      'claims',
      malformed,
      '"jti"',
      'absent',
    ],
    [{ typ: 'rt+jwt' }, 'type', another, '"typ": at+jwt or jwt', '"rt+jwt"'],
    [{ claims: { events: {} } }, 'type', another, 'an access token', '"one with \\"events\\""'],
    [{ claims: { token_use: 'id' } }, 'type', another, '"token_use": access', '"id"'],
    [{ claims: { typ: 'ID' } }, 'type', another, 'an access token', '"ID"'],
    [{ claims: { aud: 'x' } }, 'audience', elsewhere, names, '"x"'],
  ] as const) {
    t.same(rejectionOf(judged), expected, JSON.stringify(judged))
  }
  for (const name of ['exp', 'nbf', 'iat', 'sub', 'client_id', 'jti']) {
    const kind = ['exp', 'nbf', 'iat'].includes(name) ? 'a finite number' : 'a string'
    const expected = ['claims', malformed, `"${name}": ${kind}`, '"boolean"']
    t.same(rejectionOf({ claims: { [name]: true } }), expected, name)
  }
  const shape = { audienceClaims: ['azp', 'client_id'], audienceHint: 'try this' } as const
  t.same(
    rejectionOf({ claims: { client_id: AUDIENCE } }, shape),
    [],
    'the first claim that is present',
  )
  const azp = { claims: { azp: 'x', client_id: AUDIENCE } }
  t.same(rejectionOf(azp, shape), [
    'audience',
    elsewhere,
    `${names} in "azp,client_id" (try this)`,
    '"x"',
  ])
})

t.test('reports expected and found, escaped and bounded, to the operator', async (t) => {
  const rejection = verifyClaims(
    {
      header: { alg: 'ES256', kid: undefined, typ: undefined, parameters: {} },
      claims: goodClaims({ aud: [`\u0000\r\n\u202e${'x'.repeat(1_000)}`] }),
    },
    {
      audience: new Set([AUDIENCE]),
      claimsInsteadOfAudience: undefined,
      ...PROVIDERS.standard.profile(new Set()),
    },
    LIMITS,
    NOW,
  )
  const { reason, message } = rejection as InvalidTokenError
  t.equal(message, 'The access token is not meant for this resource')
  t.equal(reason.expected, AUDIENCE)
  t.match(reason.found, /^\["\\u0000\\r\\n\\u202ex{1,200}…$/)
})
