import t from 'tap'
import { createResourceServer, memoryStore, type Store } from '../../src/index.js'
import { resolvePluginOptions } from '../../src/plugin/plugin-options.js'
import { EQUIVALENT_OPTIONS } from '../../src/server/equivalent-options.js'
import { RESOURCE_SERVER_OPTIONS, resolveOptions } from '../../src/server/options.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { key } from '../fixtures/protected-api.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const keys = [key.publicJwk]
const base = { issuer: ISSUER, audience: AUDIENCE }
const secret = 's'.repeat(32)

const resolve = (options: object) => resolveOptions({ ...base, ...options } as never)
const named = (options: object) => issuersIn({ ...base, ...options } as never)

type Row = [title: string, options: object, message: RegExp]

function rejectsRows(title: string, rows: readonly Row[]): void {
  t.test(title, async (t) => {
    for (const [row, options, message] of rows) {
      t.throws(() => resolve(options), { name: 'TypeError', message }, row)
    }
  })
}

t.test('shows the invalid value', async (t) => {
  const cases: [object, RegExp][] = [
    [{ clockTolerance: '30' }, /from 0 to 300, not the string "30"$/],
    [{ maxTokenLength: 100_000 }, /from 256 to 65536, not 100000$/],
    [{ issuer: undefined }, /must be a URL, such as .*, not undefined, because/],
    [{ issuer: 'https:// a.example' }, /not the string "https:\/\/ a\.example", because/],
    [{ issuer: 'https://user:pass word@a b' }, /not a string with "@", because/],
    [{ issuer: 'a b', jwks: { keys } }, /backslash, not the string "a b"$/],
    [{ audience: undefined }, /array of such strings, not undefined$/],
    [{ profile: 'keycloack' }, /an object that defines a profile\. Did you mean "keycloak"\?$/],
    [{ profile: { name: 'a', extends: 'Okta' } }, /Did you mean "okta"\?$/],
    [
      { introspection: { clientId: 'a', clientSecret: secret, mode: 'allways' } },
      /must be one of opaque, always, .*\. Did you mean "always"\?$/,
    ],
    [{ audience: [''] }, /array of such strings, not the string "" at index 0$/],
  ]
  for (const [options, message] of cases) t.throws(() => resolve(options), { message })
})

rejectsRows('unknown options', [
  [
    'misspelt',
    { audiance: 'x' },
    /^Unknown option "audiance" of a resource server\..* Known: issuer, audience/,
  ],
  ['scopes', { scopes: 'x' }, /^Unknown option "scopes"/],
  ['of the plugin', { global: true }, /^Unknown option "global"/],
  [
    'in an issuer',
    { issuer: { issuer: ISSUER, realm: 'x' } },
    /^Unknown option "realm" of an issuer\..* Known/,
  ],
  ['in jwks', { jwks: { ttl: 1 } }, /^Unknown option "ttl" of "jwks"\..* Known: keys, timeout/],
  [
    'in tokenCache',
    { tokenCache: { ttl: 1 } },
    /^Unknown option "ttl" of "tokenCache"\..* Known: maxEntries/,
  ],
])

