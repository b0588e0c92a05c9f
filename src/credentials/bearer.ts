/**
 * The token of a request: `Authorization: Bearer` (RFC 6750 §2.1, RFC 9110 §11.4).
 *
 * A token in the query is never read (OAuth 2.1 §5.1), and neither is one in a form body (RFC 6750
 * §2.2): enforcement comes before any body is parsed.
 */
import { InvalidRequestError } from '../errors.js'
import { isToken68 } from '../token68.js'

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
export function bearerToken(request: RequestHeaders): string | undefined {
  const token = bearerCredentials(request)
  if (token !== undefined && !isToken68(token)) throw malformedHeader()
  return token
}

/**
 * The same without a look at each character, which costs more than to find a known token: whoever
 * refuses the token asks {@link isToken68}. No other string is ever accepted.
 */
export function bearerCredentials({ rawHeaders }: RequestHeaders): string | undefined {
  const authorization = singleAuthorization(rawHeaders)
  if (authorization === undefined) return undefined
  if (!authorization.startsWith('Bearer ') && !/^bearer(?:[ \t]|$)/i.test(authorization)) {
    return undefined
  }
  let start = SCHEME.length
  while (authorization.charCodeAt(start) === SPACE) start++
  let end = authorization.length
  while (end > start && isBlank(authorization.charCodeAt(end - 1))) end--
  if (start === SCHEME.length || start === end) throw malformedHeader()
  return authorization.slice(start, end)
}

const SCHEME = 'Bearer'
const SPACE = 0x20
const TAB = 0x09

function isBlank(character: number): boolean {
  return character === SPACE || character === TAB
}

export function malformedHeader(): InvalidRequestError {
  return new InvalidRequestError('The Authorization header is malformed', {
    expected: 'Bearer, a space, and one token',
  })
}

function singleAuthorization(rawHeaders: readonly string[]): string | undefined {
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
