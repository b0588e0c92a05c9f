/** CORS preflights (Fetch §4.9). */
import type { FastifyRequest } from 'fastify'

/**
 * A browser asks before it sends a token, so that question must be answered without one. Only a
 * route that is there for such questions alone, like that of `@fastify/cors`, passes: on any other,
 * two headers would be all it takes to get in.
 */
export function isPreflight(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false
  const { headers, routeOptions } = request
  return (
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined &&
    routeOptions.method === 'OPTIONS' &&
    // A route that asks for something itself is there for more than such questions.
    !Object.hasOwn(routeOptions.config, 'auth') &&
    /^\/?\*$|[^/]\*$/.test(`${routeOptions.url}`)
  )
}
