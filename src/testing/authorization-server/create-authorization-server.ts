import type { IncomingMessage } from 'node:http'
import { uncached } from './answer.js'
import type { AuthorizationServer } from './authorization-server.js'
import { type Delivery, whole } from './delivery.js'
import { Faults } from './faults.js'
import { listen } from './http-listener.js'
import { KeySetLocation } from './key-set-location.js'
import { type Locations, metadata } from './metadata.js'
import {
  type AuthorizationServerOptions,
  basePath,
  readSettings,
  type ServerSettings,
  urlHost,
} from './options.js'
import { addRoute, type Endpoint, type Routes, route } from './router.js'
import { SigningKeys } from './signing-keys.js'
import { tokenEndpoint } from './token-endpoint.js'
import { TokenIssuer } from './token-issuer.js'

/**
 * Starts an authorization server on a loopback address, for tests and demonstrations: metadata,
 * key set and token endpoint at the paths that Okta uses, over real HTTP, with real signatures.
 *
 * It keeps everything in memory, knows its users and clients from its options, and logs nothing.
 * It has no authorization endpoint and no TLS, and is not made to be reached from elsewhere.
 *
 * ```ts
 * await using server = await createAuthorizationServer()
 * const { access_token } = await passwordGrant({
 *   issuer: server.issuer,
 *   ...demoClient,
 *   ...demoUser,
 *   scope: 'openid orders:read',
 * })
 * ```
 *
 * @throws {TypeError} an option is unknown or impossible
 * @throws the error of `listen`, such as `EADDRINUSE`
 * @see RFC 6749, RFC 8414, RFC 9068
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const settings = readSettings(options)
  const keys = await SigningKeys.create(settings.algorithm)
  const counts = noRequests()
  const faults = new Faults()
  const routes: Routes = new Map()
  // The one way of a request: its endpoint, the count, the answer, which `listen` sends.
  const respond = async (request: IncomingMessage): Promise<Delivery> => {
    const endpoint = route(routes, request)
    counts[endpoint.name] += 1
    const truth = async () => endpoint.handle(request)
    return faults.at(endpoint)?.(truth) ?? whole(await truth())
  }
  const listener = await listen(settings.port, settings.host, respond)

  const url = `http://${urlHost(settings.host)}:${listener.port}`
  const locations = locate(url, settings)
  const tokens = new TokenIssuer(locations.issuer, settings, keys)
  addEndpoints(routes, locations, settings, keys, tokens)
  const keySetLocation = new KeySetLocation(routes, locations, settings, keys)

  return {
    issuer: locations.issuer,
    audience: settings.audience,
    tokenEndpoint: locations.tokenEndpoint,
    get jwksUri() {
      return locations.jwksUri
    },
    url,
    get requests() {
      return { ...counts }
    },
    resetRequests: () => void Object.assign(counts, noRequests()),
    issueToken: (claims = {}, options = {}) => tokens.customAccessToken(claims, options),
    issueIdToken: (claims = {}) => tokens.customIdToken(claims),
    rotateKeys: (options) => keys.rotate(options),
    keySet: () => keys.keySet(),
    moveKeySet: (options) => keySetLocation.move(options),
    fail: (fault, endpoints) => faults.fail(fault, endpoints),
    recover: (endpoints) => faults.recover(endpoints),
    suspend: () => listener.suspend(),
    resume: () => listener.resume(),
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  }
}

function noRequests(): Record<Endpoint['name'], number> {
  return { discovery: 0, jwks: 0, token: 0, other: 0 }
}

function locate(url: string, { issuerPath }: ServerSettings): Locations {
  const base = `${url}${basePath(issuerPath)}/v1`
  return { issuer: `${url}${issuerPath}`, tokenEndpoint: `${base}/token`, jwksUri: `${base}/keys` }
}

function addEndpoints(
  routes: Routes,
  locations: Locations,
  settings: ServerSettings,
  keys: SigningKeys,
  tokens: TokenIssuer,
): void {
  const base = basePath(settings.issuerPath)
  const discovery: Endpoint = {
    name: 'discovery',
    methods: ['GET', 'HEAD'],
    handle: () => uncached(200, metadata(locations, settings, keys)),
  }
  addRoute(routes, `${base}/.well-known/openid-configuration`, discovery)
  addRoute(routes, `/.well-known/oauth-authorization-server${base}`, discovery)
  addRoute(routes, `${base}/v1/token`, {
    name: 'token',
    methods: ['POST'],
    handle: tokenEndpoint(settings, tokens, [locations.issuer, locations.tokenEndpoint]),
  })
}
