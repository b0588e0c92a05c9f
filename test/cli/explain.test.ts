/** `explain` reports the same result as the pipeline, and every failed step, for all kinds of tokens. */
import { createHmac } from 'node:crypto'
import Fastify from 'fastify'
import t from 'tap'
import {
  assertAgreement,
  createExplainer,
  type Explanation,
} from '../../src/cli/explain/explanation.js'
import { readGivenToken } from '../../src/cli/explain/given-token.js'
import { STEPS, type Step, stepOf } from '../../src/cli/explain/step.js'
import {
  describeAge,
  describeExpiry,
  durationOf,
  timeOf,
  withDates,
} from '../../src/cli/explain/time.js'
import resourceServer, {
  type Check,
  InvalidTokenError,
  type Requirement,
  type ResourceServerError,
  type ResourceServerOptions,
} from '../../src/index.js'
import { PROFILE_NAMES } from '../../src/issuer/providers/providers.js'
import {
  AUDIENCE,
  base64url,
  claims,
  ISSUER,
  makeKey,
  type SignOptions,
  seconds,
  sign,
} from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const other = await makeKey('ES256')
const now = Date.now()

const OPTIONS: ResourceServerOptions = {
  issuer: ISSUER,
  audience: AUDIENCE,
  jwks: { keys: [key.publicJwk as never] },
  tokenCache: false,
  now: () => now,
}

type Row = readonly [what: string, token: string, failing: readonly string[], options?: object]

const at = seconds(now)
const valid = await sign(key)
const [header = '', payload = '', signature = ''] = valid.split('.')
const token = (overrides: Record<string, unknown>, options?: SignOptions) =>
  sign(key, overrides, options)
const thumbprint = 'A'.repeat(43)

const ROWS: readonly Row[] = [
  ['a valid token', valid, []],
  ['a token without kid', await token({}, { header: { kid: undefined } }), []],
  ['an expired token', await token({ exp: at - 60 }), ['expiry']],
  ['a token that expired within the clock tolerance', await token({ exp: at - 10 }), []],
  [
    'expired, for another API',
    await token({ exp: at - 60, aud: 'api://other' }),
    ['expiry', 'audience'],
  ],
  ['a token that is not valid yet', await token({ nbf: at + 60 }), ['not-before']],
  ['a token issued in the future', await token({ iat: at + 60 }), ['issued-at']],
  ['a token that is too old', await token({ iat: at - 600 }), ['age'], { maxTokenAge: 60 }],
  ['a token within maxTokenAge', await token({ iat: at - 30 }), [], { maxTokenAge: 60 }],
  [
    'expired, too old and not valid yet',
    await token({ exp: at - 60, nbf: at + 60, iat: at - 600 }),
    ['expiry', 'not-before', 'age'],
    { maxTokenAge: 60 },
  ],
  [
    'issued in the future, with maxTokenAge',
    await token({ iat: at + 60 }),
    ['issued-at'],
    { maxTokenAge: 60 },
  ],
  [
    'a token without iat, with maxTokenAge',
    await token({ iat: undefined }),
    ['age'],
    { maxTokenAge: 60 },
  ],
  ['a token of another issuer', await token({ iss: 'https://other.example' }), ['issuer']],
  ['a token without an issuer', await token({ iss: undefined }), ['issuer']],
  ['a token whose issuer is a number', await token({ iss: 7 }), ['issuer']],
  ['a token without aud', await token({ aud: undefined }), ['audience']],
  ['a token without exp', await token({ exp: undefined }), ['claims']],
  ['a token with exp as a string', await token({ exp: '1' }), ['claims']],
  ['a token with sub as a number', await token({ sub: 1 }), ['claims']],
  ['a token with sid as a number', await token({ sid: 1 }), ['claims']],
  ['a token with another typ', await token({}, { header: { typ: 'logout+jwt' } }), ['type']],
  ['an ID token', await token({ at_hash: 'x', nonce: 'y' }), ['type']],
  [
    'strict, without typ',
    await token({}, { header: { typ: undefined } }),
    ['type'],
    { profile: 'rfc9068' },
  ],
  [
    'strict: a token without jti',
    await token({ jti: undefined }),
    ['claims'],
    { profile: 'rfc9068' },
  ],
  ['an ID token of Okta', await token({ amr: ['pwd'] }), ['claims'], { profile: 'okta' }],
  ['a token bound to a key', await token({ cnf: { jkt: thumbprint } }), ['binding']],
  ['a token bound to a certificate', await token({ cnf: { 'x5t#S256': thumbprint } }), ['binding']],
  ['a token with an unknown cnf', await token({ cnf: {} }), ['binding']],
  ['a token signed by another key', await sign(other), ['signature']],
  ['a token with an unknown kid', await token({}, { header: { kid: 'unknown' } }), ['key']],
  ['a tampered token', `${header}.${base64url(claims({ sub: 'x' }))}.${signature}`, ['signature']],
  ['a token with alg none', `${base64url({ alg: 'none' })}.${payload}.`, ['token']],
  [
    'a token with alg none and a signature',
    `${base64url({ alg: 'none' })}.${payload}.AAAA`,
    ['algorithm'],
  ],
  [
    'a token with an algorithm that is not allowed',
    valid,
    ['algorithm'],
    { algorithms: ['RS256'] },
  ],
  ['an HS256 token', hs256(), ['algorithm']],
  ['an opaque token', 'opaque-token', ['token']],
  ['a token with two parts', 'a.b', ['token']],
  ['an encrypted token', 'a.b.c.d.e', ['token']],
  ['a token that is not JSON', 'a.b.c', ['token']],
  ['a token with a line break', `${valid.slice(0, 20)}\n${valid.slice(20)}`, ['credentials']],
  ['a token that is too long', `${valid}${'A'.repeat(9_000)}`, ['token']],
  ['no token', '', ['credentials', 'token']],
]

