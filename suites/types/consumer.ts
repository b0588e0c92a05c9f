/** User code in TypeScript, which must compile. The suite does not run this file. */
import type { X509Certificate } from 'node:crypto'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import resourceServer, {
  type AccessToken,
  type AccessTokenClaims,
  type Algorithm,
  bearerToken,
  type ClaimRequirement,
  createResourceServer,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  type IntrospectionOptions,
  IntrospectionUnavailableError,
  InvalidTokenError,
  type IssuerOptions,
  type IssuerResolution,
  type IssuerResolver,
  KeysUnavailableError,
  type NoAudience,
  openapiTransform,
  type PluginOptions,
  type Profile,
  type ProfileName,
  type RejectionReason,
  type Requirement,
  type ResourceServer,
  ResourceServerError,
  type ResourceServerOptions,
  type Revocation,
  type RouteRequirement,
  resourceServer as resourceServerByName,
  type Statistics,
  type SubjectKind,
  UnavailableError,
} from 'fastify-resource-server'
import {
  createTokenExchanger,
  type ExchangedToken,
  TokenExchangeError,
  type TokenExchangeRequest,
  type TokenExchanger,
  type TokenExchangerOptions,
} from 'fastify-resource-server/exchange'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  type DPoPFetchOptions,
  type DPoPKey,
  type DPoPProofOptions,
  dpopFetch,
  dpopProof,
  generateDPoPKey,
  type PasswordGrantError,
  type PasswordGrantOptions,
  passwordGrant,
  type TestCaller,
  type TokenConfirmation,
  type TokenResponse,
  testApi,
} from 'fastify-resource-server/testing'

declare module 'fastify-resource-server' {
  interface AccessTokenClaims {
    tenant: string
  }
}

/**
 * `true` only if both types are identical, so that `same<A, B>(true)` fails to compile otherwise.
 */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_same: Same<A, B>): void {}

export async function fiveLines(): Promise<FastifyInstance> {
  const app = Fastify({ logger: true })
  await app.register(resourceServer, {
    issuer: 'https://example.okta.com/oauth2/default',
    audience: 'api://default',
  })
  app.get('/me', async (request) => ({ user: request.claims.sub }))
  app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => [])
  app.get('/health', { config: { auth: false } }, async () => 'ok')
  return app
}

export function claims(request: FastifyRequest, token: AccessToken): void {
  same<typeof request.claims, AccessTokenClaims>(true)
  same<typeof request.claims.sub, string | undefined>(true)
  same<typeof request.claims.iss, string>(true)
  same<typeof request.claims.aud, string | readonly string[] | undefined>(true)
  same<typeof request.claims.exp, number>(true)
  // Declared above by declaration merging.
  same<typeof request.claims.tenant, string>(true)
  same<typeof token.claims.tenant, string>(true)
  // Undeclared claims are unknown.
  same<(typeof request.claims)['department'], unknown>(true)
}

export function accessToken(request: FastifyRequest): string {
  same<typeof request.auth, AccessToken | null>(true)
  same<typeof request.token, AccessToken>(true)
  const { auth } = request
  if (auth === null) return 'anonymous'
  same<typeof auth.scope, ReadonlySet<string>>(true)
  same<typeof auth.subject, string | undefined>(true)
  same<typeof auth.clientId, string | undefined>(true)
  same<typeof auth.subjectKind, SubjectKind>(true)
  same<typeof auth.sessionId, string | undefined>(true)
  same<typeof auth.roles, ReadonlySet<string>>(true)
  same<typeof auth.groups, ReadonlySet<string>>(true)
  same<typeof auth.permissions, ReadonlySet<string>>(true)
  same<typeof auth.issuer, string>(true)
  same<typeof auth.audience, readonly string[]>(true)
  same<typeof auth.expiresAt, number>(true)
  same<typeof auth.issuedAt, number | undefined>(true)
  same<typeof auth.raw, string>(true)
  const may: boolean = auth.hasScope('orders:read', 'orders:write')
  return may ? auth.issuer : 'anonymous'
}

