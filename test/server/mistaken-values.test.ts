/** D42: errors for values that users commonly try first contain the fix. */
import Fastify from 'fastify'
import t from 'tap'
import resourceServer, {
  bearerToken,
  createResourceServer,
  memoryStore,
  redisStore,
} from '../../src/index.js'
import { runHere } from '../cli/fixtures/run.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { key } from '../fixtures/protected-api.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const jwks = { keys: [key.publicJwk] }

const VALUES: readonly [options: object, message: RegExp][] = [
  [{ dpop: true }, /^"dpop" option must be 'allowed' .*, 'required' .*, false, or an object/],
  [{ mtls: true }, /^"mtls" option must be 'allowed' .*, 'required' .*, false, or an object/],
  [
    { tokenCache: true },
    /^"tokenCache" option must be false, or an object with maxEntries or maxBytes$/,
  ],
  [{ introspection: true }, /^"introspection" option must be an object with clientId/],
  [{ introspection: 'https://a.example' }, /^"introspection" option must be an object with/],
  [{ jwks: `${ISSUER}/v1/keys` }, /^"jwks" option .* set "jwksUri" to the URL of a key set$/],
  [{ jwks: new URL(ISSUER) }, /^"jwks" option .* set "jwksUri" to the URL of a key set$/],
  [{ jwks: true }, /^"jwks" option must be an object, such as/],
  [{ jwks: jwks.keys }, /^"jwks" option .* set "jwks\.keys" to the array of keys$/],
  [{ stores: true }, /^"stores" option must be an object with a store for one or more of/],
  [{ revocations: true }, /^"revocations" option must be .* revoke\(\) works without this option$/],
  [
    { issuer: () => true, tenants: true },
    /^"tenants" option must be an object with some of maxEntries, cacheMaxAge, negativeCacheMaxAge, perReq/,
  ],
  [{ issuer: new URL(ISSUER) }, /^"issuer" option must be a string, not an instance of URL$/],
  [{ issuer: true }, /^"issuer" option must be a URL, such as/],
  [{ audience: ['orders', undefined] }, /array of such strings, not undefined at index 1$/],
  [{ audience: [] }, /array of such strings, not an empty array$/],
  [{ audience: /orders/ }, /array of such strings, not an instance of RegExp$/],
  [{ audience: Object.create({ constructor: 1 }) }, /array of such strings, not an object$/],
  [{ algorithms: 'RS256' }, /^"algorithms" option must be an array .*, not the string "RS256"$/],
  [{ jwksUri: new URL(ISSUER) }, /^"jwksUri" option must be a string, not an instance of URL$/],
  [
    { jwks: { uri: ISSUER } },
    /^Unknown option "uri" of "jwks"\. Use the option "jwksUri" instead$/,
  ],
  [
    { introspection: { clientId: 'api', secret: 's' } },
    /^Unknown option "secret" of "introspection"\. Use "clientSecret" instead$/,
  ],
  [
    { mtls: { mode: 'required', proxies: ['10.0.0.1'] } },
    /^Unknown option "proxies" of "mtls"\. Use "trustedProxies" in "certificateSource" instead$/,
  ],
  [{ profile: 'Azure' }, /^"profile" option must be one of .* Did you mean "entra"\?$/],
  [{ publicPaths: ['/health'] }, /\. Use config: \{ auth: false \} on each route to open instead$/],
  [
    { securityEvents: true },
    /^securityEvents: must be an object with issuer and audience, or an array of such objects$/,
  ],
]

t.test('the error is the same for the plugin and for createResourceServer()', async (t) => {
  for (const [options, message] of VALUES) {
    const given = { issuer: ISSUER, audience: AUDIENCE, ...options } as never
    await t.rejects(createResourceServer(given), { name: 'TypeError', message })
    const app = Fastify()
    await t.rejects(async () => app.register(resourceServer, given), { name: 'TypeError', message })
    await app.close()
  }
})

const ORG = /is Okta's org authorization server.*https:\/\/dev-1\.okta\.com\/oauth2\/default/
const okta = (name: string) =>
  `is not the issuer identifier of a custom authorization server. Use https://dev-1.okta.com/oauth2/${name}`
const metadata = (issuer: string) =>
  `is the URL of a metadata document. Use the issuer identifier in it, such as ${issuer}`
const keySet = (issuer: string) =>
  'is the URL of a key set, which belongs in "jwksUri". Use the issuer identifier, exactly as in ' +
  `the "iss" of tokens, such as ${issuer}`

