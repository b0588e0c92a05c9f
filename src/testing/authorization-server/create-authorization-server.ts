import type { IncomingMessage } from 'node:http'
import { requireObjects } from '../known-options.js'
import { AuthorizationCodes } from './authorization/authorization-codes.js'
import type { AuthorizationServer } from './authorization-server.js'
import { DPoPProofs } from './endpoints/dpop-proofs.js'
import { addEndpoints, locate } from './endpoints/endpoints.js'
import { IntrospectionOverrides } from './endpoints/introspection-override.js'
import { KeySetLocation } from './endpoints/key-set-location.js'
import { revoke } from './endpoints/revocation-endpoint.js'
import { Faults } from './faults/faults.js'
import { readableCrossOrigin } from './http/cross-origin.js'
import { type Delivery, sendUnchanged } from './http/delivery.js'
import { listen } from './http/http-listener.js'
import { type Endpoint, type HostNames, type Routes, route } from './http/router.js'
import { BrowserSessions, type CookieSettings } from './login/browser-sessions.js'
import {
  type AuthorizationServerOptions,
  basePath,
  readSettings,
  type ServerSettings,
  urlHost,
} from './options.js'
import { Clients } from './registration/clients.js'
import { Transmitter } from './security-events/transmitter.js'
import { LogoutTokens } from './sessions/logout-tokens.js'
import { LogoutUris } from './sessions/logout-uris.js'
import { SessionControl } from './sessions/session-control.js'
import { Sessions } from './sessions/sessions.js'
import { IssuedTokens } from './tokens/issued-tokens.js'
import { RefreshTokens } from './tokens/refresh-tokens.js'
import { SigningKeys } from './tokens/signing-keys.js'
import { tokenEncryptionOf } from './tokens/token-encryption.js'
import { TokenIssuer } from './tokens/token-issuer.js'
import { TOKEN_PROFILES } from './tokens/token-profiles.js'