rejectsRows('issuer', [
  ['missing', { issuer: undefined }, /^"issuer" option must be a URL, such as https:/],
  ['null', { issuer: null }, /^"issuer" option must be a URL/],
  ['a number', { issuer: 1 }, /^"issuer" option must be a URL/],
  ['empty', { issuer: '' }, /^"issuer" option must be a URL/],
  [
    'followed by a space',
    { issuer: `${ISSUER} ` },
    /^"issuer" option must not begin or end with white space, not the string "https:.* "$/,
  ],
  ['a line break', { issuer: `\n${ISSUER}`, jwks: { keys } }, /begin or end with white space/],
  ['a list', { issuer: `${ISSUER},${ISSUER}` }, /^"issuer" option must be an array if there are/],
  ['a list with spaces', { issuer: `${ISSUER} ${ISSUER}` }, /^"issuer" option must be an array/],
  [
    'a host that is not set',
    { issuer: 'https://undefined/' },
    /^"issuer" option contains "undefined": a variable from which the code builds it is not set$/,
  ],
  ['a subdomain that is not set', { issuer: 'https://null.eu.auth0.com/' }, /contains "null"/],
  ['a segment that is not set', { issuer: `${ISSUER}/undefined/v2.0` }, /contains "undefined"/],
  ['a last segment that is not set', { issuer: `${ISSUER}/undefined` }, /contains "undefined"/],
  ['a string that is not set', { issuer: 'undefined', jwks: { keys } }, /contains "undefined"/],
  ['no URL', { issuer: 'issuer.example' }, /^"issuer" option must be a URL/],
  ['an empty array', { issuer: [] }, /^"issuer" option must contain at least one/],
  ['an empty object', { issuer: {} }, /^"issuer" option must be a URL/],
  ['an array in an array', { issuer: [[ISSUER]] }, /^"issuer" option must be a URL/],
  [
    'http',
    { issuer: 'http://issuer.example' },
    /^"issuer" option must be an https URL \(http on loopback only\): http:/,
  ],
  ['http on a host that begins like loopback', { issuer: 'http://localhost.example' }, /https URL/],
  [
    'http on a host that looks like an address',
    { issuer: 'http://127.0.0.1.example' },
    /https URL/,
  ],
  ['another scheme', { issuer: 'ftp://issuer.example' }, /https URL/],
  ['a URN', { issuer: 'urn:issuer' }, /https URL/],
  ['javascript', { issuer: 'javascript:alert(1)' }, /https URL/],
  [
    'with a query',
    { issuer: `${ISSUER}?a=b` },
    /^"issuer" option must be a URL without query, fragment or credentials/,
  ],
  ['with an empty query', { issuer: `${ISSUER}?` }, /without query/],
  ['with a fragment', { issuer: `${ISSUER}#a` }, /without query/],
  ['with a user', { issuer: 'https://user@issuer.example' }, /must not contain credentials/],
  [
    'with a password',
    { issuer: 'https://:password@issuer.example' },
    /must not contain credentials/,
  ],
  ['with a blank behind it', { issuer: `${ISSUER} ` }, /^"issuer" option/],
  ['with a newline behind it', { issuer: `${ISSUER}\n` }, /^"issuer" option/],
  ['with a tab before it', { issuer: `\t${ISSUER}` }, /^"issuer" option/],
  ['with a newline in it', { issuer: 'https://issuer.exa\nmple' }, /^"issuer" option/],
  [
    'twice',
    { issuer: [ISSUER, ISSUER] },
    /^"issuer" option must not contain https:\/\/issuer\.example\/oauth2\/default twice/,
  ],
  ['twice, once as object', { issuer: [ISSUER, { issuer: ISSUER }] }, /twice/],
])

const org =
  /^"issuer" option https:\S+ is Okta's org authorization server.*https:\/\/x\.okta(?:preview|-emea)?\.com\/oauth2\/default/
const admin =
  /^"issuer" option https:\S+ is the URL of Okta's admin console\. Use https:\/\/x\.okta(?:preview|-emea)?\.com\/oauth2\/default$/

rejectsRows('issuer: Okta addresses whose tokens only Okta can validate', [
  ['okta.com', { issuer: 'https://x.okta.com' }, org],
  ['with a slash', { issuer: 'https://x.okta.com/' }, org],
  ['in capitals', { issuer: 'https://X.OKTA.COM' }, org],
  ['with a port', { issuer: 'https://x.okta.com:443' }, org],
  ['oktapreview.com', { issuer: 'https://x.oktapreview.com' }, org],
  ['okta-emea.com', { issuer: 'https://x.okta-emea.com' }, org],
  ['/oauth2', { issuer: 'https://x.okta.com/oauth2' }, org],
  ['/oauth2/v1', { issuer: 'https://x.okta.com/oauth2/v1' }, org],
  ['/oauth2/v1/', { issuer: 'https://x.oktapreview.com/oauth2/v1/' }, org],
  ['in an object', { issuer: { issuer: 'https://x.okta.com' } }, org],
  ['among others', { issuer: [ISSUER, 'https://x.okta.com'] }, org],
  ['with an explicit profile', { issuer: 'https://x.okta.com', profile: 'standard' }, org],
  ['with keys', { issuer: 'https://x.okta.com', jwks: { keys } }, org],
  ['-admin', { issuer: 'https://x-admin.okta.com' }, admin],
  ['-admin of oktapreview.com', { issuer: 'https://x-admin.oktapreview.com/' }, admin],
  ['-admin of okta-emea.com', { issuer: 'https://x-admin.okta-emea.com' }, admin],
  ['-admin with the right path', { issuer: 'https://x-admin.okta.com/oauth2/default' }, admin],
])

