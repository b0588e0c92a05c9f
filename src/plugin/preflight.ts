/**
 * Recognizes CORS preflights (Fetch §4.9). A browser sends them without a token, so a plugin like
 * `@fastify/cors` must be able to respond to them.
 *
 * The guard therefore defers the check of a preflight until the other hooks have run, on a route
 * that exists only for preflights. The guard performs the deferred check before any handler
 * runs.
 */
import type { FastifyRequest } from 'fastify'
import { ownMember } from '../base/plain-object.js'

interface DeclaredRoute {
  readonly method: string | readonly string[] | undefined
  readonly url: string | undefined
  readonly config: object | null | undefined
}

/**
 * Whether the token check of this request is deferred. The result depends on the route too, because
 * otherwise a caller could defer the check of any OPTIONS route by sending two headers.
 */
export function isPreflight(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false
  const { raw, routeOptions } = request
  const { headers } = raw
  // Reads own members only, so that a polluted Object.prototype turns no request into a preflight.
  return (
    Object.hasOwn(headers, 'origin') &&
    Object.hasOwn(headers, 'access-control-request-method') &&
    !hasBody(headers) &&
    isPreflightRoute(routeOptions as DeclaredRoute)
  )
}

/**
 * Whether the request has a body (RFC 9112 §6). A preflight has none, and the check of a request
 * with a body is not deferred, because a body must not be parsed before the token is verified.
 */
function hasBody(headers: FastifyRequest['headers']): boolean {
  const length = ownMember(headers, 'content-length') ?? '0'
  return length !== '0' || Object.hasOwn(headers, 'transfer-encoding')
}

/**
 * Whether a route is declared like the route of `@fastify/cors`, which serves only preflights: for
 * OPTIONS, with a wildcard for every path, and without `config.auth`.
 */
export function isPreflightRoute({ method, url, config }: DeclaredRoute): boolean {
  return (
    method === 'OPTIONS' &&
    // A route with `config.auth` serves more than preflights.
    !Object.hasOwn(config ?? {}, 'auth') &&
    /^\/?\*$|[^/]\*$/.test(`${url}`)
  )
}

/** Key of the mark in the config of a route: a symbol, which Fastify copies with the config. */
const IS_CHECKED_LAST = Symbol('fastify-resource-server.checked-last')

/**
 * Returns a copy of the config of a preflight route, with a mark which says that a `preHandler`
 * hook of the context that declares the route checks the token.
 */
export function checkedLast(config: object | null | undefined): object {
  return { ...config, [IS_CHECKED_LAST]: true }
}

/**
 * Whether a `preHandler` hook of the context that declares the route checks the token; see
 * {@link checkedLast}.
 */
export function isCheckedLast(config: object): boolean {
  return Object.hasOwn(config, IS_CHECKED_LAST)
}
