/**
 * The token of a request: `Authorization: Bearer` (RFC 6750 §2.1, RFC 9110 §11.4).
 *
 * A token in the query is never read (OAuth 2.1 §5.1), and neither is one in a form body (RFC 6750
 * §2.2): enforcement comes before any body is parsed.
 */
import { InvalidRequestError } from '../errors.js'

/** The part of a request that is looked at: Node's, Fastify's `request.raw`, or one of HTTP/2. */
export interface RequestHeaders {
  /** Names and values in turn, as Node keeps them: only here do repeated headers show. */
  readonly rawHeaders: readonly string[]
}

/**
 * The bearer token of a request, or `undefined` where there are no credentials of this scheme.
 * Whether it is any good is not looked at.
 *
 * @throws {InvalidRequestError} if there are several `Authorization` headers, or the one there is
 *   doesn't follow the syntax `Bearer 1*SP token68`.
 */
export function bearerToken({ rawHeaders }: RequestHeaders): string | undefined {
  const authorization = singleAuthorization(rawHeaders)
  if (authorization === undefined || !/^bearer(?:[ \t]|$)/i.test(authorization)) return undefined
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)[ \t]*$/i.exec(authorization)?.[1]
  if (token === undefined) {
    throw new InvalidRequestError('The Authorization header is malformed', {
      expected: 'Bearer, a space, and one token',
    })
  }
  return token
}

function singleAuthorization(rawHeaders: readonly string[]): string | undefined {
  let authorization: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // The length first: it spares nearly every header its lower-case copy.
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (authorization !== undefined) {
      throw new InvalidRequestError('The request has more than one Authorization header')
    }
    authorization = rawHeaders[i + 1] as string
  }
  return authorization
}
