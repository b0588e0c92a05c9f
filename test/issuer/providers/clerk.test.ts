/** Tokens of Clerk beyond the session token in test/fixtures/providers/clerk.ts. */
import t from 'tap'
import type { ResourceServerOptions } from '../../../src/index.js'
import { PROVIDERS } from '../../../src/issuer/providers/providers.js'
import { forge, goodClaims, outcome, serverFor } from '../../fixtures/forgery.js'
import { makeKey } from '../../fixtures/issuer.js'
import { clerk as fixture } from '../../fixtures/providers/clerk.js'
import { issuersIn } from '../../fixtures/resolved-issuers.js'

const key = await makeKey('RS256')
const issuer = fixture.registration.issuer as string
const session = fixture.accessToken
const { exp, iat } = goodClaims()

interface Content {
  readonly header?: object
  readonly claims?: object
}

function tokenOf({ header = {}, claims = {} }: Content = {}): string {
  return forge(key, {
    header: { ...session.header, kid: 'rs256', ...header },
    claims: JSON.stringify({ ...session.claims, exp, iat, nbf: iat, ...claims }),
  })
}

const start = (options: Partial<ResourceServerOptions>) => serverFor([key], { issuer, ...options })

const byOrigin = fixture.registration
const only = { dangerouslyNoAudience: { issuerServesThisApiOnly: true } } as const

t.test('J8: accepts session tokens with and without a category', async (t) => {
  const server = await start(byOrigin)
  for (const cat of ['cl_B7d4PD111AAA', 'cl_I7d4PD111III', undefined]) {
    t.equal(await outcome(server, tokenOf({ header: { cat } })), 'accepted', `${cat}`)
  }
  for (const cat of ['cl_B7d4PD222AAA', 'cl_B7d4PD333AAA', '', 1, null, ['cl_B7d4PD111AAA']]) {
    t.equal(await outcome(server, tokenOf({ header: { cat } })), 'type', JSON.stringify(cat))
  }
  Reflect.set(Object.prototype, 'cat', 'cl_B7d4PD222AAA')
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'cat'))
  t.equal(await outcome(server, tokenOf({ header: { cat: undefined } })), 'accepted', 'own only')
})

t.test('J8: rejects other tokens if no audience is compared', async (t) => {
  const server = await start({ audience: undefined, ...only } as never)
  t.equal(await outcome(server, tokenOf()), 'accepted')
  for (const [name, { header, claims }] of Object.entries(fixture.otherTokens)) {
    const token = forge(key, {
      header: { ...header, kid: 'rs256' },
      claims: JSON.stringify({ ...claims, exp, iat, nbf: iat }),
    })
    t.equal(await outcome(server, token), 'type', name)
  }
  for (const sts of ['pending', '', null, 1]) {
    t.equal(await outcome(server, tokenOf({ claims: { sts } })), 'type', JSON.stringify(sts))
  }
  for (const sid of ['inv_1', 'sia_1', 'Sess_1', '', undefined]) {
    t.equal(await outcome(server, tokenOf({ claims: { sid } })), 'type', `sid: ${sid}`)
  }
  t.equal(await outcome(server, tokenOf({ claims: { sts: undefined } })), 'accepted')
  t.equal(await outcome(server, tokenOf({ header: { typ: undefined } })), 'accepted')
})

t.test('J5: accepts tokens that name this API in aud', async (t) => {
  const server = await start({ audience: ['https://orders.example', 'mch_1'] })
  const template = { header: { cat: 'cl_B7d4PD222AAA' }, claims: { sid: undefined } }
  const withAud = (content: Content, aud: unknown) =>
    tokenOf({ ...content, claims: { ...content.claims, aud } })
  t.equal(await outcome(server, withAud({}, 'https://orders.example')), 'accepted', 'a session')
  t.equal(await outcome(server, withAud(template, 'https://orders.example')), 'accepted')
  t.equal(await outcome(server, withAud({}, 'https://other.example')), 'type')
  t.equal(await outcome(server, tokenOf()), 'audience', 'a session without aud')
  await t.rejects(server.verify(tokenOf()), {
    code: 'invalid_token',
    reason: { expected: /session tokens have no "aud"/ },
  })
  const machine = await server.verify(
    withAud({ ...template, claims: { sub: 'mch_2', scopes: 'mch_1 mch_3', azp: undefined } }, [
      'mch_1',
      'mch_3',
    ]),
  )
  t.match(machine, { clientId: 'mch_2', subjectKind: 'client' })
  t.strictSame([...machine.scope], ['mch_1', 'mch_3'])
})

