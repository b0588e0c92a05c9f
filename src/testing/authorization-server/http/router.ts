import type { IncomingMessage } from 'node:http'
import { canParseUrl } from '../../../base/can-parse-url.js'
import { isLoopback } from '../../../http/secure-url.js'
import { type Answer, notFound, uncached } from './answer.js'

/** An endpoint of the embedded authorization server: both forms of metadata are `discovery`. */
export type EndpointName = 'discovery' | 'jwks' | 'token' | 'introspection' | 'revocation'

/** An endpoint: its name, the methods it takes, and what it answers. */
export interface Endpoint {
  /** What its requests are counted by. */
  name: EndpointName | 'other'
  methods: readonly string[]
  handle: (request: IncomingMessage) => Answer | Promise<Answer>
  /** Faults pass it by: it is where the fault `'redirect'` leads. */
  alwaysTrue?: boolean
}

/** Endpoints by their exact path. */
export type Routes = Map<string, Endpoint>

const nowhere: Endpoint = { name: 'other', methods: [], handle: notFound }
const misdirected: Endpoint = { name: 'other', methods: [], handle: foreignHost }

/** Before the path of an endpoint: the same endpoint, free of faults. */
export const redirectedPrefix = '/redirected'

/** Adds an endpoint, or replaces it, and beside it the one to which a fault may redirect. */
export function addRoute(routes: Routes, path: string, endpoint: Endpoint): void {
  routes.set(path, endpoint)
  routes.set(`${redirectedPrefix}${path}`, { ...endpoint, alwaysTrue: true })
}

/** The endpoint for a request, whatever its method; 404 where there is none, 421 for a foreign `Host`. */
export function route(routes: Routes, request: IncomingMessage): Endpoint {
  if (!isOwnHost(request.headers.host)) return misdirected
  const [path] = (request.url as string).split('?', 1) as [string]
  const endpoint = routes.get(path)
  if (endpoint === undefined) return nowhere
  if (endpoint.methods.includes(request.method as string)) return endpoint
  return { ...endpoint, handle: () => methodNotAllowed(endpoint) }
}

/**
 * Whether `Host` is a loopback name. A web page whose own host name resolves to a loopback address (DNS
 * rebinding) sends that name: to the browser, the answer would be of the page's own origin.
 */
function isOwnHost(host = ''): boolean {
  const origin = `http://${host}`
  return /^[\w.:[\]-]+$/.test(host) && canParseUrl(origin) && isLoopback(new URL(origin))
}

function foreignHost(): Answer {
  const body = {
    error: 'invalid_request',
    error_description: 'The Host header must be a loopback name, such as localhost or 127.0.0.1.',
  }
  return uncached(421, body)
}

function methodNotAllowed({ methods }: Endpoint): Answer {
  const body = { error: 'invalid_request', error_description: 'The method is not allowed here.' }
  return uncached(405, body, { allow: methods.join(', ') })
}