const ADDRESSES: readonly [issuer: string, mistake: string | RegExp][] = [
  ['https://dev-1.okta.com/oauth2/default/', okta('default')],
  ['https://dev-1.okta.com/oauth2/aus1/.well-known/openid-configuration', okta('aus1')],
  ['https://dev-1.okta.com/oauth2/aus1/.well-known/oauth-authorization-server', okta('aus1')],
  ['https://dev-1.okta.com/.well-known/oauth-authorization-server/oauth2/aus1', okta('aus1')],
  ['https://dev-1.okta.com/oauth2/aus1/v1/keys', okta('aus1')],
  ['https://dev-1.okta.com/oauth2/aus1/v1/token', okta('aus1')],
  ['https://dev-1.okta.com:443/oauth2/aus1', okta('aus1')],
  ['https://dev-1.okta.com/app/x', okta('default')],
  ['https://dev-1.okta.com/', ORG],
  ['https://dev-1.okta.com/.well-known/openid-configuration', ORG],
  ['https://dev-1.okta.com/oauth2/v1/keys', ORG],
  [
    'https://dev-1-admin.okta.com/oauth2/default/',
    /admin console\. Use https:\/\/dev-1\.okta\.com\/oauth2/,
  ],
  [
    'https://acme.auth0.com/.well-known/openid-configuration',
    /Use https:\/\/acme\.auth0\.com\/ with the trailing slash$/,
  ],
  ['https://acme.auth0.com/.well-known/jwks.json', /Use https:\/\/acme\.auth0\.com\/ with/],
  [
    'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_MadeUp123/.well-known/jwks.json',
    /Use https:\/\/cognito-idp\.eu-west-1\.amazonaws\.com\/eu-west-1_MadeUp123$/,
  ],
  [
    'https://sts.windows.net/3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b/.well-known/openid-configuration',
    /Use https:\/\/sts\.windows\.net\/3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b\/$/,
  ],
  ['https://a.example/.well-known/openid-configuration', metadata('https://a.example')],
  ['https://a.example/t/.well-known/openid-configuration', metadata('https://a.example/t')],
  ['https://a.example/t/.well-known/openid-configuration/', metadata('https://a.example/t/')],
  ['https://a.example/.well-known/oauth-authorization-server/t', metadata('https://a.example/t')],
  ['https://a.example/.WELL-KNOWN/openid-configuration', metadata('https://a.example')],
  ['https://a.example/.well-known', metadata('https://a.example')],
  ['https://a.example/.well-known/jwks.json', keySet('https://a.example')],
  ['https://a.example/t/.well-known/jwks', keySet('https://a.example/t')],
  [
    'https://sso.example/realms/acme/protocol/openid-connect/certs',
    keySet('https://sso.example/realms/acme'),
  ],
  ['https://login.example/oauth2/default/v1/keys', keySet('https://login.example/oauth2/default')],
  ['https://login.example/oauth2/v3/certs', keySet('https://login.example')],
  ['https://login.example/oauth2/jwks', keySet('https://login.example')],
  ['https://login.example/jwks.json', keySet('https://login.example')],
  ['https://login.example/discovery/v2.0/keys', keySet('https://login.example')],
]

t.test('rejects the URL of a metadata document as issuer', async (t) => {
  for (const [issuer, mistake] of ADDRESSES) {
    const message =
      typeof mistake === 'string'
        ? `"issuer" option ${issuer} ${mistake}`
        : new RegExp(`^"issuer" option https:\\S+ .*${mistake.source}`)
    const given = { issuer, audience: AUDIENCE }
    await t.rejects(createResourceServer(given), { name: 'TypeError', message }, issuer)
    await t.rejects(
      createResourceServer({ issuer: [ISSUER, { ...given, profile: 'standard' }], audience: 'a' }),
      { message },
      `${issuer}, in an array`,
    )
    const { code, stderr } = await runHere(['explain', '--issuer', issuer, '--audience', 'a'], {
      input: 'token',
    })
    t.equal(code, 2)
    const shown = stderr.trimEnd().replace('--jwks-uri', '"jwksUri"')
    t.match(shown, typeof mistake === 'string' ? `--issuer ${issuer} ${mistake}` : mistake)
  }
})

t.test(
  'accepts an issuer whose path resembles that of a key set if nothing is fetched',
  async (t) => {
    const named = (issuer: string) => issuersIn({ issuer, audience: 'a', jwks: jwks as never })[0]
    for (const issuer of ['https://a.example/jwks', 'https://a.example/oauth2/v1/keys']) {
      t.equal(named(issuer)?.issuer, issuer)
    }
    for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json']) {
      t.throws(() => named(`https://a.example${path}`), /is the URL of/)
      t.throws(() => named(`http://a.example${path}`), /is the URL of/)
    }
  },
)

t.test('accepts the paths of real issuers', async (t) => {
  for (const issuer of [
    'https://a.example/oauth2/default',
    'https://a.example/oauth2/v1',
    'https://a.example/realms/keys',
    'https://a.example/jwks/tenant',
    'https://a.example/well-known/x',
    'https://dev-1.okta.com/oauth2/default',
    'https://dev-1.oktapreview.com/oauth2/aus1',
  ]) {
    t.equal(issuersIn({ issuer, audience: 'a' })[0]?.issuer, issuer)
  }
})

