import { type HttpResponse, uncached } from '../http/http-response.js'
import { addRoute, type Endpoint, type EndpointName, type Routes } from '../http/router.js'
import { basePath, type ServerSettings } from '../options.js'
import type { SessionControl } from '../sessions/session-control.js'
import type { Sessions } from '../sessions/sessions.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import { authorizationEndpoint } from './authorization-endpoint.js'
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

/** The state that the endpoints share. */
export interface EndpointSources {
  locations: Locations
  settings: ServerSettings
  keys: SigningKeys
  tokens: TokenIssuer
  issued: IssuedTokens
  sessions: Sessions
  sessionControl: SessionControl
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
    tokenEndpoint: `${base}/token`,
    introspectionEndpoint: `${base}/introspect`,
    revocationEndpoint: `${base}/revoke`,
    endSessionEndpoint: `${base}/logout`,
    jwksUri: `${base}/keys`,
  }
}

/**
 * Adds all endpoints except the key set. `KeySetLocation` adds the key set, because the URL of
 * the key set can change.
 */
export function addEndpoints(routes: Routes, sources: EndpointSources): void {
  const { locations, settings, keys, issued, refreshTokens, overrides } = sources
  const base = basePath(settings.issuerPath)
  const discovery: Endpoint = {
    name: 'discovery',
    methods: ['GET', 'HEAD'],
    handle: () => uncached(200, metadata(locations, settings, keys)),
  }
  addRoute(routes, `${base}/.well-known/openid-configuration`, discovery)
  addRoute(routes, `/.well-known/oauth-authorization-server${base}`, discovery)

  addRoute(routes, `${base}/v1/authorize`, authorizationEndpoint)

  const authenticate = authentication(locations, settings)
  const addForm = (
    name: EndpointName,
    path: string,
    handleForm: (request: ClientRequest) => Promise<HttpResponse>,
  ) => {
    const handle = formEndpoint(authenticate, handleForm)
    addRoute(routes, `${base}/v1/${path}`, { name, methods: ['POST'], handle })
  }
  const { issuer } = locations
  const { now } = settings
  addForm('token', 'token', tokenEndpoint(sources))
  addForm(
    'introspection',
    'introspect',
    introspectionEndpoint({ issuer, now, issued, keys, overrides }),
  )
  addForm('revocation', 'revoke', revocationEndpoint(issued, refreshTokens))
  addRoute(routes, `${base}/v1/logout`, {
    name: 'logout',
    methods: ['GET', 'POST'],
    handle: endSessionEndpoint({ ...sources, issuer }),
  })
}

/**
 * Returns the function that authenticates the clients at all endpoints. Each endpoint accepts the
 * same assertions. Therefore the endpoints share one replay cache: otherwise a client could use an
 * assertion once at each endpoint.
 */
function authentication({ issuer }: Locations, { clients, now }: ServerSettings): Authenticate {
  const assertions = new ClientAssertions(clients, issuer, now)
  return (authorization, form) => authenticateClient(authorization, form, clients, assertions)
}
