/**
 * A vulnerability of the application adds JSON-shaped members to `Object.prototype` (prototype
 * pollution). No request that is rejected without them may be accepted with them: while they exist,
 * and for the lifetime of a process that registered the plugin, or got a first request, meanwhile.
 */
import { createHmac } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import type { TokenExchangeRequest, TokenExchangerOptions } from '../../src/exchange/index.js'
import resourceServer, {
  type BackchannelLogoutOptions,
  createResourceServer,
  type DecryptionOptions,
  type DPoPNonceOptions,
  type DPoPOptions,
  type DPoPReplayOptions,
  type ForwardedCertificateOptions,
  type IntrospectionOptions,
  type IssuerOptions,
  type JwksOptions,
  type LogoutTokenOptions,
  type MtlsOptions,
  memoryStore,
  type PluginOptions,
  type Profile,
  type PushedSecurityEventFeed,
  type Requirement,
  type ResourceMetadataOptions,
  type ResourceServer,
  type RevocationsOptions,
  type RouteRequirement,
  type SecurityEventPollOptions,
  type SecurityEventPushOptions,
  type StoresOptions,
  type TenantsOptions,
  type TokenCacheOptions,
} from '../../src/index.js'
import { AUDIENCE, base64url, claims, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'

const [key, evil] = await Promise.all([makeKey('RS256', 'good'), makeKey('RS256', 'evil')])
const unnamed = await makeKey('ES256', undefined)
const issuer = await startKeyServer([key.publicJwk])
const attacker = await startKeyServer([evil.publicJwk])
// An issuer that responds with JSON without any of the required members.
const silent = await startKeyServer()
silent.respond(silent.metadataPath, json({}))
silent.respond('/keys', json({}))
silent.respond('/introspect', json({}))
// Introspection responses with no claims, and with claims that only "merge" adds.
silent.respond('/active', json({ active: true }))
silent.respond('/tenant', json({ active: true, tenant: 'acme' }))
t.teardown(() => Promise.all([issuer, attacker, silent].map((server) => server.close())))

const SECRET = 'x'.repeat(32)
const THUMBPRINT = 'A'.repeat(43)
const later = seconds() + 100_000

function hmacToken(overrides: Record<string, unknown> = {}): string {
  const input = `${base64url({ alg: 'HS256', typ: 'at+jwt' })}.${base64url(claims(overrides))}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

type KeysOf<T> = T extends T ? keyof T & string : never
type OptionName = KeysOf<
  | PluginOptions
  | IssuerOptions
  | JwksOptions
  | IntrospectionOptions
  | DPoPOptions
  | DPoPNonceOptions
  | DPoPReplayOptions
  | MtlsOptions
  | ForwardedCertificateOptions
  | TenantsOptions
  | ResourceMetadataOptions
  | RevocationsOptions
  | LogoutTokenOptions
  | BackchannelLogoutOptions
  | PushedSecurityEventFeed
  | SecurityEventPushOptions
  | SecurityEventPollOptions
  | StoresOptions
  | TokenCacheOptions
  | DecryptionOptions
  | Profile
  | RouteRequirement
  // These of token exchange are tested in test/exchange/prototype-pollution.test.ts as well.
  | TokenExchangerOptions
  | TokenExchangeRequest
>

/** The values that an attacker would choose for each option; a missing option does not compile. */
const OPTIONS: Record<OptionName, unknown[]> = {
  issuer: [attacker.issuer, ISSUER, silent.issuer],
  audience: ['api://other', AUDIENCE],
  profile: ['standard', { name: 'x' }],
  dangerouslyAudienceFrom: ['azp', 'client_id'],
  dangerouslyNoAudience: [{ issuerServesThisApiOnly: true }, { claims: { sub: 'user-1' } }],
  dangerouslyAllowIdTokenClaims: [true],
  dangerouslyAllowSecretWithKeys: [true],
  dangerouslyAllowHttp: [true],
  algorithms: [['HS256'], ['RS256', 'ES256']],
  jwksUri: [attacker.jwksUri],
  jwks: [{ keys: [evil.publicJwk] }],
  keys: [[evil.publicJwk]],
  store: [{}],
  fetch: ['x'],
  timeout: [1],
  refetchBurst: [1],
  cooldown: [0],
  cacheMinAge: [0],
  cacheMaxAge: [86_400_000],
  negativeCacheMaxAge: [0],
  staleIfError: [86_400_000],
  maxKeys: [1],
  maxBytes: [1],
  secret: [SECRET],
  introspection: [{ clientId: 'a', clientSecret: 'b', endpoint: `${attacker.origin}/introspect` }],
  endpoint: [`${attacker.origin}/introspect`],
  opaqueTokens: [true],
  requireSignedResponse: [false],
  clientId: ['a'],
  clientSecret: ['b'],
  privateKey: [evil.publicJwk],
  clientAuthentication: ['client_secret_post'],
  recheckInterval: [86_400_000],
  recheckStaleIfError: [86_400_000],
  untrustedPerSecond: [1_000],
  mode: ['allowed', 'off', 'opaque', 'recheck'],
  tenants: [{ cacheMaxAge: 86_400_000 }],
  dpop: ['allowed', 'off', false],
  mtls: ['allowed', 'off', false],
  certificateSource: ['connection', { header: 'client-cert', trustedProxies: ['127.0.0.1'] }],
  header: ['client-cert'],
  trustedProxies: [['127.0.0.1']],
  baseUrl: ['http://localhost'],
  maxProofAge: [3_600],
  maxAge: [3_600],
  nonce: ['x'],
  lifetime: [3_600],
  replay: [{ whenUnavailable: 'dangerouslyAccept' }],
  whenUnavailable: ['dangerouslyAccept'],
  untilLoaded: ['dangerouslyAccept'],
  scopeImplies: [{ read: ['admin'] }],
  revokes: ['user'],
  backchannelLogout: [{ path: '/', clientIds: ['x'] }],
  path: ['/'],
  clientIds: [['x']],
  securityEvents: [{ issuer: attacker.issuer, audience: 'x', tokenIssuers: ISSUER }],
  tokenIssuers: [ISSUER],
  push: [{ path: '/events' }],
  poll: [{ url: `${attacker.origin}/poll` }],
  url: ['/', `${attacker.origin}/poll`],
  interval: [100],
  maxEvents: [1],
  authorization: ['Bearer x'],
  resolveSubject: ['x'],
  effects: [{}],
  maxSilence: [1_000],
  revocations: [{ untilLoaded: 'dangerouslyAccept' }],
  stores: [{}],
  sealingSecret: [SECRET],
  clockTolerance: [300],
  maxTokenAge: [31_536_000],
  maxTokenLength: [65_536],
  decryption: [{ keys: [{ kty: 'oct', k: SECRET, alg: 'dir' }] }],
  keyManagementAlgorithms: [['dir']],
  contentEncryptionAlgorithms: [['A128GCM']],
  required: [false],
  tokenCache: [{ maxEntries: 1 }],
  maxEntries: [1],
  maxEntriesPerKey: [1],
  resourceMetadata: ['https://evil.example'],
  resource: ['https://evil.example'],
  authorizationServers: [[attacker.issuer]],
  documentation: ['x'],
  policy: ['x'],
  termsOfService: ['x'],
  perRequest: [true],
  scopes: ['admin'],
  realm: ['x'],
  now: [0],
  global: [false],
  extractToken: ['x'],
  onReject: ['x'],
  logRejections: [false, 'summary'],
  name: ['x'],
  extends: ['standard'],
  types: [['jwt', 'at+jwt']],
  allowMissingTyp: [true],
  requiredClaims: [[]],
  isAccessToken: [],
  scope: ['admin', 'orders:read', ['admin']],
  roles: [['admin']],
  groups: [['admin']],
  permissions: [['admin']],
  subjectKind: ['user'],
  sessionId: ['x'],
  idTokenSubject: ['x'],
  optional: [true],
  anyScope: [['orders:read']],
  anyRole: [['admin']],
  anyGroup: [['admin']],
  anyPermission: [['admin']],
  acr: ['gold', ['gold']],
  claims: [{}, 'merge'],
  actor: ['none', [{ subject: 'x' }]],
  authorizationDetails: [{ type: 'payment' }],
  authorize: [],
  tokenEndpoint: [`${attacker.origin}/token`],
  subjectIssuers: [[attacker.issuer]],
  protocol: ['entra'],
  dangerouslyAllowBoundTokens: [true],
  expiryMargin: [0],
  maxInFlight: [1],
  actorToken: ['x'],
  requestedTokenType: ['jwt'],
  parameters: [{ x: 'x' }],
}

/** The values that an attacker would choose for other members; without a value, any JSON value. */
const MEMBERS: Record<string, unknown[]> = {
  jwks_uri: [attacker.jwksUri],
  introspection_endpoint: [`${attacker.origin}/introspect`],
  auth: [false],
  config: [{ auth: false }],
  ips: [['127.0.0.1', '127.0.0.1']],
  issuerServesThisApiOnly: [true],
  claimsInsteadOfAudience: [],
  audienceClaims: [['client_id']],
  audienceClaim: ['client_id'],
  replacedBy: ['x'],
  scopeHint: ['x'],
  cat: ['cl_B7d4PD111AAA'],
  checkKey: [],
  checkAccessToken: [],
  // Claims.
  aud: [AUDIENCE, [AUDIENCE]],
  exp: [later],
  nbf: [0],
  iat: [seconds(), later],
  iss: [ISSUER, issuer.issuer],
  typ: ['at+jwt', 'Bearer', 'dpop+jwt'],
  sub: ['user-1'],
  jti: ['other'],
  sid: ['other'],
  client_id: [AUDIENCE, 'client-1'],
  azp: [AUDIENCE, 'client-1'],
  cid: ['client-1'],
  appid: ['client-1'],
  uid: ['u'],
  tid: ['9d3b5b1c-0000-4000-8000-000000000000'],
  scp: ['admin', ['admin']],
  entitlements: [['admin']],
  realm_access: [{ roles: ['admin'] }],
  resource_access: [{ [AUDIENCE]: { roles: ['admin'] } }],
  auth_time: [seconds()],
  cnf: [{ jkt: THUMBPRINT }],
  jkt: [THUMBPRINT],
  'x5t#S256': [THUMBPRINT],
  token_use: ['access'],
  act: [{ sub: 'x' }],
  tenant: ['acme'],
  active: [true],
  token_type: ['Bearer'],
  token_introspection: [{ active: true }],
  // Headers of tokens and requests.
  alg: ['RS256', 'HS256'],
  kid: ['good', 'evil'],
  crit: [['exp']],
  b64: [false],
  jwk: [evil.publicJwk],
  origin: ['https://a.example'],
  'access-control-request-method': ['GET'],
  'x-forwarded-host': ['a.example'],
  // JWKs.
  kty: ['RSA', 'oct'],
  use: ['sig'],
  key_ops: [['verify']],
  crv: ['P-256'],
  n: [evil.publicJwk.n],
  e: ['AQAB', 'AQ'],
  k: ['AAAA'],
  d: ['AAAA'],
  // Members that Node and libraries read.
  dsaEncoding: ['der', 'ieee-p1363'],
  padding: [1, 3, 6],
  saltLength: [-1, -2, 0],
  format: ['jwk', 'der'],
  type: ['spki'],
  encoding: ['utf8'],
  passphrase: ['x'],
  outputLength: [1],
  redirect: ['follow'],
  signal: [],
  dispatcher: [],
  body: ['x'],
  headers: [{}],
  method: ['GET', 'OPTIONS'],
  cause: ['x'],
  statusCode: [200],
  status: [200],
  get: [],
  set: [],
  value: [],
  // Members of presented tokens.
  token: ['x'],
  proof: ['x'],
  certificate: ['x'],
  thumbprint: [THUMBPRINT],
  certificateThumbprint: [THUMBPRINT],
  stream: [{ session: {} }],
  before: [0],
  bytes: [1, 256],
  ttl: [1],
  maxEntrySize: [1],
  0: ['x'],
  1: ['x'],
}

const VALUES = { ...OPTIONS, ...MEMBERS }
const OF_ANY_NAME = [true, 'x', {}]

const pollutions = Object.entries(VALUES).flatMap(([name, values]) =>
  (values.length > 0 ? values : OF_ANY_NAME).map((value) => ({
    name,
    value,
    label: `${name}: ${JSON.stringify(value)}`,
  })),
)

async function polluted<T>(name: string, value: unknown, work: () => Promise<T>): Promise<T> {
  Reflect.set(Object.prototype, name, value)
  try {
    return await work()
  } finally {
    Reflect.deleteProperty(Object.prototype, name)
  }
}

type Options = PluginOptions & Parameters<typeof createResourceServer>[0]

interface Attempt {
  readonly token: string
  readonly requirement?: Requirement
}

/** Sends requests that must be rejected to a server with these options. */
interface Case {
  readonly options: () => Partial<Options>
  readonly attempts: readonly Attempt[]
  /** Names to pollute; default: all. Tests with a network use those that `fetch` survives. */
  readonly names?: readonly string[]
  /** Called before the attempts, and before the pollution. */
  readonly prepare?: (server: ResourceServer) => unknown
}

const given = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }
const valid = await sign(key)
const lacking = (...names: string[]) =>
  sign(key, Object.fromEntries(names.map((name) => [name, undefined])))

const introspecting = (path: string, more: Partial<IntrospectionOptions>) => ({
  introspection: {
    clientId: 'api',
    clientSecret: 'secret',
    endpoint: `${silent.origin}${path}`,
    mode: 'always' as const,
    ...more,
  },
})

const CASES: Record<string, Case> = {
  'a token that lacks something': {
    options: () => ({ maxTokenAge: 600 }),
    attempts: await Promise.all(
      [lacking('aud'), lacking('exp'), lacking('iss'), lacking('iat')].map(async (token) => ({
        token: await token,
      })),
    ),
  },
  'the strict profile': {
    options: () => ({ profile: 'rfc9068' }),
    attempts: [
      { token: await sign(key, {}, { header: { typ: undefined } }) },
      { token: await lacking('jti') },
      { token: await lacking('sub') },
    ],
  },
  'profiles of vendors': {
    options: () => ({ profile: 'keycloak' }),
    attempts: [{ token: valid }, { token: await sign(key, { typ: 'ID' }) }],
  },
  'an own profile': {
    options: () => ({ profile: { name: 'own', requiredClaims: ['tenant'] } }),
    attempts: [{ token: valid }],
  },
  'a forged, bound or insufficient token': {
    options: () => ({}),
    attempts: [
      { token: await sign(evil) },
      { token: await sign(evil, {}, { header: { kid: 'good' } }) },
      { token: await sign(evil, {}, { header: { kid: undefined } }) },
      { token: hmacToken() },
      { token: await sign(key, { exp: seconds() - 100 }) },
      { token: await sign(key, { aud: 'api://other' }) },
      { token: await sign(key, { iss: attacker.issuer }) },
      { token: await sign(evil, { iss: attacker.issuer }) },
      { token: await sign(key, { cnf: { jkt: THUMBPRINT } }) },
      { token: await sign(key, { cnf: { 'x5t#S256': THUMBPRINT } }) },
      { token: await lacking('scope'), requirement: { scope: 'admin' } },
      { token: valid, requirement: { scope: 'admin' } },
      { token: valid, requirement: { anyScope: ['admin'] } },
      { token: valid, requirement: { roles: 'admin' } },
      { token: valid, requirement: { anyGroup: ['admin'] } },
      { token: valid, requirement: { permissions: ['admin'] } },
      { token: valid, requirement: { acr: 'gold' } },
      { token: valid, requirement: { maxAge: 60 } },
      { token: valid, requirement: { claims: { tenant: 'acme' } } },
      { token: valid, requirement: { claims: { 'realm_access.roles': 'admin' } } },
    ],
  },
  'a key without a name': {
    options: () => ({ jwks: { keys: [unnamed.publicJwk] } }),
    attempts: [{ token: await sign(unnamed, {}, { header: { kid: 'another' } }) }],
  },
  'a bearer token where a bound one is required': {
    // A server with DPoP takes longer to create.
    names: ['dpop', 'mtls', 'cnf', 'jkt', 'x5t#S256'],
    options: () => ({ dpop: 'required', mtls: 'required' }),
    attempts: [
      { token: valid },
      { token: valid, requirement: { dpop: 'required', mtls: 'allowed' } },
      { token: await sign(key, { cnf: {} }) },
    ],
  },
  'a revoked token': {
    options: () => ({ stores: { revocations: memoryStore() } }),
    attempts: [{ token: await lacking('iat') }, { token: valid }],
    prepare: (server) => server.revoke({ sub: 'user-1' }),
  },
  'an issuer that a function does not trust, or trusts by its name alone': {
    names: [
      'issuer',
      'audience',
      'profile',
      'algorithms',
      'jwksUri',
      'jwks',
      'keys',
      'secret',
      'iss',
      'aud',
    ],
    options: () => ({ issuer: (iss: string) => iss === issuer.issuer }),
    attempts: [
      { token: await sign(evil, { iss: issuer.issuer }) },
      { token: await sign(evil, { iss: attacker.issuer }) },
      { token: hmacToken({ iss: issuer.issuer }) },
      { token: await sign(key, { iss: issuer.issuer, aud: 'api://other' }) },
    ],
  },
  'an issuer whose documents lack members': {
    names: ['issuer', 'jwks_uri', 'keys', 'active', 'token_introspection', 'exp', 'aud', 'iss'],
    options: () => ({
      issuer: silent.issuer,
      introspection: {
        clientId: 'api',
        clientSecret: 'secret',
        endpoint: `${silent.origin}/introspect`,
      },
    }),
    attempts: [{ token: await sign(evil, { iss: silent.issuer }) }, { token: 'opaque' }],
  },
  'a JWT with the claims of an introspection response': {
    names: [
      ...['mode', 'claims', 'scope', 'scp', 'roles', 'realm_access', 'tenant', 'act', 'acr'],
      ...['active', 'cnf', 'jkt', 'client_id', 'azp'],
    ],
    options: () => introspecting('/active', { claims: 'merge' }),
    attempts: [
      { token: await lacking('scope'), requirement: { scope: 'admin' } },
      { token: valid, requirement: { acr: 'gold' } },
      { token: valid, requirement: { claims: { tenant: 'acme' } } },
      { token: valid, requirement: { claims: { 'realm_access.roles': 'admin' } } },
    ],
  },
  'a JWT without the claims of an introspection response': {
    names: ['mode', 'claims', 'introspection'],
    options: () => introspecting('/tenant', {}),
    attempts: [{ token: valid, requirement: { claims: { tenant: 'acme' } } }],
  },
  'issuers side by side': {
    options: () => ({
      issuer: [
        { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
        { issuer: 'https://other.example', jwks: { keys: [evil.publicJwk] }, audience: 'other' },
      ],
      algorithms: ['ES256'],
    }),
    attempts: [{ token: valid }, { token: await sign(evil, { iss: 'https://other.example' }) }],
  },
}

function serverWith({ options, prepare }: Case): Promise<ResourceServer> {
  const allOptions = { issuer: ISSUER, audience: AUDIENCE, ...options() } as Options
  if (allOptions.issuer === ISSUER) allOptions.jwks ??= { keys: [key.publicJwk] }
  return createResourceServer(allOptions).then(async (server) => {
    await prepare?.(server)
    return server
  })
}

async function accepted(server: ResourceServer, { attempts }: Case): Promise<number[]> {
  const results = await Promise.all(
    attempts.map(({ token, requirement }) =>
      server.verify(token, requirement).then(
        () => true,
        () => false,
      ),
    ),
  )
  return results.flatMap((isAccepted, at) => (isAccepted ? [at] : []))
}

for (const [title, one] of Object.entries(CASES)) {
  t.test(`${title}: rejects, regardless of Object.prototype`, async (t) => {
    const untouched = await serverWith(one)
    t.strictSame(await accepted(untouched, one), [], 'rejected without pollution')
    await untouched.close()
    const opened: string[] = []
    const { names = Object.keys(VALUES) } = one
    for (const { name, value, label } of pollutions.filter(({ name }) => names.includes(name))) {
      const late = await serverWith(one)
      const early = await polluted(name, value, async () => {
        if ((await accepted(late, one).catch(() => [])).length > 0) opened.push(`${label}, request`)
        const server = await serverWith(one).catch(() => undefined)
        const found = server && (await accepted(server, one).catch(() => []))
        if (found && found.length > 0) opened.push(`${label}, registration`)
        return server
      })
      if ((await accepted(late, one)).length > 0) opened.push(`${label}, after the first request`)
      if (early && (await accepted(early, one)).length > 0) {
        opened.push(`${label}, after the registration`)
      }
      await Promise.all([late.close(), early?.close()])
    }
    t.strictSame(opened, [])
  })
}

function declare(app: FastifyInstance): void {
  app.get('/', async () => 'in')
  app.get('/scope', { config: { auth: { scope: 'admin' } } }, async () => 'in')
  app.get('/any', { config: { auth: { anyScope: ['admin'] } } }, async () => 'in')
  app.get('/bound', { config: { auth: { mtls: 'required' } } }, async () => 'in')
  app.options('/*', async () => 'in')
}

const REQUESTS = [
  { url: '/' },
  { url: '/scope' },
  { url: '/nowhere' },
  { url: '/scope', headers: { authorization: `Bearer ${valid}` } },
  { url: '/any', headers: { authorization: `Bearer ${valid}` } },
  { url: '/bound', headers: { authorization: `Bearer ${valid}` } },
  { url: '/', headers: { authorization: `Bearer ${await sign(evil)}` } },
  { method: 'OPTIONS', url: '/x' },
  { method: 'OPTIONS', url: '/x', headers: { origin: 'https://a.example' } },
] as const

/** Routes declared after the plugin, or before it: the guards of the latter are compiled late. */
const ORDERS = {
  'declared after the plugin': async (app: FastifyInstance, options: PluginOptions) => {
    await app.register(resourceServer, options)
    declare(app)
  },
  'declared before the plugin': async (app: FastifyInstance, options: PluginOptions) => {
    declare(app)
    await app.register(resourceServer, options)
  },
}

async function api(order: keyof typeof ORDERS): Promise<FastifyInstance> {
  const app = Fastify()
  await ORDERS[order](app, { ...given, mtls: 'allowed' } as PluginOptions)
  await app.ready()
  return app
}

async function letIn(app: FastifyInstance): Promise<string[]> {
  const found: string[] = []
  for (const request of REQUESTS) {
    const response = await app.inject({ ...request } as never).catch(() => undefined)
    if (response && response.statusCode < 400) found.push(`${request.url}`)
    if (response?.statusCode === 404) found.push(`${request.url} (404 handler)`)
  }
  return found
}

/** Members that the guard reads of routes, options and requests, and that Fastify survives. */
const OF_ROUTES = [
  ...['optional', 'auth', 'config', 'global', 'scope', 'anyScope', 'acr', 'maxAge', 'claims'],
  ...['dpop', 'mtls', 'mode', 'from', 'authorize', 'origin', 'access-control-request-method'],
  ...['authorization', 'ips', 'jkt', 'x5t#S256', 'thumbprint', 'scp', 'exp', 'aud', 'ttl'],
]

for (const order of Object.keys(ORDERS) as (keyof typeof ORDERS)[]) {
  t.test(`routes ${order} stay closed, regardless of Object.prototype`, async (t) => {
    t.strictSame(await letIn(await api(order)), [], 'rejected without pollution')
    const opened: string[] = []
    for (const { name, value, label } of pollutions.filter(({ name }) =>
      OF_ROUTES.includes(name),
    )) {
      const late = await api(order)
      const early = await polluted(name, value, async () => {
        for (const url of await letIn(late)) opened.push(`${label}, ${url} at its first request`)
        return api(order).catch(() => undefined)
      })
      for (const url of await letIn(late)) opened.push(`${label}, ${url} after its first request`)
      if (early) for (const url of await letIn(early)) opened.push(`${label}, ${url} registered`)
      await Promise.all([late.close(), early?.close()])
    }
    t.strictSame(opened, [])
  })
}
