/** Validates the response of the token endpoint (RFC 6749 §5, RFC 8693 §2.2). */
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { isToken68 } from '../base/request-headers.js'
import { retryAfter } from '../http/fetch-json.js'
import type { Redact } from '../http/redaction.js'
import { FailedExchange, RejectedExchange } from './exchange-failure.js'
import type { ExchangeParameters } from './exchange-parameters.js'
import { MAX_TOKEN_LENGTH } from './subject-token.js'

/** A valid response. */
export interface IssuedExchange {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Lifetime in seconds; `undefined` if the response does not state it. */
  readonly expiresIn: number | undefined
  readonly scope: readonly string[] | undefined
}

export interface ExpectedResponse {
  /** The URL of the endpoint without its query, for messages. */
  readonly endpoint: string
  readonly tokenType: 'Bearer' | 'DPoP'
  readonly parameters: Pick<ExchangeParameters, 'scope' | 'issuedType'>
}

/**
 * Reads the response to a successful request.
 *
 * @throws {FailedExchange} if the response is invalid; the message names the member.
 */
export function readTokenResponse(
  response: Pick<Response, 'headers'>,
  text: string,
  { endpoint, tokenType, parameters }: ExpectedResponse,
): IssuedExchange {
  const invalid = (what: string) =>
    new FailedExchange(`the response of ${endpoint} ${what}`, { attributedTo: 'either' })
  const [type] = (response.headers.get('content-type') ?? '').toLowerCase().split(/[\s;]/)
  if (type !== 'application/json') throw invalid('has a Content-Type other than application/json')
  const members = parseJsonObject(text)
  if (members === undefined) {
    throw invalid('is not a JSON object, has duplicate members or is nested too deeply')
  }
  const accessToken = ownMember(members, 'access_token')
  if (
    typeof accessToken !== 'string' ||
    accessToken.length > MAX_TOKEN_LENGTH ||
    !isToken68(accessToken)
  ) {
    throw invalid('has no valid "access_token"')
  }
  const issuedAs = ownMember(members, 'token_type')
  // The scheme is case-insensitive (RFC 6749 §5.1). A bearer token where a bound one was requested
  // would be usable by an attacker who steals it (RFC 9449 §5).
  if (typeof issuedAs !== 'string' || issuedAs.toLowerCase() !== tokenType.toLowerCase()) {
    throw invalid(`has a "token_type" other than ${tokenType}`)
  }
  const { issuedType } = parameters
  if (issuedType !== undefined && ownMember(members, 'issued_token_type') !== issuedType) {
    throw invalid(`has an "issued_token_type" other than ${issuedType}`)
  }
  const expiresIn = secondsOf(ownMember(members, 'expires_in'))
  if (Number.isNaN(expiresIn)) throw invalid('has an invalid "expires_in"')
  const scope = ownMember(members, 'scope')
  if (scope !== undefined && typeof scope !== 'string') throw invalid('has an invalid "scope"')
  return {
    accessToken,
    tokenType,
    expiresIn,
    scope: scope === undefined ? parameters.scope : Object.freeze(scope.split(' ').filter(Boolean)),
  }
}

/** Returns the lifetime in seconds; `undefined` if absent, NaN if invalid. */
function secondsOf(expiresIn: unknown): number | undefined {
  if (expiresIn === undefined) return undefined
  // Some servers, such as version 1 of Entra ID, send a string of digits.
  const seconds =
    typeof expiresIn === 'string' && /^\d{1,10}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  return typeof seconds === 'number' && seconds >= 0 && seconds < 2 ** 40 ? seconds : Number.NaN
}

/** OAuth errors that concern the server or our credentials, not the subject token. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  'invalid_client',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'use_dpop_nonce',
])

/** Maximum length of Entra ID's claims challenge, in characters. */
const MAX_CLAIMS_LENGTH = 8_192

/** Returns the OAuth error code of a response; `undefined` if it has none. */
export function errorCodeOf(text: string): string | undefined {
  return textMember(parseJsonObject(text) ?? {}, 'error')
}

/**
 * Converts an error response (RFC 6749 §5.2).
 *
 * @param redact removes the tokens and the secret of the request from untrusted text.
 */
export function exchangeErrorOf(
  response: Pick<Response, 'status' | 'headers'>,
  text: string,
  endpoint: string,
  redact: Redact,
): RejectedExchange | FailedExchange {
  const { status } = response
  const members = parseJsonObject(text) ?? {}
  const error = textMember(members, 'error')
  const isClientError = status >= 400 && status < 500 && status !== 429
  if (isClientError && error !== undefined && !UNAVAILABLE.has(error)) {
    return new RejectedExchange(detailsOf(error, members, redact))
  }
  const summary = `${endpoint} responded with ${status}`
  if (error === 'invalid_client' || (status === 401 && error === undefined)) {
    return new FailedExchange(
      `${summary}: it rejects our credentials: "clientId", "clientSecret" or "privateKey", and "clientAuthentication" must match the client that is registered there`,
      { attributedTo: 'either', retryAfterMs: retryAfter(response) },
    )
  }
  const shown = error !== undefined && UNAVAILABLE.has(error) ? ` ${error}` : ''
  return new FailedExchange(`${summary}${shown}${status < 400 ? ' instead of 200' : ''}`, {
    attributedTo: 'either',
    retryAfterMs: retryAfter(response),
    mayHaveMoved: status < 400 || status === 404 || status === 405 || status === 410,
  })
}

function detailsOf(
  error: string,
  members: Readonly<Record<string, unknown>>,
  redact: Redact,
): RejectedExchange['details'] {
  const description = textMember(members, 'error_description')
  const suberror = textMember(members, 'suberror')
  const claims = textMember(members, 'claims')
  return {
    error: codeIn(error, redact) ?? 'unknown_error',
    description: description && redact(description),
    suberror: suberror && codeIn(suberror, redact),
    claims: claims && challengeIn(claims, redact),
  }
}

function textMember(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = ownMember(members, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Returns a code of usual syntax that contains no credential; otherwise `undefined`. */
function codeIn(text: string, redact: Redact): string | undefined {
  return /^[a-z][\w.-]{0,63}$/i.test(text) && redact(text) === text ? text : undefined
}

/** Returns the claims challenge, if it is a JSON object without a credential. */
function challengeIn(text: string, redact: Redact): string | undefined {
  const isUsable =
    text.length <= MAX_CLAIMS_LENGTH &&
    parseJsonObject(text) !== undefined &&
    redact(text, MAX_CLAIMS_LENGTH) === text
  return isUsable ? text : undefined
}
