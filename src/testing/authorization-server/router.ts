import type { IncomingMessage } from 'node:http'
import { type Answer, uncached } from './answer.js'

/** What requests are counted by. */
export type EndpointName = 'discovery' | 'jwks' | 'token' | 'other'

/** An endpoint: its name, the methods it takes, and what it answers. */
export interface Endpoint {
  name: EndpointName
  methods: readonly string[]
  handle: (request: IncomingMessage) => Answer | Promise<Answer>
}

/** Endpoints by their exact path. */
export type Routes = ReadonlyMap<string, Endpoint>

const notFound: Endpoint = {
  name: 'other',
  methods: [],
  handle: () => uncached(404, { error: 'not_found', error_description: 'There is nothing here.' }),
}

/** The endpoint for a request, whatever its method; 404 where there is none. */
export function route(routes: Routes, request: IncomingMessage): Endpoint {
  const [path] = (request.url as string).split('?', 1) as [string]
  const endpoint = routes.get(path)
  if (endpoint === undefined) return notFound
  if (endpoint.methods.includes(request.method as string)) return endpoint
  return { ...endpoint, handle: () => methodNotAllowed(endpoint) }
}

function methodNotAllowed({ methods }: Endpoint): Answer {
  const body = { error: 'invalid_request', error_description: 'The method is not allowed here.' }
  return uncached(405, body, { allow: methods.join(', ') })
}
