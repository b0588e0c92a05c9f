/**
 * Reads the token of a request from the `Authorization` header, with the scheme `Bearer` (RFC 6750
 * §2.1) or `DPoP` (RFC 9449 §7.1) and exactly one token (RFC 9110 §11.4).
 *
 * A token in the query is never read, because OAuth 2.1 §5.1 forbids it. A token in a form body
 * (RFC 6750 §2.2) is never read, because requests are checked before their body is parsed.
 */

import { BEARER_PREFIX } from '../base/request-headers.js'
import { InvalidRequestError } from '../errors/errors.js'

/**
 * The required member of a Node.js HTTP/1 or HTTP/2 request, such as Fastify's `request.raw`.
 */
export interface RequestHeaders {
  /**
   * Alternating names and values, as in Node. Unlike `headers`, this array contains every repeated
   * header.
   */
  readonly rawHeaders: readonly string[]
}

interface SchemeSyntax {
  /** Length of the scheme's name, in characters. */
  readonly length: number
  /** The usual spelling of the scheme, with the space that follows it. */
  readonly prefix: string
  readonly pattern: RegExp
}

const BEARER: SchemeSyntax = { length: 6, prefix: BEARER_PREFIX, pattern: /^bearer(?:[ \t]|$)/i }
const DPOP: SchemeSyntax = { length: 4, prefix: 'DPoP ', pattern: /^dpop(?:[ \t]|$)/i }

/**
 * Returns the credentials of a header with the scheme `Bearer`; `undefined` for other schemes.
 *
 * Does not check the syntax of the credentials, because that costs more than looking up a cached
 * token. A string that is not token68 is never a valid token; callers check `isToken68` only to
 * choose the error.
 *
 * @param schemes the accepted schemes for the message, such as `Bearer or DPoP`.
 * @throws {InvalidRequestError} if nothing follows the scheme.
 */
export function bearerCredentials(authorization: string, schemes: string): string | undefined {
  return credentials(authorization, BEARER, schemes)
}

/** Does the same as {@link bearerCredentials} for the scheme `DPoP`. */
export function dpopCredentials(authorization: string, schemes: string): string | undefined {
  return credentials(authorization, DPOP, schemes)
}

function credentials(
  authorization: string,
  scheme: SchemeSyntax,
  schemes: string,
): string | undefined {
  if (!authorization.startsWith(scheme.prefix) && !scheme.pattern.test(authorization)) {
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

/** @param schemes the accepted schemes for the message, such as `Bearer or DPoP`. */
export function malformedHeader(schemes: string): InvalidRequestError {
  return new InvalidRequestError('The Authorization header is malformed', {
    expected: `${schemes}, a space, and one token`,
  })
}

/**
 * Returns the single `Authorization` header of a request; `undefined` if there is none.
 *
 * @throws {InvalidRequestError} if there are several `Authorization` headers.
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

/** Compares the length and the usual spellings first, to avoid a lower-case copy of most names. */
function isAuthorization(name: string): boolean {
  return (
    name.length === 13 &&
    (name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')
  )
}
