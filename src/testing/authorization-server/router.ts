import type { IncomingMessage } from 'node:http'
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

/** Before the path of an endpoint: the same endpoint, free of faults. */
export const redirectedPrefix = '/redirected'

/** Adds an endpoint, or replaces it, and beside it the one to which a fault may redirect. */
export function addRoute(routes: Routes, path: string, endpoint: Endpoint): void {
  routes.set(path, endpoint)
  routes.set(`${redirectedPrefix}${path}`, { ...endpoint, alwaysTrue: true })
}

/** The endpoint for a request, whatever its method; 404 where there is none. */
export function route(routes: Routes, request: IncomingMessage): Endpoint {
  const [path] = (request.url as string).split('?', 1) as [string]
  const endpoint = routes.get(path)
  if (endpoint === undefined) return nowhere
  if (endpoint.methods.includes(request.method as string)) return endpoint
  return { ...endpoint, handle: () => methodNotAllowed(endpoint) }
}

function methodNotAllowed({ methods }: Endpoint): Answer {
  const body = { error: 'invalid_request', error_description: 'The method is not allowed here.' }
  return uncached(405, body, { allow: methods.join(', ') })
}