const store = memoryStore()
const { listRevocations, ...notAllOfStore } = { ...methodsOf(store) }
const introspection = { clientId: 'orders-api', clientSecret: 'secret' }

rejectsRows('stores, and what goes with them', [
  [
    'a store itself',
    { stores: store },
    /^"stores" option must be an object with a store for one or more of replay, revocations, introspection, such as \{ replay: store \}$/,
  ],
  [
    'unknown',
    { stores: { jti: store } },
    /^Unknown option "jti" of "stores"\..* Known: replay, rev/,
  ],
  [
    'nothing',
    { stores: { replay: null } },
    /^"stores.replay" option must be a store, such as redis/,
  ],
  [
    'a client',
    { stores: { revocations: notAllOfStore } },
    /with the methods add, get, set, delete, merge/,
  ],
  ['text', { stores: { replay: 'redis:' } }, /^"stores.replay" option must be a store/],
  [
    'introspection without a secret',
    { stores: { introspection: store }, introspection },
    /^"stores.sealingSecret" option must be 32 random bytes or more, the same on every instance: it enc/,
  ],
  [
    'introspection with a short secret',
    { stores: { introspection: store, sealingSecret: 'x'.repeat(31) }, introspection },
    /^"stores.sealingSecret" option must be 32 random bytes or more/,
  ],
  [
    'a secret that is none',
    { stores: { introspection: store, sealingSecret: 32 }, introspection },
    /^"stores.sealingSecret" option must be 32 random bytes or more/,
  ],
  [
    'a secret for nothing',
    { stores: { sealingSecret: 'x'.repeat(32) } },
    /^"stores.sealingSecret" option has no effect without "stores.introspection"$/,
  ],
  [
    'introspection of nothing',
    { stores: { introspection: store, sealingSecret: 'x'.repeat(32) } },
    /^"stores.introspection" option has no effect without "introspection": set it, or omit the store$/,
  ],
  [
    'untilLoaded without a store',
    { revocations: { untilLoaded: 'dangerouslyAccept' } },
    /^"revocations.untilLoaded" option has no effect without "stores.revocations": set that store, or omit the option$/,
  ],
  [
    'untilLoaded',
    { stores: { revocations: store }, revocations: { untilLoaded: 'never' } },
    /^"revocations.untilLoaded" option must be 'reject' or 'dangerouslyAccept'$/,
  ],
])

t.test('accepts any object with the methods of a store', async (t) => {
  const stores = { replay: methodsOf(store), revocations: store }
  t.strictSame(resolve({ stores }).stores, { ...stores, introspection: undefined })
  t.equal(
    resolve({ stores, revocations: { untilLoaded: 'dangerouslyAccept' } }).revocations.untilLoaded,
    'dangerouslyAccept',
  )
})

t.test('copies the sealing secret', async (t) => {
  const secret = new Uint8Array(32).fill(1)
  const stores = { introspection: store, sealingSecret: secret }
  for (const issuers of [{ introspection }, { issuer: () => undefined }]) {
    const resolved = resolve({ stores, ...issuers }).stores.introspection
    t.equal(resolved?.store, store)
    t.strictSame(new Uint8Array(resolved?.secret ?? []), secret)
    t.not(resolved?.secret.buffer, secret.buffer)
  }
})

function methodsOf(one: Store): Store {
  const nothing = async () => undefined as never
  return { ...{ add: nothing, get: nothing, set: nothing, delete: nothing }, ...listening(one) }
}

function listening(one: Store) {
  return {
    mergeRevocations: async () => {},
    revocationsSince: async () => undefined,
    listRevocations: () => one.listRevocations(),
    publish: async () => {},
    subscribe: async () => async () => {},
  }
}