function hs256(): string {
  const input = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${payload}`
  return `${input}.${createHmac('sha256', 'x'.repeat(32)).update(input).digest('base64url')}`
}

async function explain(raw: string, options: object = {}, requirement: Requirement = {}) {
  const explainer = await createExplainer({ ...OPTIONS, ...options }, requirement)
  try {
    return await explainer.explain(raw)
  } finally {
    await explainer.close()
  }
}

/** Returns the result of an API for a request with this header. */
async function apiResultOf(authorization: string, options: object = {}) {
  let error: ResourceServerError | undefined
  const app = Fastify()
  await app.register(resourceServer, {
    ...OPTIONS,
    ...options,
    onReject(rejection) {
      error = rejection
    },
  })
  app.get('/', async () => 'accepted')
  const response = await app.inject({ url: '/', headers: { authorization } })
  await app.close()
  if (response.statusCode === 200) return { accepted: true }
  const { statusCode: status, code, message } = response.json()
  return { accepted: false, status, code, message, step: stepOf(error?.check as Check) }
}

const failed = (steps: readonly Step[]) =>
  steps.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)

for (const [what, raw, failing, options] of ROWS) {
  t.test(`${what}: reports the result of the API and each failed step`, async (t) => {
    const { steps, result } = await explain(raw, options)
    t.strictSame(failed(steps), failing)
    const { layer: _, ...response } = { layer: undefined, ...result }
    t.strictSame(response, await apiResultOf(`Bearer ${raw}`, options))
    t.strictSame(
      steps.map(({ name }) => name),
      STEPS,
    )
    for (const step of steps) {
      if (step.outcome === 'not reached')
        t.ok(
          failing.length > 0 && step.waitsFor in Object.fromEntries(STEPS.map((name) => [name, 1])),
          step.name,
        )
      if (step.outcome === 'failed') t.ok(step.advice.length > 20, step.advice)
    }
  })
}

t.test('the steps agree with the pipeline for malformed claims, in every profile', async (t) => {
  const names = ['sid', 'session_id', 'sessionHandle', 'pi.sri', 'act', 'jti', 'azp', 'cid', 'iss']
  const more = ['client_id', 'scope', 'scp', 'roles', 'token_use', 'typ', 'cnf', 'aud', 'auth_time']
  const tokens = await Promise.all(
    [...names, ...more].flatMap((name) =>
      [7, null, {}, [7], 'x'].map((value) => token({ [name]: value })),
    ),
  )
  for (const profile of PROFILE_NAMES) {
    const explainer = await createExplainer({ ...OPTIONS, profile: profile as never }, {})
    // explain() throws if the steps contradict the pipeline.
    for (const raw of tokens) t.ok((await explainer.explain(raw)).steps.length > 0)
    await explainer.close()
  }
})

t.test('a missing scope fails the step scope, regardless of other failures', async (t) => {
  const requirement = { scope: 'orders:write' }
  const lacking = await explain(valid, {}, requirement)
  t.strictSame(failed(lacking.steps), ['scope'])
  t.match(lacking.result, { status: 403, code: 'insufficient_scope', step: 'scope' })
  const scopeStep = ({ steps }: Explanation) => steps.find(({ name }) => name === 'scope')
  t.match(scopeStep(lacking), { advice: 'The token grants: orders:read profile.' })
  const expired = await explain(await token({ exp: at - 60, scope: undefined }), {}, requirement)
  t.strictSame(failed(expired.steps), ['expiry', 'scope'])
  t.match(scopeStep(expired), { advice: 'The token grants: nothing.' })
  const none = await explain(await token({ scope: undefined }))
  t.match(scopeStep(none), { outcome: 'passed', found: 'granted: no scope' })
})

t.test('a missing scope hides no other failure of the requirement', async (t) => {
  const requirement = { scope: 'orders:write', roles: 'admin', claims: { tenant: 'acme' } }
  const { steps, result } = await explain(valid, {}, requirement)
  t.strictSame(failed(steps), ['scope', 'policy'])
  t.match(result, { status: 403, code: 'insufficient_scope', step: 'scope' })
})

t.test('a step that is not reached names the failed step that it requires', async (t) => {
  const waiting = async (raw: string) =>
    Object.fromEntries(
      (await explain(raw)).steps.flatMap((step) =>
        step.outcome === 'not reached' ? [[step.name, step.waitsFor]] : [],
      ),
    )
  t.strictSame(await waiting(await token({ iss: 'https://other.example' })), {
    key: 'issuer',
    signature: 'issuer',
  })
  t.strictSame(await waiting(hs256()), { key: 'algorithm', signature: 'algorithm' })
  t.strictSame(await waiting(await token({}, { header: { kid: 'x' } })), { signature: 'key' })
  t.strictSame(await waiting(await token({ exp: undefined })), {
    expiry: 'claims',
    'not-before': 'claims',
    'issued-at': 'claims',
    age: 'claims',
    scope: 'claims',
    policy: 'claims',
  })
  t.equal(Object.values(await waiting('opaque')).join(), Array(15).fill('token').join())
})

t.test('rejections of profiles appear at the step of their check', async (t) => {
  const tenant = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
  const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`
  const audience = '11111111-2222-4333-8444-555555555555'
  const entra = { issuer, audience }
  const grant = { iss: issuer, aud: audience, azp: 'client', tid: tenant, scp: 'read' }
  const keyOf = (issuer: string) => ({ ...entra, jwks: { keys: [{ ...key.publicJwk, issuer }] } })
  t.strictSame(failed((await explain(await token(grant), entra)).steps), [])
  const cases = [
    [{ scp: undefined }, ['claims'], entra],
    [{ azp: undefined }, ['type'], entra],
    [{ tid: audience }, ['issuer'], entra],
    [{ aud: 'api://default' }, ['audience'], entra],
    [{}, ['key'], keyOf('https://other.example')],
  ] as const
  for (const [overrides, failing, options] of cases) {
    const { steps } = await explain(await token({ ...grant, ...overrides }), options)
    t.strictSame(failed(steps), failing)
  }
})

