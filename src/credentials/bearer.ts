/** Reads the bearer token of a request, for applications that do not use the plugin. */
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
 * credentials of this scheme.
 *
 * @throws {InvalidRequestError} if there are several `Authorization` headers, the header does not
 *   have the syntax `Bearer 1*SP token68`, or there are a thousand headers or more, of which Node
 *   may have dropped some.
 * @see RFC 6750 §2.1
 */
export function bearerToken(request: RequestHeaders): string | undefined {
  rejectTruncatedHeaders(request)
  const authorization = singleAuthorization(request)
  const token = authorization === undefined ? undefined : bearerCredentials(authorization, 'Bearer')
  if (token !== undefined && !isToken68(token)) throw malformedHeader('Bearer')
  return token
}