t.test('recognizes the org authorization server of Okta with a trailing slash', async (t) => {
  const introspection = { clientId: 'a', clientSecret: 'b' }
  const named = (issuer: string) => issuersIn({ issuer, audience: 'a', introspection })[0]
  t.match(named('https://dev-1.okta.com'), { introspectionOnly: true, profile: { name: 'okta' } })
  for (const path of ['/', '/oauth2', '/oauth2/v1', '/.well-known/openid-configuration']) {
    t.throws(() => named(`https://dev-1.okta.com${path}`), {
      message:
        `"issuer" option https://dev-1.okta.com${path} is not the issuer identifier of Okta's org ` +
        'authorization server. Use https://dev-1.okta.com',
    })
  }
  t.throws(() => named('http://dev-1.okta.com'), /https URL/)
  t.throws(() => named('https://dev-1-admin.okta.com'), /admin console/)
})

t.test('the token commands reject such an issuer, too', async (t) => {
  const args = ['--client-id', 'a', '--client-authentication', 'none']
  for (const issuer of [
    'https://a.example/.well-known/openid-configuration',
    'https://a.example/.well-known/oauth-authorization-server/t',
  ]) {
    for (const grant of [[], ['--username', 'ada']]) {
      const { code, stderr } = await runHere(['token', '--issuer', issuer, ...args, ...grant], {
        env: { FRS_PASSWORD: 'p' },
      })
      t.equal(code, 2)
      t.match(stderr, '--issuer must be the issuer identifier, not the URL of its metadata')
    }
  }
})

t.test('the error of a requirement contains the value or the fix', async (t) => {
  const requirements: readonly [auth: object, message: RegExp][] = [
    [{ anyRole: 'admin' }, /"anyRole" must be a non-empty array .*, not the string "admin"$/],
    [{ groups: ['Admins', ''] }, /"groups" must be .*, not the string "" at index 1$/],
    [{ roles: new Set(['admin']) }, /"roles" must be .*, not an instance of Set$/],
    [{ maxAge: '5m' }, /"maxAge" must be a whole number of seconds .*, not the string "5m"$/],
    [{ optional: 'true' }, /config\.auth\.optional must be .*, not the string "true"$/],
    [{ dpop: true }, /config\.auth\.dpop must be "off", .*, not true$/],
    [{ authorizationDetails: 'payment' }, /"authorizationDetails" must be an object with a "type"/],
    [{ required: false }, /Use auth: false to open the route, or "optional" .* instead$/],
    [{ scope: async () => 'a' }, /"scope" must not be an async function, .* use "authorize"$/],
    [{ anyScope: async () => ['a'] }, /"anyScope" must not be an async function/],
    [{ claims: { sub: async () => true } }, /"claims" for "sub" must not be an async function/],
    [
      { authorizationDetails: { type: 'a', check: async () => true } },
      /"check" of "authorizationDetails" must not be an async function/,
    ],
    [{ claims: { sub: /a/ } }, /invalid value for "sub", an instance of RegExp: use a string/],
    [
      { claims: { realm_access: { roles: 'a' } } },
      /, an object: .* such as "realm_access\.roles"$/,
    ],
    [
      { clientId: 'a' },
      /Use "authorize", such as \(token\) => token\.clientId === 'reports', inst/,
    ],
    [{ sub: 'ada' }, /Use "claims", such as \{ sub: 'ada' \}, instead$/],
  ]
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, { issuer: ISSUER, audience: AUDIENCE, jwks })
  for (const [auth, message] of requirements) {
    t.throws(() => app.get('/', { config: { auth } }, () => ''), { name: 'TypeError', message })
  }
})

t.test('an async extractToken is an error at registration', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const extractToken = (async () => 'token') as never
  const options = { issuer: ISSUER, audience: AUDIENCE, jwks, extractToken }
  const message = /^"extractToken" option must not be an async function/
  await t.rejects(async () => app.register(resourceServer, options), { message })
})

t.test('errors of functions name what to pass', async (t) => {
  const calls: readonly [call: () => unknown, message: RegExp][] = [
    [() => redisStore(new Map() as never), /^redisStore\(\) requires \{ client \}/],
    [() => redisStore({ url: 'redis://a' } as never), /Use "client", with a Redis client that you/],
    [() => memoryStore(5 as never), /^The argument of memoryStore\(\) must be a plain object$/],
    [() => bearerToken({} as never), /^bearerToken\(\) requires .* pass request\.raw$/],
    [() => bearerToken(undefined as never), /^bearerToken\(\) requires .* pass request\.raw$/],
  ]
  for (const [call, message] of calls) t.throws(call, { name: 'TypeError', message })
})