t.test(
  'unavailable keys fail the step key with 503, unless the token is rejected earlier',
  async (t) => {
    const issuer = 'http://127.0.0.1:1'
    const unreachable = async (overrides: object) => {
      const explainer = await createExplainer({ issuer, audience: AUDIENCE, now: () => now }, {})
      return explainer.explain(await token({ iss: issuer, ...overrides }))
    }
    const { steps, result } = await unreachable({})
    t.strictSame(failed(steps), ['key'])
    t.match(result, { status: 503, step: 'key' })
    const expired = await unreachable({ exp: at - 60 })
    t.strictSame(failed(expired.steps), ['expiry', 'key'])
    t.match(expired.result, { status: 401, step: 'expiry' })
  },
)

t.test('steps and result use the time of the call', async (t) => {
  let clock = now
  const explainer = await createExplainer({ ...OPTIONS, now: () => clock }, {})
  t.same((await explainer.explain(valid)).result, { accepted: true })
  clock += 3_600_000
  t.match(await explainer.explain(valid), { result: { step: 'expiry' } })
  const { now: _clock, ...real } = OPTIONS
  t.same((await (await createExplainer(real, {})).explain(valid)).result, { accepted: true })
})

t.test('rethrows errors that are not rejections', async (t) => {
  const cause = new RangeError('a fault')
  const fault = { cause }
  const profile = (reader: object) => ({ profile: { name: 'custom', ...reader } })
  const thrower = () => {
    throw cause
  }
  await t.rejects(explain(valid, profile({ scope: thrower }), { scope: 'x' }), fault)
  await t.rejects(explain(valid, profile({ clientId: thrower })), fault)
  let calls = 0
  const late = () => (++calls > 1 ? thrower() : undefined)
  await t.rejects(explain(valid, profile({ clientId: late })), fault, 'thrown by the pipeline only')
})

