/** The option `dangerouslyNoAudience`: tokens of an issuer whose tokens name no audience. */
import t from 'tap'
import {
  createResourceServer,
  type NoAudience,
  type ResourceServerOptions,
} from '../../src/index.js'
import { forge, NOW, outcome } from '../fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey } from '../fixtures/issuer.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const key = await makeKey('ES256')
const jwks = { keys: [key.publicJwk] }
const ONLY: NoAudience = { issuerServesThisApiOnly: true }
const ORGS: NoAudience = { claims: { org_id: ['org_1', 'org_2'], env: 'live' } }

const tokenOf = (claims: object) => forge(key, { claims: { aud: undefined, ...claims } })

function start(options: object) {
  const warnings: unknown[][] = []
  const logger = { warn: (...line: unknown[]) => void warnings.push(line), info() {}, error() {} }
  const given = { issuer: ISSUER, jwks, logger, now: () => NOW * 1000, ...options }
  return createResourceServer(given as ResourceServerOptions).then((server) => ({
    server,
    warnings,
  }))
}

t.test('J5: accepts every access token of an issuer that serves this API only', async (t) => {
  const { server, warnings } = await start({ dangerouslyNoAudience: ONLY })
  for (const aud of [undefined, [], 'another', ['another', AUDIENCE]]) {
    t.equal(await outcome(server, tokenOf({ aud })), 'accepted', JSON.stringify(aud))
  }
  t.same(warnings, [
    [{ issuer: ISSUER }, 'no audience is compared; every access token of the issuer is accepted'],
  ])
})

t.test('the other checks stay in force without an audience', async (t) => {
  const { server } = await start({ dangerouslyNoAudience: ONLY })
  for (const aud of [null, 1, {}, [1], [null]]) {
    t.equal(await outcome(server, tokenOf({ aud })), 'audience', `J6: aud: ${JSON.stringify(aud)}`)
  }
  t.equal(await outcome(server, tokenOf({ at_hash: 'x' })), 'type')
  t.equal(await outcome(server, tokenOf({ exp: 1 })), 'expiry')
  t.equal(await outcome(server, tokenOf({ iss: 'https://other.example' })), 'issuer')
})

t.test('J5: requires the claims that replace the audience', async (t) => {
  const { server, warnings } = await start({ dangerouslyNoAudience: ORGS })
  const valid = { org_id: 'org_1', env: 'live' }
  t.equal(await outcome(server, tokenOf(valid)), 'accepted')
  t.equal(await outcome(server, tokenOf({ ...valid, org_id: ['x', 'org_2'] })), 'accepted', 'one')
  for (const odd of [undefined, null, '', 'org_3', 'org_1 ', [], ['org_1', 1], { org_1: true }]) {
    const token = tokenOf({ ...valid, org_id: odd, aud: ['org_1'] })
    t.equal(await outcome(server, token), 'audience', JSON.stringify(odd))
  }
  t.equal(await outcome(server, tokenOf({ ...valid, env: 'test' })), 'audience', 'every claim')
  await t.rejects(server.verify(tokenOf({ env: 'live', org_id: 'org_3' })), {
    code: 'invalid_token',
    message: 'The access token is not meant for this resource',
    reason: { check: 'audience', expected: '"org_id": org_1 or org_2', found: '"org_3"' },
  })
  t.match(warnings, [
    [{}, 'no audience is compared; every access token with the required claims is accepted'],
  ])
})

t.test('warns once for the tenants of a function', async (t) => {
  const issuer = (iss: string) => iss !== 'https://other.example' && { jwks }
  const shared = await start({ issuer, jwks: undefined, dangerouslyNoAudience: ONLY })
  t.equal(shared.warnings.length, 1, 'at registration')
  for (const iss of ['https://a.example', 'https://b.example']) {
    t.equal(await outcome(shared.server, tokenOf({ iss })), 'accepted')
  }
  t.equal(shared.warnings.length, 1)
  const returned = await start({
    issuer: () => ({ jwks, dangerouslyNoAudience: ORGS }),
    jwks: undefined,
  })
  t.equal(returned.warnings.length, 0)
  t.equal(await outcome(returned.server, tokenOf({})), 'audience')
  t.equal(returned.warnings.length, 1, 'with the first token')
  const compared = await start({ issuer, jwks: undefined, audience: AUDIENCE })
  t.equal(await outcome(compared.server, tokenOf({ iss: 'https://a.example' })), 'audience')
  t.same(compared.warnings, [])
})