rejectsRows('audience', [
  [
    'missing',
    { audience: undefined },
    /^"audience" option must be the audience of this API, exactly as in the "aud" of tokens from https:\S+: a non-empty string, or a non-empty array of such strings/,
  ],
  ['null', { audience: null }, /^"audience" option/],
  ['empty', { audience: '' }, /^"audience" option/],
  ['an empty array', { audience: [] }, /^"audience" option/],
  ['an empty string in an array', { audience: ['a', ''] }, /^"audience" option/],
  ['a number', { audience: 1 }, /^"audience" option/],
  ['a regular expression', { audience: /./ }, /^"audience" option/],
  ['true', { audience: true }, /^"audience" option/],
  ['not set', { audience: ['a', 'api://undefined'] }, /^"audience" option contains "undefined"/],
  [
    'missing for one of several',
    { audience: undefined, issuer: [{ issuer: ISSUER, audience: 'a' }, 'https://b.example'] },
    /"audience" option .* https:\/\/b\.example/,
  ],
])

rejectsRows('profile', [
  [
    'unknown',
    { profile: 'auth1' },
    /^"profile" option must be one of standard, rfc9068, okta, .*, supertokens, or an object that defines a profile\. Did you mean "auth0"\?$/,
  ],
  ['in capitals', { profile: 'Okta' }, /^"profile" option/],
  ['null', { profile: null }, /^"profile" option/],
  ['a prototype name', { profile: 'constructor' }, /^"profile" option/],
])

rejectsRows('algorithms', [
  [
    'none',
    { algorithms: ['none'] },
    /^"algorithms" option must be an array of one or more of RS256, .* without a "secret"$/,
  ],
  ['none beside a good one', { algorithms: ['RS256', 'none'] }, /^"algorithms" option/],
  ['None', { algorithms: ['None'] }, /^"algorithms" option/],
  ['an empty array', { algorithms: [] }, /^"algorithms" option/],
  ['a string', { algorithms: 'RS256' }, /^"algorithms" option/],
  ['null', { algorithms: null }, /^"algorithms" option/],
  ['in lower case', { algorithms: ['rs256'] }, /Did you mean "RS256"\?$/],
  ['unknown', { algorithms: ['Z1'] }, /^"algorithms" option .* without a "secret"$/],
  ['misspelled', { algorithms: ['ES256', 'PS265'] }, /Did you mean "PS256"\?$/],
  ['a prototype name', { algorithms: ['toString'] }, /^"algorithms" option/],
  [
    'HS256 without a secret',
    { algorithms: ['HS256'] },
    /^"algorithms" option .* without a "secret". HS256 requires a "secret"$/,
  ],
  ['HS256 beside keys', { algorithms: ['RS256', 'HS256'], jwks: { keys } }, /^"algorithms" option/],
  [
    'RS256 with a secret',
    { algorithms: ['RS256'], secret },
    /^"algorithms" option must be an array of one or more of HS256, HS384, HS512 with a "secret"$/,
  ],
  ['both with a secret', { algorithms: ['HS256', 'RS256'], secret }, /^"algorithms" option/],
  ['none configured with a secret', { secret }, /^"algorithms" option .* with a "secret"/],
])

rejectsRows('secret', [
  [
    'too short',
    { secret: 's'.repeat(31), algorithms: ['HS256'] },
    /^"secret" option must be a string or Uint8Array of at least 32 bytes$/,
  ],
  ['too short for HS384', { secret: 's'.repeat(47), algorithms: ['HS384'] }, /at least 48 bytes/],
  [
    'too short for HS512',
    { secret: 's'.repeat(63), algorithms: ['HS256', 'HS512'] },
    /at least 64 bytes/,
  ],
  [
    'too short in bytes',
    { secret: new Uint8Array(31), algorithms: ['HS256'] },
    /at least 32 bytes/,
  ],
  ['empty', { secret: '', algorithms: ['HS256'] }, /^"secret" option/],
  ['null', { secret: null, algorithms: ['HS256'] }, /^"secret" option/],
  ['a number', { secret: 1, algorithms: ['HS256'] }, /^"secret" option/],
])

const both = { secret, dangerouslyAllowSecretWithKeys: true }