/**
 * Starts an authorization server on a loopback address, for tests and demonstrations. It serves
 * metadata, a key set, and authorization, token, introspection, revocation and registration
 * endpoints over real HTTP, at the paths that Okta uses, and signs with real keys.
 *
 * The server keeps all state in memory, takes its users and clients from the options, and logs
 * nothing. Other clients can register themselves (RFC 7591). Users log in at a page of the server,
 * and allow each access of a client. The server has no TLS. When a session ends, the server sends logout tokens to clients that have a back-channel logout URI, and security
 * events to receivers that have created a stream (SSF 1.0). If a token
 * request has a DPoP proof, the server binds the access token to the key of the proof, and also the
 * refresh token of a public client; it rejects an invalid proof as RFC 9449 requires.
 *
 * The server must not be reachable from other machines, except with `dangerouslyAllowRemote`.
 * Therefore it responds with 421 to a request whose `Host` is not a loopback name, and the function throws under `NODE_ENV=production` unless
 * `dangerouslyAllowProduction` is true.
 *
 * ```ts
 * await using server = await createAuthorizationServer()
 * const { access_token } = await passwordGrant({
 *   issuer: server.issuer,
 *   ...testClient,
 *   ...testUser,
 *   scope: 'openid orders:read',
 * })
 * ```
 *
 * @throws {TypeError} if an option is unknown or invalid; the message names the option and the fix
 * @throws the error of `listen`, such as `EADDRINUSE`
 * @see RFC 6749, RFC 7009, RFC 7591, RFC 7636, RFC 7662, RFC 8252, RFC 8414, RFC 8707, RFC 9068,
 *   RFC 9207, RFC 9449, RFC 9700, RFC 9701, RFC 8417, RFC 8935, RFC 8936, OpenID Connect Back-Channel Logout 1.0, SSF 1.0
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const settings = readSettings(options)
  const encrypt = settings.encryption && (await tokenEncryptionOf(settings.encryption))
  const keys = await SigningKeys.create(settings.algorithm)
  const issued = new IssuedTokens((kid) => keys.isPublished(kid), settings.now)
  const sessions = new Sessions()
  const refreshTokens = new RefreshTokens(TOKEN_PROFILES[settings.profile], (ended) => {
    for (const id of ended) sessions.end(id)
    issued.revokeSessions(ended)
  })
  const overrides = new IntrospectionOverrides()
  const counts = noRequests()
  const names = hostNames(settings)
  const faults = new Faults()
  const routes: Routes = new Map()
  // Handles every request: finds the endpoint, counts the request, applies the endpoint's fault,
  // and returns the delivery with which the listener responds.
  const handleRequest = async (request: IncomingMessage): Promise<Delivery> => {
    const endpoint = route(routes, request, names)
    counts[endpoint.name] += 1
    const respond = async () => {
      const response = await endpoint.handle(request)
      return endpoint.crossOrigin ? readableCrossOrigin(request, response) : response
    }
    return faults.at(endpoint)?.(respond) ?? sendUnchanged(await respond())
  }
  const listener = await listen(settings.port, settings.host, handleRequest)

  const url = settings.publicUrl ?? `http://${reachableHost(settings.host)}:${listener.port}`
  const locations = locate(url, settings)
  const { issuer } = locations
  const { users } = settings
  const clients = new Clients(settings.clients)
  const browserSessions = new BrowserSessions(cookieOf(url, settings), settings.now)
  const codes = new AuthorizationCodes(settings.now, (id) => refreshTokens.endSessions([id]))
  const tokens = new TokenIssuer(issuer, settings, { keys, issued, sessions, encrypt })
  const logoutTokens = new LogoutTokens({ issuer, settings, keys, tokens, sessions })
  const logoutUris = new LogoutUris(settings.clients)
  const transmitter = new Transmitter({
    routes,
    locations,
    settings,
    keys,
    tokens,
    sessions,
    issued,
  })
  const sessionControl = new SessionControl({
    users,
    sessions,
    browserSessions,
    refreshTokens,
    logoutTokens,
    logoutUris,
    transmitter,
  })
  const dpopProofs = new DPoPProofs(locations.tokenEndpoint, settings.now)
  const sources = {
    locations,
    settings,
    clients,
    keys,
    tokens,
    issued,
    sessions,
    sessionControl,
    browserSessions,
    codes,
    refreshTokens,
    dpopProofs,
    overrides,
  }
  addEndpoints(routes, sources)
  const keySetLocation = new KeySetLocation(routes, locations, settings, keys)
  const close = () => {
    sessionControl.close()
    transmitter.close()
    return listener.close()
  }

  return {
    issuer,
    audience: settings.audience,
    authorizationEndpoint: locations.authorizationEndpoint,
    registrationEndpoint: locations.registrationEndpoint,
    tokenEndpoint: locations.tokenEndpoint,
    introspectionEndpoint: locations.introspectionEndpoint,
    revocationEndpoint: locations.revocationEndpoint,
    userInfoEndpoint: locations.userInfoEndpoint,
    endSessionEndpoint: locations.endSessionEndpoint,
    get jwksUri() {
      return locations.jwksUri
    },
    url,
    get requests() {
      return { ...counts }
    },
    resetRequests: () => void Object.assign(counts, noRequests()),
    async issueToken(claims = {}, options = {}) {
      requireObjects({ claims })
      return tokens.customAccessToken(claims, options)
    },
    async issueIdToken(claims = {}) {
      requireObjects({ claims })
      return tokens.customIdToken(claims)
    },
    async issueLogoutToken(claims = {}, options = {}) {
      requireObjects({ claims })
      return logoutTokens.custom(claims, options)
    },
    setBackchannelLogoutUri: (uri, clientId) => logoutUris.set(uri, clientId),
    endSession: (selector) => sessionControl.endSession(selector),
    disableUser: (username) => sessionControl.disableUser(username),
    ssfConfigurationUrl: `${url}/.well-known/ssf-configuration${basePath(settings.issuerPath)}`,
    issueSecurityEvent: (event = {}) => transmitter.issue(event),
    sendSecurityEvent: (event = {}) => transmitter.send(event),
    revoke: (token) => revoke(token, issued, refreshTokens),
    answerIntrospectionWith: (override, options) => overrides.set(override, options),
    requireDPoPNonce: () => dpopProofs.requireNonce(),
    rotateKeys: (options) => keys.rotate(options),
    keySet: () => keys.keySet(),
    publishKey: (jwk) => keys.publish(jwk),
    moveKeySet: (options) => keySetLocation.move(options),
    fail: (fault, endpoints) => faults.fail(fault, endpoints),
    recover: (endpoints) => faults.recover(endpoints),
    suspend: () => listener.suspend(),
    resume: () => listener.resume(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function hostNames({ dangerouslyAllowRemote, host, publicUrl }: ServerSettings): HostNames {
  if (dangerouslyAllowRemote !== true) return 'loopback only'
  const urls = [`http://${urlHost(host)}`, ...(publicUrl === undefined ? [] : [publicUrl])]
  return { remote: new Set(urls.map((url) => new URL(url).hostname)) }
}

/**
 * Returns the name and attributes of the cookie. The name has the port, because browsers send
 * cookies to all ports of a host.
 */
function cookieOf(url: string, { issuerPath }: ServerSettings): CookieSettings {
  const { protocol, port } = new URL(url)
  const name = `frs-login${port === '' ? '' : `-${port}`}`
  return { name, path: basePath(issuerPath) || '/', secure: protocol === 'https:' }
}

/** Returns the host for URLs: no client can connect to the address that stands for all addresses. */
function reachableHost(host: string): string {
  switch (new URL(`http://${urlHost(host)}`).hostname) {
    case '0.0.0.0':
      return '127.0.0.1'
    case '[::]':
      return '[::1]'
    default:
      return urlHost(host)
  }
}

function noRequests(): Record<Endpoint['name'], number> {
  const names = ['discovery', 'jwks', 'token', 'introspection', 'revocation', 'logout']
  const zeros = [...names, 'streams', 'poll', 'other'].map((name) => [name, 0])
  return Object.fromEntries(zeros) as Record<Endpoint['name'], number>
}