t.test('reports input around a token as the API does, and explains the token alone', async (t) => {
  const removed = (text: string) => readGivenToken(text).removed.join(', ')
  const quoted = 'the quotation marks'
  const json = JSON.stringify({ access_token: valid, token_type: 'Bearer', id_token: 'x.y.z' })
  const wrapped = valid.replace(/(.{60})/g, '$1\n')
  const rows = [
    [valid, valid, 200, ''],
    [`  ${valid} \r\n`, valid, 200, ''],
    [`Bearer ${valid}`, valid, 200, ''],
    [`bearer   ${valid}`, valid, 200, ''],
    [`Authorization: Bearer ${valid}\n`, valid, 200, ''],
    [`authorization:bearer ${valid}`, valid, 200, ''],
    [`"${valid}"`, valid, 400, quoted],
    [`'${valid}'`, valid, 400, quoted],
    [`\`${valid}\``, valid, 400, quoted],
    [`$'${valid}'`, valid, 400, quoted],
    [`“${valid}”`, valid, 400, quoted],
    [`"'${valid}'"`, valid, 400, `${quoted}, ${quoted}`],
    [`"${valid}",`, valid, 400, quoted],
    [`${valid},`, valid, 400, 'the trailing comma'],
    [`Bearer "${valid}"`, valid, 400, quoted],
    [`Bearer Bearer ${valid}`, valid, 400, 'a second "Bearer"'],
    [`Bearer bearer Bearer ${valid}`, valid, 400, 'a second "Bearer", a second "Bearer"'],
    [`Bearer DPoP ${valid}`, valid, 400, 'a second scheme'],
    [`Bearer Authorization: Bearer ${valid}`, valid, 400, 'the header name, a second "Bearer"'],
    [json, valid, 400, 'the JSON around "access_token"'],
    [JSON.stringify(JSON.parse(json), null, 2), valid, 400, 'the JSON around "access_token"'],
    [`Bearer ${json}`, valid, 400, 'the JSON around "access_token"'],
    [`"access_token": "${valid}",`, valid, 400, `the name "access_token", ${quoted}`],
    [`access_token=${valid}`, valid, 400, 'the name "access_token"'],
    [wrapped, valid, 400, 'the line breaks within the token'],
    [`export TOKEN=${valid}`, valid, 400, 'everything around the JWT'],
    [`"Authorization: Bearer ${valid}"`, valid, 200, ''],
    [`curl -H "Authorization: Bearer ${valid}" https://api.example/me`, valid, 200, ''],
    [`curl -H 'authorization: bearer ${valid}' https://api.example/me`, valid, 200, ''],
    [`GET / HTTP/1.1\r\nAuthorization: Bearer ${valid}\r\nHost: a\r\n`, valid, 200, ''],
    [`{ "Authorization": "Bearer ${valid}", "Accept": "*/*" }`, valid, 200, ''],
    [`@{ Authorization = "Bearer ${valid}" }`, valid, 200, ''],
    [`curl -H "Authorization: ${valid}" https://api.example/me`, valid, 401, ''],
    [`curl -H "Proxy-Authorization: Basic x" -H "Authorization: Bearer ${valid}"`, valid, 200, ''],
    ['Basic dXNlcjpwYXNz', 'Basic dXNlcjpwYXNz', 401, ''],
    ['$TOKEN', '$TOKEN', 400, ''],
    [`${valid} ${valid}`, `${valid} ${valid}`, 400, ''],
    [`{"access_token":7}`, '{"access_token":7}', 400, ''],
    [`Basic ${valid}`, valid, 401, 'everything around the JWT'],
    [`Authorization: Basic ${valid}`, valid, 401, 'everything around the JWT'],
    [`DPoP ${valid}`, valid, 401, ''],
    [`Authorization: DPoP ${valid}`, valid, 401, ''],
    [`Authorization: ${valid}`, valid, 401, ''],
  ] as const
  for (const [text, token, status, what] of rows) {
    const given = readGivenToken(text)
    t.equal(given.token, token, text)
    t.equal(removed(text), what)
    const { result, tokenAlone, steps } = await explain(text)
    t.strictSame(result, await apiResultOf(given.authorization), text)
    t.equal(result.accepted ? 200 : result.status, status)
    if (result.accepted) continue
    t.match(steps[0], { outcome: 'failed', advice: what || / .* / })
    t.equal(tokenAlone?.accepted, token === valid)
  }
})