rejectsRows('dangerouslyAllowSecretWithKeys', [
  [
    'without a secret',
    { dangerouslyAllowSecretWithKeys: true },
    /^"dangerouslyAllowSecretWithKeys" option requires "secret": set it, or remove this option/,
  ],
  [
    'no boolean',
    { ...both, dangerouslyAllowSecretWithKeys: 'yes' },
    /must be true or false, not the string "yes"$/,
  ],
  [
    'without algorithms',
    both,
    /one or more of HS256, HS384, HS512 and one or more of RS256, .* with "dangerouslyAllowSecretWithKeys"$/,
  ],
  ['with HS256 only', { ...both, algorithms: ['HS256'] }, /^"algorithms" option .* and one or/],
  ['with ES256 only', { ...both, algorithms: ['ES256'] }, /^"algorithms" option .* and one or/],
  ['with none', { ...both, algorithms: ['ES256', 'HS256', 'none'] }, /^"algorithms" option/],
  [
    'with two sources of keys',
    { ...both, algorithms: ['ES256', 'HS256'], jwksUri: 'https://a.example', jwks: { keys } },
    /^"jwksUri" and "jwks\.keys" are mutually exclusive: set one source of keys$/,
  ],
  [
    'with a short secret',
    { ...both, secret: 's'.repeat(31), algorithms: ['ES256', 'HS256'] },
    /^"secret" option must be a string or Uint8Array of at least 32 bytes$/,
  ],
  [
    'for several issuers',
    { issuer: [ISSUER, 'https://b.example'], dangerouslyAllowSecretWithKeys: true },
    /^"dangerouslyAllowSecretWithKeys" option belongs to one issuer: move it/,
  ],
])

rejectsRows('keys have one source', [
  [
    'secret and jwksUri',
    { secret, algorithms: ['HS256'], jwksUri: 'https://a.example' },
    /^"jwksUri" and "secret" are mutually exclusive: set one source of keys\. While the issuer migrates from the secret to keys, set "dangerouslyAllowSecretWithKeys"$/,
  ],
  [
    'secret and keys',
    { secret, algorithms: ['HS256'], jwks: { keys } },
    /^"jwks\.keys" and "secret" are mutually exclusive/,
  ],
  [
    'jwksUri and keys',
    { jwksUri: 'https://a.example', jwks: { keys } },
    /^"jwksUri" and "jwks\.keys" are mutually exclusive/,
  ],
  [
    'shared jwksUri and own keys',
    { jwksUri: 'https://a.example', issuer: { issuer: ISSUER, jwks: { keys } } },
    /are mutually exclusive/,
  ],
  [
    'keys for several issuers',
    { issuer: [ISSUER, 'https://b.example'], jwks: { keys } },
    /^"jwks\.keys" option belongs to one issuer: move it to the object of that issuer in "issuer"$/,
  ],
  [
    'jwksUri for several issuers',
    { issuer: [ISSUER, 'https://b.example'], jwksUri: 'https://a.example' },
    /^"jwksUri" option belongs to one issuer/,
  ],
  [
    'secret for several issuers',
    { issuer: [ISSUER, 'https://b.example'], secret, algorithms: ['HS256'] },
    /^"secret" option belongs to one issuer/,
  ],
])

rejectsRows('jwksUri', [
  ['not set', { jwksUri: 'https://undefined/keys' }, /^"jwksUri" option contains "undefined"/],
  [
    'http',
    { jwksUri: 'http://issuer.example/keys' },
    /^"jwksUri" option must be an https URL \(http on loopback only\) without credentials$/,
  ],
  ['with a password', { jwksUri: 'https://a:b@issuer.example/keys' }, /without credentials$/],
  ['no URL', { jwksUri: '/keys' }, /^"jwksUri" option/],
  ['empty', { jwksUri: '' }, /^"jwksUri" option/],
  ['null', { jwksUri: null }, /^"jwksUri" option/],
  ['a file', { jwksUri: 'file:///keys' }, /^"jwksUri" option/],
  ['data', { jwksUri: 'data:application/json,{}' }, /^"jwksUri" option/],
])

