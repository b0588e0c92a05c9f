/** Claims of providers beyond the tokens in test/fixtures/providers. */
import t from 'tap'
import type { ProfileName } from '../../../src/index.js'
import { PROVIDERS } from '../../../src/issuer/providers/providers.js'
import { forge, goodClaims, outcome, serverFor } from '../../fixtures/forgery.js'
import { makeKey } from '../../fixtures/issuer.js'
import { FIXTURES } from '../../fixtures/providers/providers.js'

const { exp, iat } = goodClaims()
const key = await makeKey('RS256')

/** Returns the profile's result for the claims. */
function read(name: ProfileName, audience: readonly string[], claims: object) {
  const profile = PROVIDERS[name].profile(new Set(audience))
  const all = { iss: 'https://issuer.example', exp: 0, ...claims }
  return {
    subjectKind: profile.subjectKind(all),
    clientId: profile.clientId(all),
    scope: profile.scope(all),
    roles: profile.roles(all),
    groups: profile.groups(all),
    permissions: profile.permissions(all),
    sessionId: profile.sessionId(all),
  }
}

/** Returns a token of the fixture with other header parameters and claims. */
function tokenOf(name: ProfileName, claims: object = {}, header: object = {}): string {
  const { accessToken } = FIXTURES[name]
  return forge(key, {
    header: { ...accessToken.header, kid: key.publicJwk.kid, ...header },
    claims: JSON.stringify({ ...accessToken.claims, exp, iat, nbf: iat, ...claims }),
  })
}

/** Returns a server with the registration of the fixture, and with keys that need no network. */
function serverOf(name: ProfileName, options: object = {}) {
  const { jwksUri, ...registration } = FIXTURES[name].registration as { jwksUri?: string }
  return serverFor([key], { ...registration, ...options } as never)
}

t.test('reads a client that acts for itself', async (t) => {
  for (const [name, claims] of [
    ['hydra', { sub: 'job', client_id: 'job' }],
    ['fusionauth', { sub: 'entity', gty: ['client_credentials'] }],
    ['duende', { client_id: 'job' }],
    ['openiddict', { sub: 'job', client_id: 'job' }],
    ['pingone', { client_id: 'job' }],
    ['pingfederate', { sub: 'job', client_id: 'job' }],
  ] as const) {
    t.equal(read(name, [], claims).subjectKind, 'client', name)
  }
})

t.test('R5: reports a user only if the claims prove it', async (t) => {
  for (const [name, claims] of [
    ['zitadel', { sub: '257788', client_id: 'web' }],
    ['authentik', { sub: 'ada', azp: 'web' }],
    ['hydra', { sub: 'ada', client_id: 'web' }],
    ['fusionauth', { sub: 'ada', gty: ['authorization_code'] }],
    ['fusionauth', { sub: 'ada', gty: 'authorization_code', authenticationType: ['PASSWORD'] }],
    ['duende', { sub: 'ada', client_id: 'web' }],
    ['duende', { sub: 'ada', client_id: 'web', idp: ['local'] }],
    ['openiddict', { sub: 'ada', client_id: 'web' }],
    ['openiddict', { client_id: 'web' }],
    ['pingone', { sub: 'ada', client_id: 'web' }],
    ['pingone', { sid: 'example', client_id: 'web' }],
    ['pingfederate', { sub: 'ada', client_id: 'web' }],
  ] as const) {
    t.equal(read(name, [], claims).subjectKind, 'unknown', `${name}: ${JSON.stringify(claims)}`)
  }
})

t.test('Zitadel: reads the roles in the projects of this API only', async (t) => {
  const claims = {
    'urn:zitadel:iam:org:project:roles': { owner: { 1: 'acme.example' } },
    'urn:zitadel:iam:org:project:10:roles': { admin: { 1: 'acme.example' }, none: null },
    'urn:zitadel:iam:org:project:11:roles': { editor: { 1: 'acme.example' } },
    'urn:zitadel:iam:org:project:12:roles': ['auditor'],
  }
  t.strictSame(read('zitadel', ['10', '11', 'client'], claims).roles, ['admin', 'editor'])
  t.strictSame(read('zitadel', ['12'], claims).roles, [], 'an array has no member names')
  t.strictSame(read('zitadel', ['client'], claims).roles, [], 'a client ID is no project')
})

