/**
 * CORS preflights (Fetch §4.9). A browser sends them without a token, so a plugin like
 * `@fastify/cors` must be able to respond to them.
 *
 * The guard therefore defers the check of a preflight, on a route that exists only for preflights,
 * until the other hooks have run. No handler runs for a request whose check is still deferred.
 */
import type { FastifyRequest } from 'fastify'
import { ownMember } from '../base/plain-object.js'

interface DeclaredRoute {
  readonly method: string | readonly string[] | undefined
  readonly url: string | undefined
  readonly config: object | null | undefined
}

/**
 * Whether the check of this request is deferred. The route is part of the condition because
 * otherwise a caller could defer the check on any route with two headers.
 */
export function isPreflight(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false
  const { raw, routeOptions } = request
  const { headers } = raw
  // Own members only, so that a polluted Object.prototype turns no request into a preflight.
  return (
    Object.hasOwn(headers, 'origin') &&
    Object.hasOwn(headers, 'access-control-request-method') &&
    !hasBody(headers) &&
    isPreflightRoute(routeOptions as DeclaredRoute)
  )
}

/**
 * Whether the request has a body (RFC 9112 §6). A preflight has none, and no body may be parsed
 * before the token is verified.
 */
function hasBody(headers: FastifyRequest['headers']): boolean {
  const length = ownMember(headers, 'content-length') ?? '0'
  return length !== '0' || Object.hasOwn(headers, 'transfer-encoding')
}

/** Whether a route only serves preflights of all paths, like the one of `@fastify/cors`. */
export function isPreflightRoute({ method, url, config }: DeclaredRoute): boolean {
  return (
    method === 'OPTIONS' &&
    // A route with its own requirement serves more than preflights.
    !Object.hasOwn(config ?? {}, 'auth') &&
    /^\/?\*$|[^/]\*$/.test(`${url}`)
  )
}

/** Marks the config of a route; Fastify copies symbol members with it. */
const IS_CHECKED_LAST = Symbol('fastify-resource-server.checked-last')

/** Returns the config of a preflight route that its context guards after all other hooks. */
export function checkedLast(config: object | null | undefined): object {
  return { ...config, [IS_CHECKED_LAST]: true }
}

export function isCheckedLast(config: object): boolean {
  return Object.hasOwn(config, IS_CHECKED_LAST)
}