t.test('J5: accepts OAuth tokens of the clients in audience', async (t) => {
  const server = await start({ audience: 'client_1', dangerouslyAudienceFrom: 'client_id' })
  const oauth = (client_id: unknown) =>
    tokenOf({
      header: { typ: 'at+jwt', cat: undefined },
      claims: { client_id, scope: 'profile', sid: undefined },
    })
  const token = await server.verify(oauth('client_1'))
  t.match(token, { clientId: 'client_1', subjectKind: 'user', sessionId: undefined })
  t.strictSame([...token.scope], ['profile'])
  t.equal(await outcome(server, oauth('client_2')), 'type')
  t.equal(await outcome(server, tokenOf()), 'audience', 'a session names no client')
})

t.test('explains that a session token has no scope', async (t) => {
  const server = await start(byOrigin)
  await t.rejects(server.verify(tokenOf(), { scope: 'orders:read' }), {
    code: 'insufficient_scope',
    reason: { check: 'scope', expected: /^orders:read \(session tokens of Clerk have no scope: / },
  })
  const { scopeHint } = PROVIDERS.clerk.profile(new Set())
  t.equal(scopeHint?.({ iss: issuer, exp: 0 }), undefined)
})

t.test('reads roles and permissions of both versions', async (t) => {
  const { roles, permissions, subjectKind } = PROVIDERS.clerk.profile(new Set())
  const read = (claims: object) => {
    const all = { iss: issuer, exp: 0, ...claims }
    return [roles(all), permissions(all)]
  }
  t.same(read({ org_role: 'org:admin', org_permissions: ['org:a:read'] }), [
    ['org:admin'],
    ['org:a:read'],
  ])
  const o = { per: 'read, manage', fpm: '2,1' }
  t.same(read({ fea: 'o:a,u:b,ou:c', o }), [[], ['org:a:manage', 'org:c:read']])
  t.same(read({ fea: 'o:a,o:b', o: { ...o, fpm: '3' } })[1], ['org:a:read', 'org:a:manage'])
  for (const fpm of ['', '-1', '0x3', '1e3', ' ', '9'.repeat(101), 3, undefined]) {
    t.same(read({ fea: 'o:a', o: { ...o, fpm } })[1], [], `fpm: ${fpm}`)
  }
  t.same(read({ fea: 'o:a', o: { ...o, fpm: '4' } })[1], [], 'a bit without a permission')
  for (const fea of [undefined, '', 'a', 'u:a', 'user:', ['o:a']]) {
    t.same(read({ fea, o })[1], [], `fea: ${fea}`)
  }
  for (const odd of [null, 'o', [], { rol: 1, per: ['read'] }]) t.same(read({ o: odd }), [[], []])
  const kind = (sub: unknown) => subjectKind({ iss: issuer, exp: 0, sub } as never)
  t.same(
    [kind('user_1'), kind('mch_1'), kind('other'), kind(undefined)],
    ['user', 'client', 'unknown', 'unknown'],
  )
})

t.test('derives the key set, and names the fix for a wrong issuer', async (t) => {
  const keysOf = (options: object) => issuersIn({ audience: 'a', ...options } as never)[0]?.keys
  const custom = 'https://clerk.acme.example'
  t.match(keysOf({ issuer: custom, profile: 'clerk' }), {
    jwksUri: `${custom}/.well-known/jwks.json`,
  })
  t.match(keysOf({ issuer }), { jwksUri: `${issuer}/.well-known/jwks.json` })
  t.match(keysOf({ issuer: `${custom}/`, profile: 'clerk' }), { jwksUri: undefined })
  t.throws(() => keysOf({ issuer: `${issuer}/` }), {
    message: `"issuer" option ${issuer}/ is not the Frontend API URL of a Clerk instance. Use ${issuer}`,
  })
})
