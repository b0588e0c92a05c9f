import t from 'tap'
import { PROVIDERS } from '../../../src/issuer/providers/providers.js'
import { issuersIn } from '../../fixtures/resolved-issuers.js'

const TENANT = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const API_ID = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'

const resolve = (issuer: string, options = {}) =>
  issuersIn({ issuer, audience: API_ID, ...options } as never)

const profileOf = (issuer: string, options = {}) => resolve(issuer, options)[0]?.profile.name

function rejects(title: string, rows: readonly [issuer: string, message: RegExp | string][]): void {
  t.test(title, async (t) => {
    for (const [issuer, message] of rows) {
      t.throws(() => resolve(issuer), { name: 'TypeError', message }, issuer)
      t.throws(
        () => resolve(issuer, { profile: 'standard' }),
        { message },
        `${issuer}, explicit profile`,
      )
    }
  })
}

t.test('uses one name for a provider, its profile and the option value', async (t) => {
  for (const [name, provider] of Object.entries(PROVIDERS)) {
    t.equal(provider.name, name)
    t.equal(provider.profile(new Set()).name, name)
  }
})

t.test('selects the profile by the domain of the issuer', async (t) => {
  for (const [issuer, profile] of [
    ['https://acme.okta-gov.com/oauth2/default', 'okta'],
    ['https://acme.okta.mil/oauth2/default', 'okta'],
    ['https://notokta.mil/oauth2/default', 'standard'],
    ['https://acme.okta-gov.mil/oauth2/default', 'standard'],
    ['https://balanced-1.clerk.accounts.dev', 'clerk'],
    ['https://clerk.accounts.dev', 'standard'],
    ['https://acme.auth0.com/', 'auth0'],
    ['https://acme.eu.auth0.com/', 'auth0'],
    [`https://login.microsoftonline.com/${TENANT}/v2.0`, 'entra'],
    [`https://sts.windows.net/${TENANT}/`, 'entra'],
    [`https://login.microsoftonline.us/${TENANT}/v2.0`, 'entra'],
    [`https://login.partner.microsoftonline.cn/${TENANT}/v2.0`, 'entra'],
    [`https://sts.chinacloudapi.cn/${TENANT}/`, 'entra'],
    [`https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`, 'entra'],
    ['https://ciamlogin.com', 'standard'],
    ['https://acme.ciamlogin.com.example', 'standard'],
    ['https://acme-k3xq2p.us1.zitadel.cloud', 'zitadel'],
    ['https://zitadel.cloud', 'standard'],
    [`https://auth.pingone.eu/${TENANT}/as`, 'pingone'],
    [`https://auth.pingone.com.au/${TENANT}/as`, 'pingone'],
    [`https://auth.pingone.example/${TENANT}/as`, 'standard'],
    [`https://notauth.pingone.com/${TENANT}/as`, 'standard'],
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_MadeUp123', 'cognito'],
    ['https://issuer-cognito-idp.us-east-2.amazonaws.com/us-east-2_MadeUp123', 'cognito'],
    ['https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_MadeUp123', 'cognito'],
    ['https://sso.example/realms/acme', 'standard'],
    ['https://auth0.com.example', 'standard'],
    ['https://notauth0.com', 'standard'],
    ['https://login.microsoftonline.com.example/common/v2.0', 'standard'],
    ['https://x.sts.windows.net', 'standard'],
    ['https://cognito-idp.eu-west-1.amazonaws.com.example/a_b', 'standard'],
    ['https://evil-cognito-idp.eu-west-1.amazonaws.com/a_b', 'standard'],
  ] as const) {
    t.equal(profileOf(issuer), profile, issuer)
    t.equal(profileOf(issuer, { profile: 'keycloak' }), 'keycloak', 'unless another is set')
  }
  t.equal(profileOf('https://login.example', { profile: 'auth0' }), 'auth0')
})

rejects('Auth0: rejects an issuer that its tokens never name', [
  [
    'https://acme.auth0.com',
    '"issuer" option https://acme.auth0.com is not the issuer identifier of the Auth0 ' +
      'tenant. Use https://acme.auth0.com/ with the trailing slash',
  ],
  ['https://acme.eu.auth0.com', /Use https:\/\/acme\.eu\.auth0\.com\/ with the trailing slash/],
  ['https://acme.auth0.com/api/v2/', /Use https:\/\/acme\.auth0\.com\/ with/],
  ['https://acme.auth0.com/userinfo', /Use https:\/\/acme\.auth0\.com\/ with/],
  ['https://ACME.auth0.com/', /Use https:\/\/acme\.auth0\.com\/ with/],
])