t.test('rejects an invalid requirement before a token is read', async (t) => {
  await t.rejects(createExplainer(OPTIONS, { scope: '"' }), {
    name: 'TypeError',
    message: /"scope"/,
  })
})

t.test('throws if the steps contradict the pipeline', async (t) => {
  const step: Step = { name: 'expiry', outcome: 'failed', message: '', advice: '' }
  const rejection = { accepted: false, status: 401, code: '', message: '', step: 'key' } as const
  t.throws(
    () => assertAgreement([step], { accepted: true }),
    /accepts the token, but the steps fail at: expiry/,
  )
  t.throws(() => assertAgreement([], rejection), /rejects at key, but the steps fail at: none/)
  assertAgreement([step], { ...rejection, step: 'expiry' })
  t.throws(() => stepOf('nonce'), /explain has no step for the check nonce/)
  t.equal(stepOf(new InvalidTokenError('', { check: 'expiry' }).check), 'expiry')
})

t.test('formats times and durations in words, and marks NumericDates', async (t) => {
  t.equal(timeOf(0), '1970-01-01T00:00:00Z')
  t.equal(timeOf(1e300), '1e+300')
  t.strictSame([1, 59, 60, 3_599, 7_200, 172_800].map(durationOf), [
    '1 second',
    '59 seconds',
    '1 minute',
    '59 minutes',
    '2 hours',
    '2 days',
  ])
  t.equal(describeExpiry(60, 0), 'expires 1970-01-01T00:01:00Z (in 1 minute)')
  t.match(describeExpiry(60, 61), /^expires 1970.*expired, but within the clock tolerance/)
  t.equal(describeAge(0, undefined, 61), 'no maximum (--max-token-age)')
  t.equal(describeAge(0, 600, 61), '1 minute, at most 10 minutes')
  t.equal(withDates('after 1795360662'), 'after 2026-11-22T15:17:42Z (1795360662)')
  t.equal(withDates('1795360662000'), '1795360662000 (in milliseconds: 2026-11-22T15:17:42Z)')
  for (const text of ['1e+300', '"iat"', '-1']) t.equal(withDates(text), text)
})
