/**
 * The token of a request: `Authorization: Bearer` (RFC 6750 §2.1) or `Authorization: DPoP` (RFC 9449
 * §7.1), each with one token (RFC 9110 §11.4).
 *
 * A token in the query is never read (OAuth 2.1 §5.1), and neither is one in a form body (RFC 6750
 * §2.2): enforcement comes before any body is parsed.
 */

import { USUAL_BEARER } from '../base/request-headers.js'
import { InvalidRequestError } from '../errors/errors.js'

/** The part of a request that is looked at: Node's, Fastify's `request.raw`, or one of HTTP/2. */
export interface RequestHeaders {
  /** Names and values in turn, as Node keeps them: only here do repeated headers show. */
  readonly rawHeaders: readonly string[]
}

interface SchemeSyntax {
  readonly length: number
  /** As it is mostly written. */
  readonly usual: string
  readonly pattern: RegExp
}

const BEARER: SchemeSyntax = { length: 6, usual: USUAL_BEARER, pattern: /^bearer(?:[ \t]|$)/i }
const DPOP: SchemeSyntax = { length: 4, usual: 'DPoP ', pattern: /^dpop(?:[ \t]|$)/i }

/**
 * The credentials of a header with the scheme `Bearer`, or `undefined` where there are none. No
 * look is taken at each character, which costs more than to find a known token: whoever refuses the
 * token asks `isToken68`. No other string is ever accepted.
 *
 * @param schemes that are accepted, for the error.
 * @throws {InvalidRequestError} if there is nothing after the scheme.
 */
export function bearerCredentials(authorization: string, schemes: string): string | undefined {
  return credentials(authorization, BEARER, schemes)
}

/** The same with the scheme `DPoP`. */
export function dpopCredentials(authorization: string, schemes: string): string | undefined {
  return credentials(authorization, DPOP, schemes)
}

function credentials(
  authorization: string,
  scheme: SchemeSyntax,
  schemes: string,
): string | undefined {
  if (!authorization.startsWith(scheme.usual) && !scheme.pattern.test(authorization)) {
    return undefined
  }
  let start = scheme.length
  while (authorization.charCodeAt(start) === SPACE) start++
  let end = authorization.length
  while (end > start && isBlank(authorization.charCodeAt(end - 1))) end--
  if (start === scheme.length || start === end) throw malformedHeader(schemes)
  return authorization.slice(start, end)
}

const SPACE = 0x20
const TAB = 0x09

function isBlank(character: number): boolean {
  return character === SPACE || character === TAB
}

export function malformedHeader(schemes: string): InvalidRequestError {
  return new InvalidRequestError('The Authorization header is malformed', {
    expected: `${schemes}, a space, and one token`,
  })
}

/**
 * The one `Authorization` header of a request, or `undefined` where there is none.
 *
 * @throws {InvalidRequestError} if there are several.
 */
export function singleAuthorization({ rawHeaders }: RequestHeaders): string | undefined {
  let authorization: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isAuthorization(rawHeaders[i] as string)) continue
    if (authorization !== undefined) {
      throw new InvalidRequestError('The request has more than one Authorization header')
    }
    authorization = rawHeaders[i + 1] as string
  }
  return authorization
}

/** The length, and how it is mostly written, first: that spares nearly every name a copy. */
function isAuthorization(name: string): boolean {
  return (
    name.length === 13 &&
    (name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')
  )
}