export function routes(app: FastifyInstance): void {
  app.get('/scope', { config: { auth: { scope: ['a', 'b'] } } }, async () => '')
  app.get('/any-scope', { config: { auth: { anyScope: ['a', 'b'] } } }, async () => '')
  app.get('/step-up', { config: { auth: { acr: ['a', 'b'], maxAge: 60 } } }, async () => '')
  app.get('/optional', { config: { auth: { optional: true } } }, async (request) => {
    return request.auth?.subject ?? 'anonymous'
  })
  app.get('/true', { config: { auth: true } }, async () => '')
  app.get<{ Params: { id: string } }>(
    '/orders/:id',
    {
      config: {
        auth: {
          claims: {
            tenant: 'acme',
            level: [1, 2],
            email_verified: true,
            'realm_access.roles': (value, all) => {
              same<typeof value, unknown>(true)
              same<typeof all, AccessTokenClaims>(true)
              return Array.isArray(value) && value.includes(all.tenant)
            },
          },
          authorize: (token, request) => {
            same<typeof token, AccessToken>(true)
            same<typeof request, FastifyRequest>(true)
            return request.ip !== '' && token.hasScope('a')
          },
        },
      },
    },
    async (request) => request.params.id,
  )
  app.route({
    method: ['POST', 'PUT'],
    url: '/route',
    config: { auth: { authorize: async (_token, request) => request.method === 'POST' } },
    handler: async () => '',
  })
}

export const requirement: RouteRequirement = { scope: 'orders:read', optional: false }
export const claimRequirement: ClaimRequirement = ['a', 1, true]
export const algorithms: Algorithm[] = ['RS256', 'ES256', 'EdDSA', 'HS256']
export const issuer: IssuerOptions = {
  issuer: 'https://example.com',
  jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '' }, 'pem'], cooldown: 10_000, fetch },
}

export const profile: Profile = {
  name: 'acme',
  extends: 'keycloak',
  types: ['at+jwt'],
  allowMissingTyp: false,
  requiredClaims: ['tenant'],
  isAccessToken: (claims, header) => {
    same<typeof header.cat, unknown>(true)
    same<typeof claims.tenant, unknown>(true)
    return claims.kind === 'access'
  },
  scope: ({ rights }) => rights,
  roles: (claims) => {
    same<typeof claims, AccessTokenClaims>(true)
    return [claims.tenant]
  },
  subjectKind: ({ sub }) => (sub === undefined ? 'anonymous' : 'user'),
  sessionId: ({ session }) => session,
  actor: ({ impersonator }) => impersonator && { subject: impersonator },
}
export const profiles: (ProfileName | Profile)[] = ['entra', 'auth0', 'cognito', profile]
export const keycloak: IssuerOptions = {
  issuer: 'https://sso.example/realms/acme',
  profile: 'keycloak',
  dangerouslyAudienceFrom: 'azp',
}
export const noAudience: NoAudience[] = [
  { issuerServesThisApiOnly: true },
  { claims: { org_id: ['org_1'] } },
]

export const options: PluginOptions = {
  issuer: ['https://a.example.com', { ...issuer, audience: ['api'], profile: 'rfc9068' }],
  audience: 'api',
  algorithms: ['RS256'],
  clockTolerance: 5,
  maxTokenAge: 3600,
  maxTokenLength: 4096,
  realm: 'orders',
  tokenCache: { maxEntries: 10 },
  global: false,
  now: Date.now,
  extractToken: (request) => {
    same<typeof request, FastifyRequest>(true)
    return bearerToken(request.raw)
  },
  onReject: (error, request) => {
    same<typeof error, ResourceServerError>(true)
    const reason: RejectionReason = error.reason
    request.log.warn({ code: error.code, expected: reason.expected })
  },
}

/** Requires no types of `@fastify/swagger`, and accepts any Fastify instance. */
export function described(app: FastifyInstance): unknown {
  const overHttp2 = Fastify({ http2: true })
  const after = openapiTransform(app, ({ schema, url }) => ({ schema: { ...schema }, url }))
  return [openapiTransform(app), openapiTransform(overHttp2), after]
}