t.test('rejects an invalid rule, or one beside an audience, at registration', async (t) => {
  const resolve = (options: object) =>
    issuersIn({ issuer: ISSUER, ...options } as ResourceServerOptions)
  const claim = (name: string, value: unknown) => ({ claims: { [name]: value } })
  for (const [rule, message] of [
    [true, /^"dangerouslyNoAudience" option must be \{ issuerServesThisApiOnly: true \}, or/],
    [{}, /^"dangerouslyNoAudience" option must be/],
    [null, /^"dangerouslyNoAudience" option must be/],
    [new Map(), /^"dangerouslyNoAudience" option must be/],
    [{ issuerServesThisApiOnly: false }, /^"dangerouslyNoAudience" option must be/],
    [{ ...ONLY, claims: { a: 'b' } }, /^"dangerouslyNoAudience" option must be/],
    [{ issuerServesThisAPIOnly: true }, /Did you mean "issuerServesThisApiOnly"\?/],
    [{ claims: {} }, /^"dangerouslyNoAudience\.claims" option must be an object with at least one/],
    [{ claims: [['a', 'b']] }, /^"dangerouslyNoAudience\.claims" option must be an object/],
    [claim('org', ''), /^"dangerouslyNoAudience\.claims\.org" option must be the accepted values/],
    [claim('org', []), /^"dangerouslyNoAudience\.claims\.org" option/],
    [claim('org', true), /^"dangerouslyNoAudience\.claims\.org" option/],
    [claim('', 'x'), /must not contain "", which does not restrict/],
    [claim('iss', ISSUER), /must not contain "iss", which does not restrict tokens to this API$/],
    [claim('aud', 'a'), /must not contain "aud", .*: set "audience" instead$/],
  ] as const) {
    t.throws(() => resolve({ dangerouslyNoAudience: rule }), { name: 'TypeError', message })
  }
  const excludes = (name: string) =>
    new RegExp(`^"dangerouslyNoAudience" option excludes "${name}"`)
  const given = { dangerouslyNoAudience: ONLY }
  t.throws(() => resolve({ ...given, audience: 'a' }), { message: excludes('audience') })
  t.throws(() => resolve({ ...given, dangerouslyAudienceFrom: 'azp' }), {
    message: excludes('dangerouslyAudienceFrom'),
  })
  t.throws(() => resolve({ issuer: [{ issuer: ISSUER, ...given }], audience: 'a' }), {
    message: excludes('audience'),
  })
  t.throws(() => resolve({}), { message: /^"audience" option must be the audience of this API/ })
  for (const profile of ['rfc9068', 'okta', 'auth0', 'entra', 'cognito']) {
    t.throws(() => resolve({ ...given, profile }), {
      message: `"dangerouslyNoAudience" option is not available with the profile ${profile}, which compares the audience claim of its provider: remove it`,
    })
  }
  for (const base of ['google', 'firebase', 'entra'] as const) {
    const message = new RegExp(`^"dangerouslyNoAudience" option .* with the profile ${base}, which`)
    const profile = { name: 'ours', extends: base }
    t.throws(() => resolve({ ...given, profile }), { message }, `extends ${base}`)
  }
  for (const profile of [
    'standard',
    'keycloak',
    { name: 'ours' },
    { name: 'ours', extends: 'clerk' },
    undefined,
  ]) {
    t.doesNotThrow(() => resolve({ ...given, profile }))
  }
})

t.test('ignores later changes of the rule', async (t) => {
  const claims = { org_id: ['org_1'] }
  const { server } = await start({ dangerouslyNoAudience: { claims } })
  claims.org_id.push('org_2')
  t.equal(await outcome(server, tokenOf({ org_id: 'org_2' })), 'audience')
})
