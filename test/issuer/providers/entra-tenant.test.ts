import t from 'tap'
import { checkKeyIssuer, isIssuerOfTenant } from '../../../src/issuer/providers/entra-tenant.js'

const TENANT = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const OTHER = '7e6d5c4b-3a29-4817-b605-f4e3d2c1b0a9'
const TEMPLATE = 'https://login.microsoftonline.com/{tenantid}/v2.0'

const v2 = (tenant: unknown) => `https://login.microsoftonline.com/${tenant}/v2.0`
const v1 = (tenant: unknown) => `https://sts.windows.net/${tenant}/`
const external = (tenant: unknown) => `https://${tenant}.ciamlogin.com/${tenant}/v2.0`

t.test('requires iss to equal the template with the tenant of the token', async (t) => {
  t.ok(isIssuerOfTenant(TEMPLATE, { iss: v2(TENANT), tid: TENANT }))
  t.ok(isIssuerOfTenant('https://sts.windows.net/{tenantid}/', { iss: v1(TENANT), tid: TENANT }))
  for (const [title, claims] of Object.entries({
    'another tenant': { iss: v2(OTHER), tid: TENANT },
    'no tenant': { iss: v2(TENANT) },
    'the template itself': { iss: TEMPLATE, tid: '{tenantid}' },
    'a tenant in capitals': { iss: v2(TENANT.toUpperCase()), tid: TENANT.toUpperCase() },
    'a path as tenant': { iss: v2('../evil'), tid: '../evil' },
    'an empty tenant': { iss: v2(''), tid: '' },
    'a pattern as tenant': { iss: v2(TENANT), tid: '$&' },
    'a tenant with a newline': { iss: v2(`${TENANT}\n`), tid: `${TENANT}\n` },
    'an array as tenant': { iss: v2(TENANT), tid: [TENANT] },
    common: { iss: v2('common'), tid: 'common' },
    'an additional slash': { iss: `${v2(TENANT)}/`, tid: TENANT },
    'another host': { iss: `https://evil.example/${TENANT}/v2.0`, tid: TENANT },
    'v1.0': { iss: v1(TENANT), tid: TENANT },
    'no issuer': { tid: TENANT },
  })) {
    t.notOk(isIssuerOfTenant(TEMPLATE, claims), title)
  }
})

t.test('compares iss exactly with a template without a placeholder', async (t) => {
  t.ok(isIssuerOfTenant(v2(TENANT), { iss: v2(TENANT) }))
  t.notOk(isIssuerOfTenant(v2(TENANT), { iss: v2(OTHER), tid: TENANT }))
})

t.test('J6: accepts a key for the issuer that it names, or for every tenant', async (t) => {
  for (const [title, keyIssuer, claims] of [
    ['a key that names none', undefined, { iss: v2(TENANT) }],
    ['for every tenant', TEMPLATE, { iss: v2(TENANT), tid: TENANT }],
    ['for this one', v2(TENANT), { iss: v2(TENANT), tid: TENANT }],
    ['for every tenant, v1.0 token', TEMPLATE, { iss: v1(TENANT), tid: TENANT }],
    ['for this one, v1.0 token', v2(TENANT), { iss: v1(TENANT), tid: TENANT }],
    [
      'in the cloud for China',
      'https://login.partner.microsoftonline.cn/{tenantid}/v2.0',
      { iss: `https://sts.chinacloudapi.cn/${TENANT}/`, tid: TENANT },
    ],
    ['external tenant', external(TENANT), { iss: external(TENANT), tid: TENANT }],
    ['external, for every tenant', TEMPLATE, { iss: external(TENANT), tid: TENANT }],
    [
      'external, with the name of the tenant',
      `https://acme.ciamlogin.com/${TENANT}/v2.0`,
      { iss: external(TENANT), tid: TENANT },
    ],
  ] as const) {
    t.equal(checkKeyIssuer(keyIssuer, claims), undefined, title)
  }
  const valid = { iss: v2(TENANT), tid: TENANT }
  for (const [title, keyIssuer, claims] of [
    ['for another tenant', v2(OTHER), valid],
    ['for another tenant, v1.0 token', v2(OTHER), { iss: v1(TENANT), tid: TENANT }],
    ['for another host', 'https://evil.example/{tenantid}/v2.0', valid],
    ['a token of one tenant with the issuer of another', TEMPLATE, { iss: v2(TENANT), tid: OTHER }],
    ['the same, v1.0', TEMPLATE, { iss: v1(TENANT), tid: OTHER }],
    ['a token without a tenant', TEMPLATE, { iss: v2(TENANT) }],
    ['a number', 1, valid],
    ['null', null, valid],
    ['empty', '', valid],
    ['an array', [TEMPLATE], valid],
    ['external, for another tenant', external(OTHER), { iss: external(TENANT), tid: TENANT }],
    ['external, without a tenant', TEMPLATE, { iss: external(TENANT) }],
    ['external, for no tenant', 'https://evil.example', { iss: external(TENANT), tid: TENANT }],
    ['a host that is not external', external('{tenantid}'), valid],
    ['across clouds', 'https://login.partner.microsoftonline.cn/{tenantid}/v2.0', valid],
  ] as const) {
    t.match(
      checkKeyIssuer(keyIssuer, claims),
      { code: 'invalid_token', check: 'key', reason: { found: undefined } },
      title,
    )
  }
})
