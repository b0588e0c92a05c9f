/**
 * CORS preflights (Fetch §4.9). A browser asks before it sends a token, so a plugin like
 * `@fastify/cors` must be able to answer without one.
 *
 * The guard therefore defers its verdict on a preflight for a route that exists for preflights only,
 * until the hooks had their turn: no handler runs for a request that was only deferred.
 */
import type { FastifyRequest } from 'fastify'
import { ownMember } from '../base/plain-object.js'

interface DeclaredRoute {
  readonly method: string | readonly string[] | undefined
  readonly url: string | undefined
  readonly config: object | null | undefined
}

/** Whether the verdict on this request is deferred. On any other route, two headers would be enough. */
export function isPreflight(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false
  const { raw, routeOptions } = request
  const { headers } = raw
  // Own members of what was sent, so that a polluted prototype makes no preflights.
  return (
    Object.hasOwn(headers, 'origin') &&
    Object.hasOwn(headers, 'access-control-request-method') &&
    !hasBody(headers) &&
    isPreflightRoute(routeOptions as DeclaredRoute)
  )
}

/** No preflight has a body, and only a caller with a token may have one parsed (RFC 9112 §6). */
function hasBody(headers: FastifyRequest['headers']): boolean {
  const length = ownMember(headers, 'content-length') ?? '0'
  return length !== '0' || Object.hasOwn(headers, 'transfer-encoding')
}

/** Whether a route exists for the preflights of all paths, as the one of `@fastify/cors` does. */
export function isPreflightRoute({ method, url, config }: DeclaredRoute): boolean {
  return (
    method === 'OPTIONS' &&
    // A route with its own requirement serves more than preflights.
    !Object.hasOwn(config ?? {}, 'auth') &&
    /^\/?\*$|[^/]\*$/.test(`${url}`)
  )
}

/** In the config of a route, with which Fastify copies it. */
const IS_JUDGED_LAST = Symbol('fastify-resource-server.judged-last')

/** The config of a preflight route whose context has a guard behind its other hooks. */
export function judgedLast(config: object | null | undefined): object {
  return { ...config, [IS_JUDGED_LAST]: true }
}

export function isJudgedLast(config: object): boolean {
  return Object.hasOwn(config, IS_JUDGED_LAST)
}