export const introspection: IntrospectionOptions = {
  clientId: 'api',
  privateKey: { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', x: '', d: '' },
  clientAuthentication: 'private_key_jwt',
  endpoint: 'https://example.com/introspect',
  mode: 'recheck',
  recheckInterval: 10_000,
  opaqueTokens: (token) => {
    same<typeof token, string>(true)
    return token.startsWith('acme_')
  },
  requireSignedResponse: true,
  fetch: async (url, { method, headers, body, signal }) => {
    same<typeof method, 'GET' | 'POST'>(true)
    same<typeof body, URLSearchParams | undefined>(true)
    return fetch(url, { method, headers, signal, ...(body && { body }) })
  },
}

export const tenants: PluginOptions[] = [
  { issuer: (iss) => iss === 'https://a.example.com', audience: 'api' },
  { issuer: () => undefined, tenants: { cacheMaxAge: 0, negativeCacheMaxAge: 0, maxEntries: 10 } },
  {
    issuer: async (iss, request) => {
      same<typeof iss, string>(true)
      same<typeof request, FastifyRequest>(true)
      if (request.hostname !== 'acme.example.com') return null
      const resolution: IssuerResolution = { audience: 'acme', profile: 'okta', introspection }
      return resolution
    },
    revocations: { maxEntries: 10 },
  },
]
export const resolver: IssuerResolver = (_iss, context) => {
  same<typeof context, unknown>(true)
  return false
}
export const tenantsOfCore: ResourceServerOptions = { issuer: resolver, audience: 'api' }
export const merging: IntrospectionOptions = { ...introspection, mode: 'always', claims: 'merge' }
export const introspected: PluginOptions = {
  issuer: [{ ...issuer, introspection }],
  audience: 'api',
}

export function revoked(app: FastifyInstance): Statistics {
  const revocation: Revocation = { sub: 'ada', issuer: 'https://example.com', before: 1 }
  same<ReturnType<typeof app.resourceServer.revoke>, Promise<void>>(true)
  app.resourceServer.revoke(revocation)
  app.resourceServer.revoke({ jti: 'a' })
  const stats = app.resourceServer.statistics()
  same<typeof stats.cacheHits, number>(true)
  same<typeof stats.rejections, Readonly<Record<string, number>>>(true)
  return stats
}

export async function registered(app: FastifyInstance): Promise<void> {
  await app.register(resourceServerByName, options)
  app.register(resourceServer, { issuer, audience: 'api', tokenCache: false })
  // Fastify also accepts a function that returns the options.
  app.register(resourceServer, () => ({ issuer: 'https://example.com', audience: 'api' }))
  same<typeof app.resourceServer, ResourceServer<FastifyRequest>>(true)
}

export async function verified(app: FastifyInstance, request: FastifyRequest): Promise<void> {
  const token = await app.resourceServer.verify('token', { scope: 'orders:read' }, request)
  same<typeof token, AccessToken>(true)
  await app.resourceServer.verify('token')
  await app.resourceServer.verify('token', undefined, request)
  await app.resourceServer.verify('token', { anyScope: ['a'], authorize: ({ raw }) => raw !== '' })
  await app.resourceServer.verify({ token: 'token', certificate: Buffer.of() }, { maxAge: 60 })
  await app.resourceServer.verify(
    'token',
    { authorize: (_token, { headers }) => headers.host === 'a' },
    request,
  )
}

interface Socket {
  readonly address: string
}

export async function withoutFastify(socket: Socket): Promise<string | undefined> {
  const options: ResourceServerOptions = {
    issuer: 'https://example.com',
    audience: 'api',
    logger: { warn: (_details, message) => console.warn(message) },
  }
  const plain = await createResourceServer(options)
  same<typeof plain, ResourceServer<unknown>>(true)
  await plain.verify('token')
  await plain.verify('token', { anyScope: ['a'] })

  const onlyFor: Requirement<Socket> = { authorize: (_token, { address }) => address === '::1' }
  const server = await createResourceServer<Socket>(options)
  const token = await server.verify('token', onlyFor, socket)
  server.close()
  return token.subject
}

export function handled(error: unknown): string {
  if (error instanceof IntrospectionUnavailableError) same<typeof error.statusCode, 503>(true)
  if (error instanceof UnavailableError) same<typeof error.retryAfter, number>(true)
  if (error instanceof KeysUnavailableError) return String(error.retryAfter satisfies number)
  if (error instanceof InsufficientScopeError) return error.scope satisfies string
  if (error instanceof InsufficientUserAuthenticationError) {
    same<typeof error.code, 'insufficient_user_authentication'>(true)
    return `${error.requirements.acrValues?.join()} ${error.requirements.maxAge} ${error.requirements.scope}`
  }
  if (error instanceof InvalidTokenError) {
    same<typeof error.code, 'invalid_token'>(true)
    same<typeof error.statusCode, 401>(true)
  }
  if (!(error instanceof ResourceServerError)) return ''
  const headers: Readonly<Record<string, string | string[]>> = error.headers
  return `${error.code} ${error.statusCode} ${error.check} ${headers['www-authenticate']}`
}

export async function tested(): Promise<TokenResponse> {
  await using server: AuthorizationServer = await createAuthorizationServer({
    algorithm: 'ES256',
    audience: 'api',
    profile: 'okta',
    accessTokenFormat: 'opaque',
    scope: ['openid', 'orders:read'],
    encryption: { key: { kty: 'EC' }, alg: 'ECDH-ES', enc: 'A256GCM' },
  })
  const kid: string = await server.rotateKeys({ keepOld: false })
  const token: string = await server.issueToken({ kid, sub: undefined }, { scope: 'a b' })
  await server.issueToken({}, { format: 'jwt', subject: 'client', encryption: false })
  same<ReturnType<typeof server.revoke>, boolean>(true)
  server.answerIntrospectionWith({ active: 'true' }, { claims: { aud: 'a' }, format: 'jwt' })
  server.answerIntrospectionWith(({ active }) => [active])
  server.fail('hang', ['introspection', 'revocation'])
  const grant: PasswordGrantOptions = {
    issuer: server.issuer,
    clientId: 'demo-client',
    clientSecret: 'demo-secret',
    username: 'testuser1@example.com',
    password: 'demo-password',
    scope: 'openid orders:read',
    parameters: { resource: token },
  }
  const response = await passwordGrant(grant)
  same<typeof response.access_token, string>(true)
  same<typeof response.id_token, string | undefined>(true)
  same<typeof response.expires_in, number | undefined>(true)
  return response
}

export async function called(app: FastifyInstance): Promise<void> {
  await using api = await testApi(async (options) => {
    await app.register(resourceServer, options)
    return app
  })
  same<typeof api.app, FastifyInstance>(true)
  const caller: TestCaller = api.asUser({ sub: 'ada', roles: ['admin'], scope: ['a', 'b'] })
  const response = await caller.inject({ method: 'POST', url: '/orders', payload: {} })
  same<typeof response.statusCode, number>(true)
}

export async function proven(
  server: AuthorizationServer,
  certificate: X509Certificate,
): Promise<Response> {
  const key: DPoPKey = await generateDPoPKey('EdDSA')
  const confirmation: TokenConfirmation = { key, certificate }
  await server.issueToken({}, { confirmation: { key: key.jwk, certificate: certificate.raw } })
  await server.issueToken({}, { confirmation: { key: key.thumbprint } })
  const accessToken = await server.issueToken({}, { confirmation })
  const nonce: string = server.requireDPoPNonce()
  const url = new URL('https://api.example/orders')
  const proof: DPoPProofOptions = { key, url, method: 'POST', accessToken, nonce, now: Date.now }
  const headers = { dpop: (await dpopProof(proof)) satisfies string }
  await dpopProof({ url: url.href, claims: { jti: undefined, iat: 0 }, header: { typ: 'JWT' } })
  await passwordGrant({ issuer: '', clientId: '', username: '', password: '', dpop: key })
  const options: DPoPFetchOptions = { accessToken, key, fetch }
  const proving: typeof fetch = dpopFetch(options)
  return proving(url, { method: 'POST', headers })
}

export function explained(error: PasswordGrantError): string {
  same<typeof error.status, number | undefined>(true)
  return `${error.error}: ${error.hint}`
}

export async function exchanged(request: FastifyRequest, dpop: object): Promise<Response> {
  const options: TokenExchangerOptions = {
    issuer: 'https://login.example.com',
    subjectIssuers: ['https://login.example.com'],
    clientId: 'orders-api',
    clientSecret: 'secret',
    dpop: true,
    fetch,
  }
  const exchanger: TokenExchanger = await createTokenExchanger(options)
  await createTokenExchanger({ ...options, dpop: { ...dpop, kty: 'EC', alg: 'ES256' } })
  const wanted: TokenExchangeRequest = {
    audience: 'a',
    resource: ['https://b.example'],
    scope: 'c',
  }
  const token: ExchangedToken = await exchanger.exchange(request.auth, wanted)
  same<typeof token.tokenType, 'Bearer' | 'DPoP'>(true)
  same<typeof token.expiresAt, number | undefined>(true)
  const url = new URL('https://b.example/')
  return fetch(url, { headers: await token.headers({ url, method: 'GET' }) })
}

export function mapped(error: unknown): number {
  if (!(error instanceof TokenExchangeError)) return 500
  same<typeof error.claims, string | undefined>(true)
  return error.statusCode
}
