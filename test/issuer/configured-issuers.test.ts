import t from 'tap'
import { ConfiguredIssuers } from '../../src/issuer/configured-issuers.js'
import type { Issuer, TokenIntrospection } from '../../src/issuer/issuer.js'
import { collectUnhandledRejections, settled } from '../fixtures/rejections.js'

const unhandledRejections = collectUnhandledRejections(t)

const TENANT = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const A = 'https://a.example'
const B = 'https://b.example'
const V1 = 'https://sts.windows.net/{tenantid}/'
const V2 = 'https://login.microsoftonline.com/{tenantid}/v2.0'
const v2 = (tenant: string) => V2.replace('{tenantid}', tenant)

function issuer(name: string, introspection?: Partial<TokenIntrospection>): Issuer {
  return { issuer: name, introspection } as Issuer
}

t.test('J5: finds an issuer by its exact identifier', async (t) => {
  const [a, b] = [issuer(A), issuer(B)]
  const issuers = new ConfiguredIssuers([a, b])
  t.equal(issuers.resolve({ iss: A }), a)
  t.equal(issuers.resolve({ iss: B }), b)
  t.ok(issuers.stillTrusts())
  t.same(issuers.issuers(), [a, b])
  for (const iss of [`${A}/`, A.toUpperCase(), '', undefined, null, [A], { [A]: 1 }, '__proto__']) {
    t.match(issuers.resolve({ iss }), {
      code: 'invalid_token',
      check: 'issuer',
      expected: `${A} or ${B}`,
    })
  }
  t.ok(issuers.mayTrust(A))
  t.notOk(issuers.mayTrust(`${A}/`))
})

t.test('accepts each tenant of a template, and never the template itself', async (t) => {
  const [one, template, old] = [issuer(v2(TENANT)), issuer(V2), issuer(V1)]
  const issuers = new ConfiguredIssuers([template, old, one])
  const other = TENANT.replace('3', '4')
  t.equal(issuers.resolve({ iss: v2(other), tid: other }), template)
  t.equal(issuers.resolve({ iss: `https://sts.windows.net/${other}/`, tid: other }), old)
  t.equal(
    issuers.resolve({ iss: v2(TENANT), tid: TENANT }),
    one,
    'an exact identifier takes precedence over a template',
  )
  for (const [iss, tid] of [
    [V2, '{tenantid}'],
    [V2, other],
    [v2(other), TENANT],
    [v2(other), undefined],
    [v2('common'), 'common'],
    [v2(other.toUpperCase()), other],
  ]) {
    t.match(
      issuers.resolve({ iss, tid }),
      { name: 'InvalidTokenError', check: 'issuer' },
      `${iss} ${tid}`,
    )
  }
  for (const iss of [v2(other), v2(TENANT), `https://sts.windows.net/${other}/`]) {
    t.ok(issuers.mayTrust(iss))
  }
  for (const iss of [
    V1,
    V2,
    v2('common'),
    v2(''),
    `${v2(other)}/`,
    'https://sts.windows.net/',
    '',
  ]) {
    t.notOk(issuers.mayTrust(iss), iss)
  }
})

t.test(
  'sends an opaque token to the issuer that recognizes it, in any order of the options',
  async (t) => {
    const theRest = issuer(A, { opaqueTokens: 'any' })
    const own = issuer(B, { opaqueTokens: (token) => token.startsWith('b_') })
    for (const named of [
      [theRest, own],
      [own, theRest],
    ]) {
      const issuers = new ConfiguredIssuers([issuer('https://c.example'), ...named])
      t.equal(issuers.forOpaqueToken('b_1'), own)
      t.equal(issuers.forOpaqueToken('a_1'), theRest)
      t.equal(issuers.forOpaqueToken('a.b.c'), undefined)
    }
    t.equal(new ConfiguredIssuers([issuer(A)]).forOpaqueToken('a'), undefined)
  },
)

t.test('accepts only true and false from opaqueTokens', async (t) => {
  const failing = async () => {
    throw new Error('unhandled rejection')
  }
  for (const opaqueTokens of [async () => false, failing, () => 1, () => undefined, () => 'no']) {
    const issuers = new ConfiguredIssuers([issuer(A, { opaqueTokens: opaqueTokens as never })])
    t.throws(() => issuers.forOpaqueToken('secret-token'), {
      name: 'TypeError',
      message: '"introspection.opaqueTokens" option must return true or false, not a promise',
    })
  }
  await settled()
  t.same(unhandledRejections, [])
})