rejects('Entra: rejects an issuer that its tokens never name', [
  [
    'https://login.microsoftonline.com/common/v2.0',
    '"issuer" option https://login.microsoftonline.com/common/v2.0 contains no tenant ID, ' +
      'but the "iss" of tokens does. Use https://login.microsoftonline.com/<tenant ID>/v2.0 for tokens whose ' +
      '"ver" is 2.0, https://sts.windows.net/<tenant ID>/ for those whose "ver" is 1.0',
  ],
  ['https://login.microsoftonline.com/organizations/v2.0', /contains no tenant ID/],
  ['https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0', /contains no tenant ID/],
  ['https://login.microsoftonline.com/{tenantid}/', /allowed only for Entra ID/],
  ['https://{tenantid}.example/v2.0', /allowed only for Entra ID/],
  ['https://login.microsoftonline.com', /contains no tenant ID/],
  [
    `https://login.microsoftonline.com/${TENANT}`,
    `"issuer" option https://login.microsoftonline.com/${TENANT} is not the issuer ` +
      `identifier of an Entra ID tenant. Use https://login.microsoftonline.com/${TENANT}/v2.0 for tokens whose "ver" is ` +
      `2.0, https://sts.windows.net/${TENANT}/ for those whose "ver" is 1.0`,
  ],
  [
    `https://login.microsoftonline.com/${TENANT}/v2.0/`,
    /is not the issuer identifier of an Entra ID tenant/,
  ],
  [`https://login.microsoftonline.com/${TENANT.toUpperCase()}/v2.0`, new RegExp(`${TENANT}/v2.0`)],
  [`https://sts.windows.net/${TENANT}`, new RegExp(`Use https://sts.windows.net/${TENANT}/$`)],
  ['https://sts.windows.net/common/', /Use https:\/\/sts\.windows\.net\/<tenant ID>\/$/],
  [
    'https://login.partner.microsoftonline.cn/common/v2.0',
    /https:\/\/sts\.chinacloudapi\.cn\/<tenant ID>\/ for/,
  ],
])

rejects('Entra External ID: rejects an issuer that its tokens never name', [
  [
    `https://acme.ciamlogin.com/${TENANT}/v2.0`,
    `"issuer" option https://acme.ciamlogin.com/${TENANT}/v2.0 is not the issuer identifier of an ` +
      `Entra ID tenant. Use https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`,
  ],
  [`https://${TENANT}.ciamlogin.com/${TENANT}/`, /Use https:\/\/3f2b.*\/v2\.0$/],
  ['https://acme.ciamlogin.com/acme.onmicrosoft.com/v2.0', /contains no tenant ID/],
  ['https://{tenantid}.ciamlogin.com/{tenantid}/v2.0', /allowed only for Entra ID/],
  [`https://${TENANT}.ciamlogin.com/{tenantid}/v2.0`, /allowed only for Entra ID/],
])

rejects('Zitadel: rejects an issuer that its tokens never name', [
  [
    'https://acme-k3xq2p.us1.zitadel.cloud/',
    '"issuer" option https://acme-k3xq2p.us1.zitadel.cloud/ is not the issuer identifier of the ' +
      'Zitadel instance. Use https://acme-k3xq2p.us1.zitadel.cloud',
  ],
  ['https://acme-k3xq2p.zitadel.cloud/oauth/v2', /Use https:\/\/acme-k3xq2p\.zitadel\.cloud$/],
])

rejects('PingOne: rejects an issuer that its tokens never name', [
  [
    `https://auth.pingone.com/${TENANT}`,
    `"issuer" option https://auth.pingone.com/${TENANT} is not the issuer identifier of a PingOne ` +
      `environment. Use https://auth.pingone.com/${TENANT}/as`,
  ],
  [
    `https://auth.pingone.eu/${TENANT}/as/`,
    new RegExp(`Use https://auth.pingone.eu/${TENANT}/as$`),
  ],
  ['https://auth.pingone.sg/as', /Use https:\/\/auth\.pingone\.sg\/<environment ID>\/as$/],
])

rejects('Cognito: rejects an issuer that its tokens never name', [
  [
    'https://acme.auth.eu-west-1.amazoncognito.com',
    '"issuer" option https://acme.auth.eu-west-1.amazoncognito.com is the sign-in domain of a user ' +
      'pool. Use https://cognito-idp.<region>.amazonaws.com/<user pool ID>',
  ],
  [
    'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_MadeUp123/',
    /is not the issuer identifier of a user pool\. Use https:\/\/cognito-idp\.eu-west-1\.amazonaws\.com\/eu-west-1_MadeUp123$/,
  ],
  [
    'https://cognito-idp.eu-west-1.amazonaws.com',
    /is not the issuer identifier of a user pool\. Use https:\/\/cognito-idp\.<region>\.amazonaws\.com\/<user pool ID>$/,
  ],
  [
    'https://cognito-idp.eu-west-1.amazonaws.com/orders',
    /is not the issuer identifier of a user pool/,
  ],
  ['https://cognito-idp.eu-west-1.amazonaws.com/undefined', /contains "undefined"/],
])

t.test('Entra: requires a client ID in audience for v2.0 tokens', async (t) => {
  const issuer = `https://login.microsoftonline.com/${TENANT}/v2.0`
  for (const audience of ['api://orders', ['api://orders', 'orders'], API_ID.toUpperCase()]) {
    t.throws(() => resolve(issuer, { audience }), {
      name: 'TypeError',
      message:
        '"audience" option must contain the client ID of the API, a GUID, which is the "aud" of ' +
        'v2.0 tokens of Entra ID',
    })
  }
  const external = `https://${TENANT}.ciamlogin.com/${TENANT}/v2.0`
  t.throws(() => resolve(external, { audience: 'api://orders' }), { message: /client ID of the/ })
  t.doesNotThrow(() => resolve(issuer, { audience: ['api://orders', API_ID] }))
  t.doesNotThrow(() => resolve(issuer, { audience: 'api://orders', profile: 'standard' }))
  const v1 = `https://sts.windows.net/${TENANT}/`
  t.doesNotThrow(() => resolve(v1, { audience: 'api://orders' }), 'v1.0 tokens may have the URI')
  t.doesNotThrow(() => resolve('https://b.example', { audience: 'a', profile: 'entra' }))
})
