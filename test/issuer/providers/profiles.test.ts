import t from 'tap'
import { InvalidTokenError } from '../../../src/index.js'
import { PROVIDERS as BUILT_IN } from '../../../src/issuer/providers/providers.js'
import { forge, serverFor } from '../../fixtures/forgery.js'
import { makeKey } from '../../fixtures/issuer.js'
import { PROVIDERS, type Provider } from '../../fixtures/provider-tokens.js'
import { issuersIn } from '../../fixtures/resolved-issuers.js'

const key = await makeKey('ES256')

function tokenOf(provider: Provider, claims: object): string {
  return forge(key, { header: { typ: provider.typ }, claims: JSON.stringify(claims) })
}

function serverOf({ detected, profile, issuer, audience }: Provider) {
  return serverFor([key], { issuer, audience, ...(!detected && { profile }) })
}

for (const [name, provider] of Object.entries(PROVIDERS)) {
  t.test(`${name}: accepts and reads access tokens`, async (t) => {
    const server = await serverOf(provider)
    for (const [title, example] of Object.entries(provider.valid)) {
      const token = await server.verify(tokenOf(provider, example.claims))
      t.equal(token.subjectKind, example.subjectKind, `R5: ${title}: the subject kind`)
      t.equal(token.subject, example.claims.sub, `${title}: subject`)
      t.equal(token.clientId, example.clientId, `${title}: client`)
      t.strictSame([...token.scope], example.scope ?? [], `${title}: scope`)
      t.strictSame([...token.roles], example.roles ?? [], `${title}: roles`)
      t.strictSame([...token.groups], example.groups ?? [], `${title}: groups`)
      t.strictSame([...token.permissions], example.permissions ?? [], `${title}: permissions`)
      t.match(token.actor ?? {}, example.actor ?? {}, `A1: ${title}: actor`)
      t.equal(token.actor === undefined, example.actor === undefined, `A1: ${title}: has one`)
      if (example.audience) t.strictSame(token.audience, example.audience, `${title}: audience`)
      t.strictSame(token.claims, example.claims, `${title}: the claims are unchanged`)
    }
  })

  t.test(`J8: ${name}: rejects tokens that are not access tokens for this API`, async (t) => {
    const server = await serverOf(provider)
    for (const [title, example] of Object.entries(provider.invalid)) {
      const rejection: unknown = await server.verify(tokenOf(provider, example.claims)).then(
        () => 'accepted',
        (error) => error,
      )
      t.type(rejection, InvalidTokenError, title)
      t.match(rejection, { check: example.check }, title)
      if (example.expected)
        t.match((rejection as InvalidTokenError).reason.expected, example.expected)
    }
  })

  t.test(
    `${name}: the profile is ${provider.detected ? '' : 'not '}detected from the issuer identifier`,
    async (t) => {
      const { issuer, audience } = provider
      const [resolved] = issuersIn({ issuer, audience })
      t.equal(resolved?.profile.name, provider.detected ? provider.profile : 'standard')
    },
  )
}