t.test('Zitadel and authentik: explain that a token has no scope', async (t) => {
  for (const [name, expected] of [
    ['zitadel', /^orders:read \(access tokens of Zitadel have no scope claim: require roles/],
    ['authentik', /^orders:read \(access tokens of authentik have no scope claim: require groups/],
  ] as const) {
    const server = await serverOf(name)
    await t.rejects(server.verify(tokenOf(name), { scope: 'orders:read' }), {
      code: 'insufficient_scope',
      message: /^(?!.*claim)/,
      reason: { check: 'scope', expected },
    })
  }
})

t.test(
  'authentik: accepts access tokens of the hybrid flow, unless the option forbids it',
  async (t) => {
    const hybrid = tokenOf('authentik', { c_hash: 'example', at_hash: 'example' })
    t.equal(await outcome(await serverOf('authentik'), hybrid), 'accepted')
    const strict = await serverOf('authentik', { dangerouslyAllowIdTokenClaims: false })
    t.equal(await outcome(strict, hybrid), 'type')
    const standard = await serverOf('authentik', { profile: 'standard' })
    t.equal(await outcome(standard, hybrid), 'type', 'another profile is not affected')
    const custom = await serverOf('authentik', { profile: { name: 'mine', extends: 'authentik' } })
    t.equal(await outcome(custom, hybrid), 'accepted')
    for (const [claim, value] of [
      ['azp', undefined],
      ['azp', ['a']],
      ['uid', undefined],
      ['uid', 1],
    ] as const) {
      t.equal(
        await outcome(await serverOf('authentik'), tokenOf('authentik', { [claim]: value })),
        'type',
      )
    }
  },
)

t.test(
  'Hydra: reads scp before scope, and claims at the top level before those in ext',
  async (t) => {
    t.strictSame(read('hydra', [], { scp: ['a'], scope: 'b' }).scope, ['a'])
    t.strictSame(read('hydra', [], { scope: 'b c' }).scope, ['b', 'c'], 'the setting "string"')
    const ext = { roles: ['a'], groups: ['b'], permissions: ['c'] }
    t.match(read('hydra', [], { ext }), ext)
    t.match(read('hydra', [], { ext, roles: ['x'] }), { ...ext, roles: ['x'] })
    for (const odd of [undefined, null, 'roles', ['roles']]) {
      t.match(read('hydra', [], { ext: odd }), { roles: [], groups: [], permissions: [] })
    }
    const server = await serverOf('hydra')
    await t.rejects(server.verify(tokenOf('hydra', { aud: [] })), {
      code: 'invalid_token',
      reason: { check: 'audience', expected: /must request it with the parameter "audience"/ },
    })
  },
)

t.test(
  'Hydra, Duende and PingFederate may compare the client instead of an audience',
  async (t) => {
    for (const name of ['hydra', 'duende', 'pingfederate'] as const) {
      const client = FIXTURES[name].expected.clientId
      const options = { audience: client, dangerouslyAudienceFrom: 'client_id' }
      const server = await serverOf(name, options)
      t.equal(await outcome(server, tokenOf(name, { aud: undefined })), 'accepted', name)
      t.equal(await outcome(server, tokenOf(name, { client_id: 'x' })), 'audience', name)
    }
    for (const name of ['zitadel', 'authentik', 'fusionauth', 'openiddict', 'pingone'] as const) {
      await t.rejects(serverOf(name, { dangerouslyAudienceFrom: 'azp' }), {
        message: /"dangerouslyAudienceFrom" option is not available with the profile/,
      })
    }
  },
)

t.test('FusionAuth: requires the type of access tokens', async (t) => {
  const server = await serverOf('fusionauth')
  t.equal(await outcome(server, tokenOf('fusionauth')), 'accepted')
  for (const tty of ['it', 'AT', '', ['at'], null, undefined]) {
    t.equal(await outcome(server, tokenOf('fusionauth', { tty })), 'type', JSON.stringify(tty))
  }
  const entity = { sub: 'entity', permissions: ['read'], scope: 'target-entity:x:read' }
  t.match(read('fusionauth', [], entity), { permissions: ['read'], clientId: undefined })
})

t.test('Duende: reads a scope of either form, and roles of the claim role', async (t) => {
  t.match(read('duende', [], { scope: 'a b', role: ['x', 'y'] }), {
    scope: ['a', 'b'],
    roles: ['x', 'y'],
  })
  const server = await serverOf('duende')
  const machine = { sub: undefined, idp: undefined, sid: undefined }
  t.equal(await outcome(server, tokenOf('duende', machine)), 'accepted', 'a client has no sub')
  t.equal(await outcome(server, tokenOf('duende', { client_id: undefined })), 'claims')
})

t.test('J2: Duende and OpenIddict: require the type at+jwt', async (t) => {
  for (const name of ['duende', 'openiddict'] as const) {
    const server = await serverOf(name)
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) {
      t.equal(await outcome(server, tokenOf(name, {}, { typ })), 'accepted', `${name}: ${typ}`)
    }
    for (const typ of ['JWT', undefined, 'oi_reft+jwt', 'logout+jwt']) {
      t.equal(await outcome(server, tokenOf(name, {}, { typ })), 'type', `${name}: ${typ}`)
    }
  }
})

t.test('PingOne and PingFederate: require the client in a string', async (t) => {
  for (const name of ['pingone', 'pingfederate', 'hydra'] as const) {
    const server = await serverOf(name)
    for (const client_id of [undefined, null, ['web'], 1]) {
      const token = tokenOf(name, { client_id })
      t.equal(await outcome(server, token), 'type', `${name}: ${JSON.stringify(client_id)}`)
    }
  }
})

t.test("A1: PingOne: rejects the act of the example in PingOne's documentation", async (t) => {
  const server = await serverOf('pingone')
  t.equal(await outcome(server, tokenOf('pingone', { act: 'noActor' })), 'claims')
  t.equal(await outcome(server, tokenOf('pingone', { act: undefined })), 'accepted')
})