rejectsRows('jwks', [
  [
    'a store without methods',
    { jwks: { store: {} } },
    /^"jwks.store" option must have the methods/,
  ],
  ['a store of null', { jwks: { store: null } }, /^"jwks.store" option/],
  ['null', { jwks: null }, /^"jwks" option must be an object, such as \{ keys: \[key\] \}/],
  [
    'a string',
    { jwks: 'https://a.example' },
    /^"jwks" option must be an object, such as \{ keys: \[key\] \}: set "jwksUri" to the URL of a key set$/,
  ],
  [
    'an array',
    { jwks: keys },
    /^"jwks" option must be an object: set "jwks\.keys" to the array of keys$/,
  ],
  ['an array, with an issuer as object', { issuer: { issuer: ISSUER }, jwks: keys }, /"jwks"/],
  ['a number, with an issuer as object', { issuer: { issuer: ISSUER }, jwks: 5 }, /"jwks"/],
  ['null in an issuer', { issuer: { issuer: ISSUER, jwks: null } }, /"jwks"/],
  [
    'keys as an object',
    { jwks: { keys: { keys } } },
    /^"jwks\.keys" option must be an array of one or more keys: the "keys" of a JWK Set, or \[pem\]$/,
  ],
  ['a key as text', { jwks: { keys: ['pem'] } }, /^"jwks\.keys\[0\]" option must be PEM/],
  ['a key as null', { jwks: { keys: [null] } }, /^"jwks\.keys\[0\]" option must be a JWK, a PEM/],
  ['keys as null', { jwks: { keys: null } }, /^"jwks\.keys" option/],
  [
    'cacheMinAge above cacheMaxAge',
    { jwks: { cacheMinAge: 2_000, cacheMaxAge: 1_000 } },
    /^"jwks\.cacheMinAge" option must not be larger than "jwks\.cacheMaxAge"$/,
  ],
  [
    'fetch that is no function',
    { jwks: { fetch: 'fetch' } },
    /^"jwks\.fetch" option must be a function$/,
  ],
])

const ranges: [name: string, minimum: number, maximum: number, unit: string][] = [
  ['clockTolerance', 0, 300, 'seconds'],
  ['maxTokenAge', 1, 31_536_000, 'seconds'],
  ['maxTokenLength', 256, 65_536, 'characters'],
  ['tokenCache.maxEntries', 1, 10_000_000, 'tokens'],
  ['tokenCache.maxBytes', 65_536, 1_099_511_627_776, 'bytes'],
  ['jwks.timeout', 100, 60_000, 'milliseconds'],
  ['jwks.refetchBurst', 1, 100, 'fetches'],
  ['jwks.cooldown', 1_000, 600_000, 'milliseconds'],
  ['jwks.staleIfError', 0, 604_800_000, 'milliseconds'],
  ['jwks.maxKeys', 1, 1_000, 'keys'],
  ['jwks.maxBytes', 1_024, 16_777_216, 'bytes'],
]

t.test('rejects numbers outside their range, naming unit and range', async (t) => {
  for (const [name, minimum, maximum, unit] of ranges) {
    const [group, member] = name.split('.') as [string, string?]
    const options = (value: unknown) => ({
      [group]: member === undefined ? value : { [member]: value },
    })
    const message = `"${name}" option must be a whole number of ${unit} from ${minimum} to ${maximum}`
    const invalidValues = [
      minimum - 1,
      maximum + 1,
      minimum + 0.5,
      Number.NaN,
      Infinity,
      `${minimum}`,
      true,
      {},
      10n,
    ]
    for (const value of invalidValues) {
      t.throws(
        () => resolve(options(value)),
        { name: 'TypeError', message },
        `${name}: ${String(value)}`,
      )
    }
    t.doesNotThrow(() => resolve(options(minimum)), `${name}: ${minimum}`)
    t.doesNotThrow(() => resolve(options(maximum)), `${name}: ${maximum}`)
  }
  const ages = ['cacheMinAge', 'cacheMaxAge']
  for (const age of ages) {
    t.throws(() => resolve({ jwks: { [age]: -1 } }), {
      message: new RegExp(`^"jwks.${age}" option must be a whole number of milliseconds`),
    })
  }
})

rejectsRows('realm', [
  [
    'a quotation mark',
    { realm: 'a"b' },
    /^"realm" option must be printable ASCII without quotation marks or backslashes$/,
  ],
  ['a backslash', { realm: 'a\\b' }, /^"realm" option/],
  ['a newline', { realm: 'a\nb' }, /^"realm" option/],
  ['a newline at the end', { realm: 'a\n' }, /^"realm" option/],
  ['a letter beyond ASCII', { realm: 'é' }, /^"realm" option/],
  ['empty', { realm: '' }, /^"realm" option/],
  ['null', { realm: null }, /^"realm" option/],
  ['a number', { realm: 1 }, /^"realm" option/],
])

