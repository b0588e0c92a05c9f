/**
 * Generates values of options: valid values, invalid values, and values that JSON cannot express.
 */
import fc from 'fast-check'
import { INTROSPECTION_OPTIONS } from '../../../src/introspection/options.js'
import { JWKS_OPTIONS } from '../../../src/keys/options.js'
import { RESOURCE_SERVER_OPTIONS } from '../../../src/server/options.js'

const under = (name: string, members: readonly string[]) =>
  members.map((member) => `${name}.${member}`)

/** Every option, and names of options that do not exist. */
export const OPTION_PATHS: readonly string[] = [
  ...RESOURCE_SERVER_OPTIONS.filter((name) => name !== 'now' && name !== 'logger'),
  ...under('jwks', JWKS_OPTIONS),
  ...under('introspection', INTROSPECTION_OPTIONS),
  ...under('dpop', [
    'mode',
    'baseUrl',
    'algorithms',
    'maxProofAge',
    'nonce',
    'nonce.secret',
    'replay',
  ]),
  ...under('mtls', [
    'mode',
    'certificateSource',
    'certificateSource.header',
    'certificateSource.header.name',
    'certificateSource.trustedProxies',
  ]),
  ...under('resourceMetadata', ['resource', 'authorizationServers', 'name', 'policy']),
  ...under('tenants', ['maxEntries', 'cacheMaxAge', 'perRequest']),
  ...under('tokenCache', ['maxEntries', 'maxBytes']),
  ...under('revocations', ['maxEntries', 'untilLoaded']),
  ...under('stores', ['replay', 'revocations']),
  ...under('profile', ['name', 'extends', 'types', 'requiredClaims', 'scope', 'sessionId']),
  ...under('profile', ['idTokenSubject']),
  ...under('dangerouslyNoAudience', ['issuerServesThisApiOnly', 'claims', 'claims.org']),
  ...under('decryption', [
    'keys',
    'keyManagementAlgorithms',
    'contentEncryptionAlgorithms',
    'required',
  ]),
  ...under('backchannelLogout', ['path', 'clientIds', 'revokes', 'maxAge']),
  ...under('securityEvents', ['issuer', 'audience', 'tokenIssuers', 'revokes', 'resolveSubject']),
  ...under('securityEvents', ['effects', 'maxAge', 'maxSilence', 'algorithms', 'jwksUri', 'jwks']),
  ...under('securityEvents.push', ['path', 'authorization']),
  ...under('securityEvents.poll', ['url', 'authorization', 'interval', 'maxEvents', 'timeout']),
  ...[
    'global',
    'extractToken',
    'onReject',
    'logRejections',
    'prefix',
    'unknown',
    'issuers',
    'toString',
  ],
]

const likely = fc.constantFrom<unknown>(
  ...['https://issuer.example', 'http://127.0.0.1/', 'https://x.okta.com', 'a', '', ' ', 'a b'],
  ...['required', 'allowed', 'entra', 'standard', 'RS256', 'HS256', 'always', 'recheck', 'opaque'],
  ...['https://login.microsoftonline.com/{tenantid}/v2.0', 'https://x.auth0.com', 'client-cert'],
  ...[['a'], [], [null], ['RS256'], ['HS256'], ['10.0.0.7'], ['https://a.example'], ['']],
  ...[true, false, 0, 1, 60, 1_000, 100_000, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY],
  ...[{ kty: 'oct', k: 'x' }, { kty: 'RSA', alg: 'RS256', d: 'x' }, { header: 'client-cert' }],
  ...[{ load: 1, save: 2 }, { get: 1 }, { name: 'x' }, { mode: 'allowed' }, 'x'.repeat(100)],
)

const unusual = fc
  .constantFrom<() => unknown>(
    () => undefined,
    () => null,
    () => 10n,
    () => Symbol('x'),
    () => new Map([['a', 1]]),
    () => new Date(Number.NaN),
    () => /x/,
    () => new Proxy({}, {}),
    () => Object.create(null),
    () => Object.create({ inherited: true }),
    () => new Uint8Array(64),
    () => () => undefined,
    () => async () => ({}),
    () => class {},
    () => Promise.resolve(1),
    () => Object.freeze([]),
    () => new Array(3),
    () => new URL('https://issuer.example'),
    () => JSON.parse('{"__proto__":{"polluted":true}}'),
    () => ({ constructor: { prototype: { polluted: true } } }),
  )
  .map((make) => make())

export const optionValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: likely },
  { weight: 3, arbitrary: unusual },
  { weight: 1, arbitrary: fc.anything({ maxDepth: 2, withBigInt: true, withNullPrototype: true }) },
)