t.test('J4: reads scope and client from the claims of the profile', async (t) => {
  const standard = BUILT_IN.standard.profile(new Set())
  const rfc9068 = BUILT_IN.rfc9068.profile(new Set())
  const okta = BUILT_IN.okta.profile(new Set())
  const claims = { iss: '', exp: 0 }
  const scope = (profile: typeof standard, more: object) => profile.scope({ ...claims, ...more })
  t.strictSame(scope(standard, { scope: 'a b' }), ['a', 'b'])
  t.strictSame(scope(standard, { scope: '  a   b ' }), ['a', 'b'])
  t.strictSame(scope(standard, { scope: 'a\tb\nc' }), ['a\tb\nc'], 'only a space delimits')
  t.strictSame(scope(standard, { scope: ['a', 'b c'] }), ['a', 'b c'], 'a member is never split')
  t.strictSame(scope(standard, { scope: ['a', 1, null, ['admin'], {}] }), ['a'])
  t.strictSame(scope(standard, { scp: 'a b' }), ['a', 'b'])
  t.strictSame(scope(standard, { scp: ['a', 'b c'] }), ['a', 'b c'])
  t.strictSame(scope(standard, { scope: 'a', scp: ['admin'] }), ['a'], 'scope takes precedence')
  t.strictSame(
    scope(standard, { scope: '', scp: ['admin'] }),
    [],
    'an empty scope claim counts as missing',
  )
  for (const odd of [undefined, null, true, 1, {}, { length: 1, 0: 'admin' }]) {
    t.strictSame(scope(standard, { scope: odd }), [], `scope: ${JSON.stringify(odd)}`)
  }
  t.strictSame(scope(rfc9068, { scope: 'a b' }), ['a', 'b'])
  t.strictSame(scope(rfc9068, { scope: ['a'], scp: ['b'] }), [], 'RFC 9068: a string')
  t.strictSame(scope(okta, { scp: ['a', 'b c'], scope: 'admin' }), ['a', 'b c'])

  const client = (profile: typeof standard, more: object) =>
    profile.clientId({ ...claims, ...more })
  t.equal(client(standard, { client_id: 'a', azp: 'b' }), 'a')
  t.equal(client(standard, { azp: 'b' }), 'b')
  t.equal(client(standard, { azp: 1 }), undefined)
  t.equal(client(rfc9068, { client_id: 'a' }), 'a')
  t.equal(client(rfc9068, { azp: 'b' }), undefined)
  t.equal(client(okta, { cid: 'a', client_id: 'b' }), 'a')
})

t.test('reads roles, groups and permissions as arrays, and never splits a string', async (t) => {
  for (const name of ['standard', 'rfc9068'] as const) {
    const profile = BUILT_IN[name].profile(new Set())
    const read = (more: object) => {
      const claims = { iss: '', exp: 0, ...more }
      return [profile.roles(claims), profile.groups(claims), profile.permissions(claims)]
    }
    t.strictSame(read({ roles: ['a', 'b c'], groups: ['d'], entitlements: ['e'] }), [
      ['a', 'b c'],
      ['d'],
      ['e'],
    ])
    t.strictSame(read({ roles: 'a b', groups: '', entitlements: 'e' }), [['a b'], [], ['e']])
    for (const odd of [null, true, 1, {}, { length: 1, 0: 'admin' }, [1, null, ['admin']]]) {
      const nothing = [[], [], []]
      t.strictSame(read({ roles: odd, groups: odd, entitlements: odd }), nothing, `${name}`)
    }
  }
  const { permissions } = BUILT_IN.standard.profile(new Set())
  t.strictSame(permissions({ iss: '', exp: 0, permissions: ['a'], entitlements: ['b'] }), ['a'])
})

t.test('R5: never reports a user with the profiles standard and rfc9068', async (t) => {
  for (const name of ['standard', 'rfc9068'] as const) {
    const { subjectKind } = BUILT_IN[name].profile(new Set())
    const kind = (more: object) => subjectKind({ iss: '', exp: 0, ...more })
    t.equal(kind({ sub: 'client-1', client_id: 'client-1' }), 'client')
    t.equal(kind({ sub: 'ada', client_id: 'client-1', auth_time: 1, acr: '1' }), 'unknown')
    t.equal(kind({ sub: 'ada' }), 'unknown')
    t.equal(kind({ client_id: 'client-1' }), 'unknown')
    t.equal(kind({}), 'unknown', 'an absent subject is not a client')
  }
})

t.test('Keycloak: reads only roles of the clients in audience', async (t) => {
  const claims = {
    iss: '',
    exp: 0,
    realm_access: { roles: ['staff'] },
    resource_access: { a: { roles: ['reader'] }, b: { roles: ['writer'] }, c: { roles: ['x'] } },
  }
  const roles = (...audience: string[]) =>
    BUILT_IN.keycloak.profile(new Set(audience)).roles(claims)
  t.strictSame(roles('a', 'b'), ['staff', 'reader', 'writer'])
  t.strictSame(roles('toString', '__proto__', 'constructor'), ['staff'])
  t.strictSame(
    BUILT_IN.keycloak.profile(new Set()).roles(claims),
    ['staff'],
    'an API without a name',
  )
})
