import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { canParseUrl } from '../../../base/can-parse-url.js'
import { isLoopback } from '../../../http/secure-url.js'
import { preflight } from './cross-origin.js'
import { type HttpResponse, notFound, uncached } from './http-response.js'

/** An endpoint of the embedded authorization server; `discovery` covers both metadata documents. */
export type EndpointName =
  | 'discovery'
  | 'jwks'
  | 'token'
  | 'introspection'
  | 'revocation'
  | 'logout'
  | 'streams'
  | 'poll'

/** An endpoint, with the methods that it accepts and its handler. */
export interface Endpoint {
  /** The name under which requests to this endpoint are counted. */
  name: EndpointName | 'other'
  methods: readonly string[]
  handle: (request: IncomingMessage) => HttpResponse | Promise<HttpResponse>
  /**
   * Whether the endpoint ignores faults. True for targets of the fault `'redirect'`. Default false.
   */
  exemptFromFaults?: boolean
  /** Whether pages of loopback origins may read the responses (CORS). Default false. */
  crossOrigin?: boolean
}

/** Endpoints, keyed by their exact path. */
export type Routes = Map<string, Endpoint>

const UNKNOWN_PATH: Endpoint = { name: 'other', methods: [], handle: notFound }
const MISDIRECTED: Endpoint = { name: 'other', methods: [], handle: foreignHost }

/** The prefix of the paths at which each endpoint is also served, but without faults. */
export const REDIRECTED_PREFIX = '/redirected'

/**
 * Adds or replaces an endpoint, and a copy without faults to which the fault `'redirect'` leads.
 */
export function addRoute(routes: Routes, path: string, endpoint: Endpoint): void {
  routes.set(path, endpoint)
  routes.set(`${REDIRECTED_PREFIX}${path}`, { ...endpoint, exemptFromFaults: true })
}

/** Removes an endpoint and its copy. */
export function removeRoute(routes: Routes, path: string): void {
  routes.delete(path)
  routes.delete(`${REDIRECTED_PREFIX}${path}`)
}

/**
 * Returns the endpoint for a request. Its handler returns 404 for an unknown path, 405 for a method
 * that the endpoint does not accept, and 421 for a `Host` that is not a name of the server.
 */
export function route(routes: Routes, request: IncomingMessage, names: HostNames): Endpoint {
  if (!isOwnHost(request.headers.host, names)) return MISDIRECTED
  const [path] = (request.url as string).split('?', 1) as [string]
  const endpoint = routes.get(path)
  if (endpoint === undefined) return UNKNOWN_PATH
  if (endpoint.methods.includes(request.method as string)) return endpoint
  if (endpoint.crossOrigin && request.method === 'OPTIONS') {
    return {
      name: 'other',
      methods: [],
      crossOrigin: true,
      handle: () => preflight(endpoint.methods),
    }
  }
  return { ...endpoint, handle: () => methodNotAllowed(endpoint) }
}

/** The names of the server in the `Host` header, beside the loopback names. */
export type HostNames = 'loopback only' | { readonly remote: ReadonlySet<string> }

/**
 * Whether the `Host` header is a name of the server. Rejecting other names prevents DNS rebinding:
 * if an attacker lets the host name of a web page resolve to the address of the server, requests of
 * that page contain this host name, and the browser lets the page read the responses. An IP address
 * is not resolved, so a server that is reachable from other machines accepts every IP address.
 */
function isOwnHost(host = '', names: HostNames): boolean {
  const origin = `http://${host}`
  if (!/^[\w.:[\]-]+$/.test(host) || !canParseUrl(origin)) return false
  const url = new URL(origin)
  if (isLoopback(url)) return true
  if (names === 'loopback only') return false
  const { hostname } = url
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || names.remote.has(hostname)
}

function foreignHost(): HttpResponse {
  const body = {
    error: 'invalid_request',
    error_description:
      'The Host header must be a name of this server, such as localhost or 127.0.0.1.',
  }
  return uncached(421, body)
}

function methodNotAllowed({ methods }: Endpoint): HttpResponse {
  const body = {
    error: 'invalid_request',
    error_description: 'The endpoint does not accept this method: see the Allow header.',
  }
  return uncached(405, body, { allow: methods.join(', ') })
}