rejectsRows('the rest', [
  [
    'tokenCache: true',
    { tokenCache: true },
    /^"tokenCache" option must be false, or an object with maxEntries or maxBytes$/,
  ],
  [
    'tokenCache: null',
    { tokenCache: null },
    /^"tokenCache" option must be false, or an object with/,
  ],
  ['now: a time', { now: Date.now() }, /^"now" option must be a function$/],
  ['logger: no object', { logger: 'console' }, /^"logger" option must have a method "warn"$/],
  ['logger: without warn', { logger: {} }, /^"logger" option must have a method "warn"$/],
  ['logger: null', { logger: null }, /^"logger" option/],
  [
    'dangerouslyAllowHttp: a word',
    { dangerouslyAllowHttp: 'yes' },
    /^"dangerouslyAllowHttp" option must be true or false, not the string "yes"$/,
  ],
  ['dangerouslyAllowHttp: 1', { dangerouslyAllowHttp: 1 }, /^"dangerouslyAllowHttp" option/],
])

t.test('names what to use instead of an option of another package', async (t) => {
  for (const [name, instead] of EQUIVALENT_OPTIONS) {
    t.throws(() => resolve({ [name]: 'x' }), {
      name: 'TypeError',
      message: `Unknown option "${name}" of a resource server. Use ${instead} instead`,
    })
    t.throws(() => resolvePluginOptions({ ...base, [name]: 'x' } as never), {
      message: `Use ${instead} instead`,
    })
  }
  for (const name of RESOURCE_SERVER_OPTIONS) t.notOk(EQUIVALENT_OPTIONS.has(name), name)
})

t.test('rejects values that are not an options object', async (t) => {
  for (const options of [undefined, null, 'https://issuer.example', [], 1]) {
    await t.rejects(createResourceServer(options as never), {
      name: 'TypeError',
      message: /^a resource server must be a plain object$/,
    })
  }
})

t.test('rejects invalid options of the plugin', async (t) => {
  const rows: Row[] = [
    [
      'global: a word',
      { global: 'no' },
      /^"global" option must be true or false, not the string "no"$/,
    ],
    ['global: null', { global: null }, /^"global" option must be true or false, not null$/],
    ['extractToken', { extractToken: 'cookie' }, /^"extractToken" option must be a function$/],
    ['extractToken: null', { extractToken: null }, /^"extractToken" option must be a function$/],
    ['onReject', { onReject: {} }, /^"onReject" option must be a function$/],
    ['prefix', { prefix: '/api' }, /^"prefix" option has no effect here/],
    ['prefix: undefined', { prefix: undefined }, /^"prefix" option has no effect here/],
    [
      'logger',
      { logger: console },
      /^Unknown option "logger" of fastify-resource-server\. Use the option "logger" of Fastify/,
    ],
    ['unknown', { auth: true }, /^Unknown option "auth" of fastify-resource-server/],
  ]
  for (const [row, options, message] of rows) {
    const resolve = () => resolvePluginOptions({ ...base, ...options } as never)
    t.throws(resolve, { name: 'TypeError', message }, row)
  }
  t.match(resolvePluginOptions(base), { global: true, resourceServer: base })
})

t.test('no error message contains the secret', async (t) => {
  const short = 'a-secret-that-is-short'
  for (const options of [
    { secret: short, algorithms: ['HS256'] },
    { secret: short, jwks: { keys } },
    { secret: short },
    { secret: short, issuer: [ISSUER, 'https://b.example'] },
  ]) {
    t.throws(() => resolve(options), { message: /^(?!.*a-secret)/ })
  }
})

t.test('reads the default clock and fetch at each use', async (t) => {
  const resolved = resolve({})
  const { now } = Date
  const { fetch } = globalThis
  t.teardown(() => {
    Date.now = now
    globalThis.fetch = fetch
  })
  Date.now = () => 5
  const response = new Response('from a mock')
  globalThis.fetch = async () => response
  t.equal(resolved.now(), 5)
  const { issuers } = resolve({ introspection: { clientId: 'me', clientSecret: 'secret' } })
  for (const { keys, introspection } of issuers.from === 'options' ? issuers.issuers : []) {
    if (keys.from !== 'remote') throw new Error('fetched from the issuer')
    const init = { headers: {}, redirect: 'manual', signal: AbortSignal.timeout(1) } as const
    t.equal(await keys.jwks.fetch('https://issuer.example', { method: 'GET', ...init }), response)
    t.equal(
      await introspection?.fetch('https://issuer.example', { method: 'POST', ...init }),
      response,
    )
  }
})

