/**
 * Mistakes that the compiler must report. suites/types/run.js requires that every marked line has
 * the error in its mark, and that no other line has an error.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import resourceServer, {
  type AccessToken,
  createResourceServer,
  type PluginOptions,
  type ResourceServerOptions,
  type RouteRequirement,
} from 'fastify-resource-server'
import { createTokenExchanger } from 'fastify-resource-server/exchange'
import { createAuthorizationServer, passwordGrant, testApi } from 'fastify-resource-server/testing'
import 'fastify-resource-server/dist/pipeline/pipeline.js' // expect TS2882

const required = { issuer: 'https://example.com', audience: 'api' }

export const options: PluginOptions[] = [
  { audience: 'api' }, // expect TS2741
  { ...required, isuer: 'https://example.com' }, // expect TS2561
  { ...required, algorithms: ['none'] }, // expect TS2322
  { ...required, algorithms: 'RS256' }, // expect TS2322
  { ...required, clockTolerance: '30s' }, // expect TS2322
  { ...required, maxTokenAge: '1h' }, // expect TS2322
  { ...required, profile: 'keycloack' }, // expect TS2820
  { ...required, profile: {} }, // expect TS2322
  { ...required, profile: { name: 'a', scope: 'scp' } }, // expect TS2322
  { ...required, profile: { name: 'a', subjectKind: () => 'admin' } }, // expect TS2322
  { ...required, dangerouslyAudienceFrom: true }, // expect TS2322
  { ...required, dangerouslyNoAudience: true }, // expect TS2322
  { ...required, dangerouslyNoAudience: { issuerServesThisApiOnly: false } }, // expect TS2322
  { ...required, tokenCache: true }, // expect TS2322
  { ...required, tokenCache: { max: 10 } }, // expect TS2353
  { ...required, jwks: { timeout: '5s' } }, // expect TS2322
  { ...required, jwks: { timeOut: 5_000 } }, // expect TS2561
  { ...required, global: 'no' }, // expect TS2322
  { ...required, logger: console }, // expect TS2353
  { ...required, extractToken: async () => 'token' }, // expect TS2322
  { audience: 'api', issuer: new URL('https://example.com') }, // expect TS2322
  { audience: 'api', issuer: [{ audience: 'api' }] }, // expect TS2322
  { ...required, introspection: { clientSecret: 'a' } }, // expect TS2741
  { ...required, introspection: { clientId: 'a', mode: 'allways' } }, // expect TS2820
  { ...required, introspection: { clientId: 'a', clientAuthentication: 'none' } }, // expect TS2322
  { ...required, introspection: { clientId: 'a', cacheMaxAge: '30s' } }, // expect TS2322
  { ...required, introspection: { clientId: 'a', opaqueTokens: /^a/ } }, // expect TS2322
  { ...required, introspection: { clientId: 'a', clientSecert: 'b' } }, // expect TS2561
  { ...required, revocations: 10 }, // expect TS2559
  { ...required, tenants: { cachemaxage: 1 } }, // expect TS2561
  { audience: 'api', issuer: () => 'https://example.com' }, // expect TS2322
  { audience: 'api', issuer: (_iss, request) => request.tenant === 'a' }, // expect TS2339
  { issuer: () => ({ audience: 1 }) }, // expect TS2322
]

export const core: ResourceServerOptions = { ...required, global: false } // expect TS2353

export async function registrations(app: FastifyInstance): Promise<void> {
  await app.register(resourceServer) // expect TS2769
  await app.register(resourceServer, { issuer: 'https://example.com', scope: 'a' }) // expect TS2769
}

// The compiler finds only the likely unknown keys of config.auth, because Fastify infers its own
// type from the object. The plugin rejects all when the application declares the route;
// RouteRequirement rejects all at compile time.
export function routes(app: FastifyInstance): void {
  app.get('/1', { config: { auth: { scopes: 'a' } } }, async () => '') // expect TS2322
  app.get('/8', { config: { auth: { scopes: ['a'] } } }, async () => '') // expect TS2322
  app.get('/9', { config: { auth: { scope: 'a', role: 'b' } } }, async () => '') // expect TS2322
  app.get('/10', { config: { auth: { group: ['a', 'b'] } } }, async () => '') // expect TS2322
  app.get('/11', { config: { auth: { claim: { sub: 'a' } } } }, async () => '') // expect TS2322
  app.get('/2', { config: { auth: { scope: 1 } } }, async () => '') // expect TS2322
  app.get('/3', { config: { auth: { anyScope: 'a b' } } }, async () => '') // expect TS2322
  app.get('/4', { config: { auth: { claims: { a: null } } } }, async () => '') // expect TS2322
  app.get('/7', { config: { auth: { maxAge: '60' } } }, async () => '') // expect TS2322
  app.get('/5', { config: { auth: { optional: 'yes' } } }, async () => '') // expect TS2322
  app.get('/6', { config: { auth: { authorize: () => 'yes' } } }, async () => '') // expect TS2322
}

export const requirements: RouteRequirement[] = [
  { scopes: 'orders:read' }, // expect TS2561
  { scope: 'orders:read', role: 'admin' }, // expect TS2561
  { scope: 'orders:read', realm: 'admin' }, // expect TS2353
  { anyRole: 'admin' }, // expect TS2322
  { authorize: (_token, request) => request.tenant === 'a' }, // expect TS2339
  { claims: { tenant: ['acme', undefined] } }, // expect TS2322
]

export function handlers(request: FastifyRequest, token: AccessToken): void {
  request.claims.sub = 'user-1' // expect TS2540
  request.claims.tenant = 'acme' // expect TS2542
  request.claims = token.claims // expect TS2540
  token.claims.iss = 'https://example.com' // expect TS2540
  token.subject = 'user-1' // expect TS2540
  token.scope.add('admin') // expect TS2339
  token.roles.add('admin') // expect TS2339
  token.roles = new Set(['admin']) // expect TS2540
  token.audience.push('api') // expect TS2339
  const tenant: string = request.claims.tenant // expect TS2322
  const user: string = request.claims.sub // expect TS2322
  request.claims.department.name // expect TS18046
  request.auth.subject // expect TS18047
  request.auth = { claims: request.claims } // expect TS2740
  console.log(tenant, user)
}

export async function verified(app: FastifyInstance): Promise<void> {
  await app.resourceServer.verify() // expect TS2554
  await app.resourceServer.verify('token', { scopes: 'a' }) // expect TS2561
  await app.resourceServer.verify('token', { authorize: (_, { ip }) => ip === '' }) // expect TS2339
  await app.resourceServer.verify({ token: 'token' }, {}, {}) // expect TS2345
  app.resourceServer.revoke({ jti: 1 }) // expect TS2322
  app.resourceServer.revoke({ user: 'ada' }) // expect TS2353
  app.resourceServer.revoke('token') // expect TS2345
  app.resourceServer.statistics().cacheHits = 0 // expect TS2540
  const server = await createResourceServer<{ address: string }>(required)
  await server.verify('token', {}, { adress: '' }) // expect TS2561
  await server.verify('token', { optional: true }, { address: '' }) // expect TS2353
  await createResourceServer({ audience: 'api' }) // expect TS2345
}

export async function tested(): Promise<void> {
  await createAuthorizationServer({ algorithm: 'HS256' }) // expect TS2820
  await createAuthorizationServer({ user: 'me' }) // expect TS2561
  await passwordGrant({ issuer: 'https://example.com', clientId: 'a' }) // expect TS2345
  const api = await testApi(() => ({})) // expect TS2322
  api.asUser({ scope: 1 }) // expect TS2322
  const grant = { clientId: 'a', username: 'b', password: 'c' }
  const token = await passwordGrant({ ...grant, issuer: 'https://example.com', user: 'b' }) // expect TS2353
  token.access_token = '' // expect TS2540
  const id: string = token.id_token // expect TS2322
  console.log(id)
}

export async function exchanged(): Promise<void> {
  await createTokenExchanger({ issuer: 'https://example.com' }) // expect TS2345
  const client = { clientId: 'a', clientSecret: 'b' }
  const exchanger = await createTokenExchanger({ ...client, isuer: 'https://example.com' }) // expect TS2561
  await exchanger.exchange(undefined) // expect TS2345
  const token = await exchanger.exchange('token', { audiance: 'a' }) // expect TS2561
  token.accessToken = '' // expect TS2540
  await token.headers({ method: 'GET' }) // expect TS2345
}
