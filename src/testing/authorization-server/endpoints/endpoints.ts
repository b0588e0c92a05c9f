import type { AuthorizationCodes } from '../authorization/authorization-codes.js'
import {
  AuthorizationEndpoint,
  type AuthorizationSources,
} from '../authorization/authorization-endpoint.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { addRoute, type Endpoint, type EndpointName, type Routes } from '../http/router.js'
import type { BrowserSessions } from '../login/browser-sessions.js'
import { basePath, type ServerSettings } from '../options.js'
import type { Clients } from '../registration/clients.js'
import { registrationEndpoint } from '../registration/registration-endpoint.js'
import type { SessionControl } from '../sessions/session-control.js'
import type { Sessions } from '../sessions/sessions.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import { TOKEN_PROFILES } from '../tokens/token-profiles.js'
import { ClientAssertions } from './client-assertion.js'
import { authenticateClient } from './client-authentication.js'
import type { DPoPProofs } from './dpop-proofs.js'
import { endSessionEndpoint } from './end-session-endpoint.js'
import { type Authenticate, type ClientRequest, formEndpoint } from './form-endpoint.js'
import { introspectionEndpoint } from './introspection-endpoint.js'
import type { IntrospectionOverrides } from './introspection-override.js'
import { type Locations, metadata } from './metadata.js'
import { revocationEndpoint } from './revocation-endpoint.js'
import { tokenEndpoint } from './token-endpoint.js'
import { userInfoEndpoint } from './user-info-endpoint.js'

/** The state that the endpoints share. */
export interface EndpointSources {
  locations: Locations
  settings: ServerSettings
  clients: Clients
  keys: SigningKeys
  tokens: TokenIssuer
  issued: IssuedTokens
  sessions: Sessions
  sessionControl: SessionControl
  browserSessions: BrowserSessions
  codes: AuthorizationCodes
  refreshTokens: RefreshTokens
  dpopProofs: DPoPProofs
  overrides: IntrospectionOverrides
}

/** Returns the URLs of the endpoints, with the paths that Okta uses. */
export function locate(url: string, { issuerPath }: ServerSettings): Locations {
  const base = `${url}${basePath(issuerPath)}/v1`
  return {
    issuer: `${url}${issuerPath}`,
    authorizationEndpoint: `${base}/authorize`,
    registrationEndpoint: `${base}/clients`,
    tokenEndpoint: `${base}/token`,
    introspectionEndpoint: `${base}/introspect`,
    revocationEndpoint: `${base}/revoke`,
    userInfoEndpoint: `${base}/userinfo`,
    endSessionEndpoint: `${base}/logout`,
    jwksUri: `${base}/keys`,
  }
}

/**
 * Adds all endpoints except the key set. `KeySetLocation` adds the key set, because the URL of
 * the key set can change.
 */
export function addEndpoints(routes: Routes, sources: EndpointSources): void {
  const { locations, settings, clients, keys, issued, refreshTokens, overrides } = sources
  const base = basePath(settings.issuerPath)
  const discovery: Endpoint = {
    name: 'discovery',
    methods: ['GET', 'HEAD'],
    crossOrigin: true,
    handle: () => uncached(200, metadata(locations, settings, keys)),
  }
  addRoute(routes, `${base}/.well-known/openid-configuration`, discovery)
  addRoute(routes, `/.well-known/oauth-authorization-server${base}`, discovery)

  const { issuer } = locations
  addAuthorization(routes, `${base}/v1`, { ...sources, issuer })
  addRoute(routes, `${base}/v1/clients`, {
    name: 'other',
    methods: ['POST'],
    crossOrigin: true,
    handle: registrationEndpoint(clients, settings),
  })

  const authenticate = authentication(locations, settings, clients)
  const addForm = (
    name: EndpointName,
    path: string,
    handleForm: (request: ClientRequest) => Promise<HttpResponse>,
  ) => {
    const handle = formEndpoint(authenticate, handleForm)
    // Clients with a secret introspect tokens, pages do not.
    const crossOrigin = name !== 'introspection'
    addRoute(routes, `${base}/v1/${path}`, { name, methods: ['POST'], crossOrigin, handle })
  }
  const { now } = settings
  addForm('token', 'token', tokenEndpoint(sources))
  addForm(
    'introspection',
    'introspect',
    introspectionEndpoint({ issuer, now, issued, keys, overrides }),
  )
  addForm('revocation', 'revoke', revocationEndpoint(issued, refreshTokens))
  addRoute(routes, `${base}/v1/userinfo`, {
    name: 'other',
    methods: ['GET', 'POST'],
    crossOrigin: true,
    handle: userInfoEndpoint(sources),
  })
  addRoute(routes, `${base}/v1/logout`, {
    name: 'logout',
    methods: ['GET', 'POST'],
    handle: endSessionEndpoint({ ...sources, issuer, path: `${base}/v1/logout` }),
  })
  for (const [path, name] of Object.entries(TOKEN_PROFILES[settings.profile].paths ?? {})) {
    addRoute(routes, `${base}${path}`, routes.get(`${base}/v1/${name}`) as Endpoint)
  }
}

function addAuthorization(
  routes: Routes,
  base: string,
  sources: Omit<AuthorizationSources, 'paths'>,
): void {
  const paths = {
    authorize: `${base}/authorize`,
    login: `${base}/authorize/login`,
    consent: `${base}/authorize/consent`,
  }
  const { authorize, logIn, decide } = new AuthorizationEndpoint({ ...sources, paths })
  const name = 'other'
  addRoute(routes, paths.authorize, { name, methods: ['GET', 'POST'], handle: authorize })
  addRoute(routes, paths.login, { name, methods: ['POST'], handle: logIn })
  addRoute(routes, paths.consent, { name, methods: ['POST'], handle: decide })
}

/**
 * Returns the function that authenticates the clients at all endpoints. Each endpoint accepts the
 * same assertions. Therefore the endpoints share one replay cache: otherwise a client could use an
 * assertion once at each endpoint.
 */
function authentication(
  { issuer }: Locations,
  { clients: configured, now }: ServerSettings,
  clients: Clients,
): Authenticate {
  const assertions = new ClientAssertions(configured, issuer, now)
  return (authorization, form) => authenticateClient(authorization, form, clients, assertions)
}
