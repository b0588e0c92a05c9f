/** The bearer token of a request, for whoever takes it off a request without the plugin. */
import { isToken68 } from '../base/request-headers.js'
import {
  bearerCredentials,
  malformedHeader,
  type RequestHeaders,
  singleAuthorization,
} from './authorization.js'
import { requireAllHeaders } from './whole-headers.js'

/**
 * The bearer token of a request, or `undefined` where there are no credentials of this scheme.
 * Whether it is any good is not looked at.
 *
 * @throws {InvalidRequestError} if there are several `Authorization` headers, the one there is
 *   doesn't follow the syntax `Bearer 1*SP token68`, or there are a thousand headers or more, of which
 *   Node may have dropped some.
 * @see RFC 6750 §2.1
 */
export function bearerToken(request: RequestHeaders): string | undefined {
  requireAllHeaders(request)
  const authorization = singleAuthorization(request)
  const token = authorization === undefined ? undefined : bearerCredentials(authorization, 'Bearer')
  if (token !== undefined && !isToken68(token)) throw malformedHeader('Bearer')
  return token
}
