/**
 * Reads the token of a request from `Authorization: Bearer` (RFC 6750 §2.1) or `Authorization:
 * DPoP` (RFC 9449 §7.1), each with one token (RFC 9110 §11.4).
 *
 * Tokens in the query (OAuth 2.1 §5.1) or in a form body (RFC 6750 §2.2) are never read: requests
 * are checked before any body is parsed.
 */

import { BEARER_PREFIX } from '../base/request-headers.js'
import { InvalidRequestError } from '../errors/errors.js'

/** The part of a request that is read: of Node's, Fastify's `request.raw`, or an HTTP/2 request. */
export interface RequestHeaders {
  /** Alternating names and values, as in Node: only these preserve repeated headers. */
  readonly rawHeaders: readonly string[]
}

interface SchemeSyntax {
  readonly length: number
  /** The usual spelling, with the space that follows. */
  readonly prefix: string
  readonly pattern: RegExp
}

const BEARER: SchemeSyntax = { length: 6, prefix: BEARER_PREFIX, pattern: /^bearer(?:[ \t]|$)/i }
const DPOP: SchemeSyntax = { length: 4, prefix: 'DPoP ', pattern: /^dpop(?:[ \t]|$)/i }

/**
 * Returns the credentials of a header with the scheme `Bearer`; `undefined` for other schemes. Does
 * not check each character, which costs more than looking up a cached token: callers check
 * `isToken68` when they reject the token. No other string is ever accepted.
 *
 * @param schemes accepted schemes, for the error.
 * @throws {InvalidRequestError} if nothing follows the scheme.
 */
export function bearerCredentials(authorization: string, schemes: string): string | undefined {
  return credentials(authorization, BEARER, schemes)
}

/** Returns the credentials of a header with the scheme `DPoP`; otherwise like Bearer. */
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

export function malformedHeader(schemes: string): InvalidRequestError {
  return new InvalidRequestError('The Authorization header is malformed', {
    expected: `${schemes}, a space, and one token`,
  })
}

/**
 * Returns the single `Authorization` header of a request; `undefined` if there is none.
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

/** Compares the length and usual spellings first, which avoids a lower-case copy of most names. */
function isAuthorization(name: string): boolean {
  return (
    name.length === 13 &&
    (name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')
  )
}