t.test('applies the documented defaults', async (t) => {
  const { issuers: _, ...options } = resolve({})
  const issuers = named({})
  t.match(options, {
    limits: { clockTolerance: 30, maxTokenAge: undefined },
    maxTokenLength: 8_192,
    realm: 'api',
    tokenCache: { maxEntries: 10_000, maxBytes: 67_108_864 },
    now: Function,
  })
  t.equal(options.logger.warn({}, 'discarded'), undefined)
  const [issuer] = issuers
  t.equal(issuer?.issuer, ISSUER)
  t.same([...(issuer?.audience ?? [])], [AUDIENCE])
  t.equal(issuer?.profile.name, 'standard')
  const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'
  t.same([...(issuer?.algorithms ?? [])].sort(), algorithms.split(' ').sort())
  t.match(issuer?.keys, {
    from: 'remote',
    jwksUri: undefined,
    allowHttp: false,
    jwks: {
      timeout: 5_000,
      refetchBurst: 3,
      cooldown: 10_000,
      cacheMinAge: 60_000,
      cacheMaxAge: 600_000,
      staleIfError: 14_400_000,
      maxKeys: 100,
      maxBytes: 524_288,
      fetch: Function,
    },
  })
  t.equal(resolve({ tokenCache: false }).tokenCache, undefined)
  t.match(resolve({ tokenCache: { maxEntries: 5 } }).tokenCache, { maxBytes: 67_108_864 })
  t.ok(Object.isFrozen(resolve({})) && Object.isFrozen(issuers) && Object.isFrozen(issuer))
})

t.test(
  'accepts an identifier, an object, or an array of either as issuer, with shared defaults',
  async (t) => {
    const issuers = named({
      algorithms: ['ES256'],
      jwks: { timeout: 1_000, cooldown: 2_000 },
      issuer: [
        'https://a.example',
        { issuer: 'https://b.example', audience: ['b', 'c'], jwks: { timeout: 3_000 } },
        { issuer: 'https://c.example', algorithms: ['RS256'], jwks: { keys } },
        { issuer: 'https://d.example', algorithms: ['HS256'], secret },
      ],
    })
    t.match(issuers, [
      { issuer: 'https://a.example', keys: { jwks: { timeout: 1_000, cooldown: 2_000 } } },
      { issuer: 'https://b.example', keys: { jwks: { timeout: 3_000, cooldown: 2_000 } } },
      { issuer: 'https://c.example', keys: { from: 'static', maxKeys: 100 } },
      {
        issuer: 'https://d.example',
        keys: { from: 'secret', secret: new TextEncoder().encode(secret) },
      },
    ])
    t.same(
      issuers.map(({ audience, algorithms }) => [[...audience], [...algorithms]]),
      [
        [[AUDIENCE], ['ES256']],
        [['b', 'c'], ['ES256']],
        [[AUDIENCE], ['RS256']],
        [[AUDIENCE], ['HS256']],
      ],
    )
    t.equal(named({ issuer: { issuer: ISSUER } }).length, 1)
  },
)

t.test('accepts valid issuers', async (t) => {
  const profile = (issuer: string, options = {}) => named({ issuer, ...options })[0]?.profile.name
  t.equal(profile('https://x.okta.com/oauth2/default'), 'okta')
  t.equal(profile('https://x.oktapreview.com/oauth2/aus1'), 'okta')
  t.equal(profile('https://x.okta-emea.com/oauth2/default'), 'okta')
  t.equal(profile('https://x.okta.com/oauth2/default', { profile: 'rfc9068' }), 'rfc9068')
  t.equal(profile('https://login.example.com/oauth2/default', { profile: 'okta' }), 'okta')
  for (const issuer of [
    'https://issuer.example',
    'https://issuer.example/',
    'https://issuer.example:8443/a/b',
    'https://okta.com.example',
    'https://notokta.com',
    'https://administrator.example',
    'http://localhost:3000',
    'http://127.0.0.1:3000/tenant',
    'http://[::1]:3000',
    'http://issuer.localhost',
  ]) {
    t.equal(profile(issuer), 'standard', issuer)
  }
  t.equal(
    profile('http://keycloak:8080/realms/a', { dangerouslyAllowHttp: true }),
    'standard',
    'plain http only if configured',
  )
  const jwksUri = 'http://keycloak:8080/keys'
  t.match(named({ dangerouslyAllowHttp: true, jwksUri })[0]?.keys, { jwksUri })
})
