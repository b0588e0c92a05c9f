/** Reads the bearer token of a request, for `extractToken` and for applications without Fastify. */
import { isToken68 } from '../base/request-headers.js'
import {
  bearerCredentials,
  malformedHeader,
  type RequestHeaders,
  singleAuthorization,
} from './authorization.js'
import { rejectTruncatedHeaders } from './truncated-headers.js'

/**
 * Returns the bearer token of a request without verifying it; `undefined` if the request has no
 * `Authorization` header with the scheme `Bearer`.
 *
 * @throws {InvalidRequestError} if there are several `Authorization` headers, if the header does
 *   not have the syntax `Bearer 1*SP token68`, or if the request has so many headers that Node may
 *   have dropped some (`maxHeadersCount` of its server; 1,000 by default).
 * @throws {TypeError} if the argument has no `rawHeaders`, such as a request of Fastify.
 * @see RFC 6750 §2.1
 */
export function bearerToken(request: RequestHeaders): string | undefined {
  if (!Array.isArray(request?.rawHeaders)) {
    throw new TypeError(
      'bearerToken() requires the request of node:http: in a Fastify API, pass request.raw',
    )
  }
  rejectTruncatedHeaders(request)
  const authorization = singleAuthorization(request)
  const token = authorization === undefined ? undefined : bearerCredentials(authorization, 'Bearer')
  if (token !== undefined && !isToken68(token)) throw malformedHeader('Bearer')
  return token
}
