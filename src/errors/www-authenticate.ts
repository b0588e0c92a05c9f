/**
 * Builds the response headers of an error: `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9470
 * §3, RFC 9728 §5.1, RFC 9110 §11.6.1), `DPoP-Nonce` with `Cache-Control` (RFC 9449 §8), or
 * `Retry-After` (RFC 9110 §10.2.3). No other module of the resource server writes a challenge.
 *
 * Every part is a constant, was validated at registration or is validated here, so that a header
 * never contains a character that is invalid in a header or a quoted-string.
 */
import {
  type AuthenticationRequirements,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  InvalidDPoPProofError,
  InvalidTokenError,
  MissingCredentialsError,
  UnavailableError,
  UseDPoPNonceError,
} from './errors.js'
import type { ResourceServerError, ResponseHeaders } from './resource-server-error.js'

export interface ChallengeContext {
  readonly realm: string
  /** The scope that the route requires, space-delimited; empty if it requires none. */
  readonly scope: string
  /** Whether the route accepts bearer tokens. Default true. */
  readonly bearer?: boolean
  /** Parameters of the DPoP challenge; `undefined` if the route does not accept DPoP. */
  readonly dpop?: DPoPChallenge | undefined
  /** URL of the protected resource metadata (RFC 9728 §5.1); `undefined` if there is none. */
  readonly resourceMetadata?: string | undefined
  /** The scheme of the request; `undefined` if the request has no token or uses another scheme. */
  readonly used?: 'Bearer' | 'DPoP' | undefined
}

export interface DPoPChallenge {
  /** Accepted algorithms of DPoP proofs, space-delimited. */
  readonly algs: string
  /** The nonce for the client's next proof; `undefined` if the API does not use nonces. */
  readonly nonce: string | undefined
}

/** Returns the response headers of an error, with lower-case names as in Node and Fastify. */
export function responseHeaders(
  error: ResourceServerError,
  context: ChallengeContext,
): ResponseHeaders {
  if (error instanceof UnavailableError) return retryAfterOf(error)
  const challenges = challengesFor(error, context)
  const [challenge] = challenges
  const headers = {
    'www-authenticate': challenges.length === 1 ? (challenge as string) : challenges,
  }
  const nonce = context.dpop?.nonce
  if (nonce === undefined || isBearer(context)) return headers
  // A cached response could give an outdated nonce to a client (RFC 9449 §8.2).
  return { ...headers, 'dpop-nonce': nonce, 'cache-control': 'no-store' }
}

function retryAfterOf({ retryAfter }: UnavailableError): ResponseHeaders {
  return Number.isSafeInteger(retryAfter) ? { 'retry-after': String(retryAfter) } : {}
}

/**
 * Returns one challenge per accepted scheme; only the first contains the error (RFC 9449 §7.2).
 * After a request with the scheme DPoP, or an error of a DPoP proof, the DPoP challenge is the only
 * one, so that a DPoP client need not search for its challenge.
 */
function challengesFor(error: ResourceServerError, context: ChallengeContext): string[] {
  const { realm, dpop, bearer = true, used } = context
  const scope = scopeParameter(error, context)
  const pointer = metadataParameter(context)
  const parameters = `realm="${realm}"${errorParameters(error)}${scope}${requirementsOf(error)}${pointer}`
  if (dpop === undefined) return [`Bearer ${parameters}`]
  if (isAboutProof(error) || used === 'DPoP' || !bearer) {
    return [`DPoP ${parameters}, algs="${dpop.algs}"`]
  }
  return [`Bearer ${parameters}`, `DPoP realm="${realm}"${scope}${pointer}, algs="${dpop.algs}"`]
}

function metadataParameter({ resourceMetadata: url }: ChallengeContext): string {
  return url === undefined ? '' : `, resource_metadata="${url}"`
}

function isAboutProof(error: ResourceServerError): boolean {
  return error instanceof InvalidDPoPProofError || error instanceof UseDPoPNonceError
}

/**
 * Whether the client used the scheme Bearer and the route accepts bearer tokens. Such a client
 * needs no nonce.
 */
function isBearer({ bearer = true, used }: ChallengeContext): boolean {
  return bearer && used === 'Bearer'
}

function errorParameters(error: ResourceServerError): string {
  // The challenge for a request without credentials contains no error (RFC 6750 §3.1).
  if (error instanceof MissingCredentialsError) return ''
  let parameters = ''
  // The code and message of an error that "authorize" throws may contain characters that are
  // invalid in a quoted-string.
  if (isQuotable(error.code)) parameters += `, error="${error.code}"`
  if (isQuotable(error.message)) parameters += `, error_description="${error.message}"`
  return parameters
}

function requirementsOf(error: ResourceServerError): string {
  return error instanceof InsufficientUserAuthenticationError
    ? requirementsParameters(error.requirements)
    : ''
}

/**
 * Returns the parameters for the valid requirements, and leaves out invalid ones, which an error
 * that "authorize" throws may have.
 */
function requirementsParameters({ acrValues, maxAge }: AuthenticationRequirements): string {
  let parameters = ''
  if (Array.isArray(acrValues) && acrValues.length > 0 && acrValues.every(isScopeToken)) {
    parameters += `, acr_values="${acrValues.join(' ')}"`
  }
  if (maxAge !== undefined && Number.isSafeInteger(maxAge) && maxAge >= 0) {
    parameters += `, max_age="${maxAge}"`
  }
  return parameters
}

function scopeParameter(error: ResourceServerError, { scope }: ChallengeContext): string {
  const needed = scopeToRequest(error, scope)
  return isScope(needed) ? `, scope="${needed}"` : ''
}

/**
 * Returns the scope that the client should request for its next token (RFC 6750 §3); `undefined` if
 * the error is not about the token, its scope or the proof. A client without a valid token or proof
 * gets the whole scope of the route; otherwise an MCP client would request every scope of the API.
 */
function scopeToRequest(error: ResourceServerError, routeScope: string): unknown {
  if (error instanceof InsufficientScopeError) return error.scope
  if (error instanceof InsufficientUserAuthenticationError) return error.requirements.scope
  const lacksToken = error instanceof MissingCredentialsError || error instanceof InvalidTokenError
  return lacksToken || isAboutProof(error) ? routeScope : undefined
}

/** Whether the text is valid as `error`, `error_description` (RFC 6750 §3) or `realm`. */
export function isQuotable(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

function isScope(text: unknown): text is string {
  return typeof text === 'string' && text.split(' ').every(isScopeToken)
}

/** Whether the text is a `scope-token` (RFC 6749 §3.3): `1*( %x21 / %x23-5B / %x5D-7E )`. */
export function isScopeToken(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}
