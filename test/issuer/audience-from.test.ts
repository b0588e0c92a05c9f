import t from 'tap'
import type { ResourceServerOptions } from '../../src/index.js'
import { forge, outcome, serverFor } from '../fixtures/forgery.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const key = await makeKey('ES256')

const keycloak = await serverFor([key], {
  audience: ['web-app', 'mobile-app'],
  profile: 'keycloak',
  dangerouslyAudienceFrom: 'azp',
})

const tokenOf = (claims: object) =>
  forge(key, { claims: { typ: 'Bearer', client_id: undefined, ...claims } })

t.test('compares azp instead of aud if dangerouslyAudienceFrom is set', async (t) => {
  for (const [title, aud, audience] of [
    ['no aud', undefined, []],
    ['account', 'account', ['account']],
    ['several', ['account', 'billing'], ['account', 'billing']],
    ['an empty one', [], []],
  ] as const) {
    const token = await keycloak.verify(tokenOf({ aud, azp: 'mobile-app' }))
    t.strictSame(token.audience, audience, `${title}: with the aud of the token`)
    t.ok(Object.isFrozen(token.audience), title)
  }
})

t.test(
  'J5: requires azp to equal an audience exactly, and ignores a well-formed aud',
  async (t) => {
    for (const [title, claims] of Object.entries({
      'another client': { azp: 'billing-app' },
      'another client, and aud is this API': { azp: 'billing-app', aud: 'web-app' },
      'no client, and aud is this API': { aud: 'web-app' },
      'no client at all': { aud: undefined },
      'a client whose name begins like ours': { azp: 'web-app2' },
      'an empty client': { azp: '' },
    })) {
      t.equal(await outcome(keycloak, tokenOf(claims)), 'audience', title)
    }
    await t.rejects(keycloak.verify(tokenOf({ azp: 'billing-app' })), {
      code: 'invalid_token',
      reason: { expected: /^web-app or mobile-app in "azp" \(/, found: '"billing-app"' },
    })
  },
)

t.test('J5: compares any claim of the issuer, which must be a string', async (t) => {
  const server = await serverFor([key], { audience: 'shop', dangerouslyAudienceFrom: 'project_id' })
  const send = (claims: object) => outcome(server, forge(key, { claims: { ...claims } }))
  t.equal(await send({ project_id: 'shop', aud: undefined }), 'accepted')
  for (const odd of [undefined, null, 'other', ['shop'], { shop: true }]) {
    t.equal(await send({ project_id: odd, aud: 'shop' }), 'audience', JSON.stringify(odd))
  }
})

t.test('J6: rejects a malformed aud even if azp matches', async (t) => {
  for (const aud of [null, 1, true, {}, [null], [['web-app']]]) {
    t.equal(await outcome(keycloak, tokenOf({ azp: 'web-app', aud })), 'audience', `${aud}`)
  }
})

t.test(
  'rejects dangerouslyAudienceFrom with a profile that compares its own audience claim',
  async (t) => {
    const resolve = (options: object) =>
      issuersIn({ issuer: ISSUER, audience: 'a', ...options } as ResourceServerOptions)
    for (const profile of ['rfc9068', 'okta', 'auth0', 'entra', 'cognito']) {
      t.throws(() => resolve({ profile, dangerouslyAudienceFrom: 'azp' }), {
        name: 'TypeError',
        message:
          `"dangerouslyAudienceFrom" option is not available with the profile ${profile}, which ` +
          'compares the audience claim of its provider: remove it',
      })
      const extending = { name: 'ours', extends: profile }
      t.throws(() => resolve({ profile: extending, dangerouslyAudienceFrom: 'azp' }), {
        message: new RegExp(`is not available with the profile ${profile}, which`),
      })
    }
    for (const odd of ['aud', 'iss', 'sub', 'jti', 'act', 'cnf', 'exp', '', null, true, ['azp']]) {
      t.throws(() => resolve({ profile: 'keycloak', dangerouslyAudienceFrom: odd }), {
        name: 'TypeError',
        message:
          /^"dangerouslyAudienceFrom" option must be the name of a claim that .* azp or client_id/,
      })
    }
    for (const profile of ['standard', 'keycloak', { name: 'ours' }, undefined]) {
      const issuers = resolve({ profile, dangerouslyAudienceFrom: 'client_id' })
      t.strictSame(issuers[0]?.profile.audienceClaims, ['client_id'])
    }
    t.doesNotThrow(() => resolve({ dangerouslyAudienceFrom: 'https://acme.example/project' }))
  },
)
