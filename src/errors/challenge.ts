/**
 * The answer that goes with an error: `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3,
 * RFC 9728 §5.1, RFC 9110 §11.6.1), `DPoP-Nonce` (RFC 9449 §8) or `Retry-After` (RFC 9110 §10.2.3). The only place
 * that writes a challenge.
 *
 * Every part is from a fixed table or was checked at registration, so no character that a header or
 * a quoted-string can't hold ever gets here.
 */
import {
  type AuthenticationRequirements,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  InvalidDPoPProofError,
  InvalidTokenError,
  MissingCredentialsError,
  type ResourceServerError,
  type ResponseHeaders,
  UnavailableError,
  UseDPoPNonceError,
} from './errors.js'

export interface ChallengeContext {
  readonly realm: string
  /** The scope that the route requires, space-delimited; empty if it requires none. */
  readonly scope: string
  /** Whether a bearer token is taken. Default true. */
  readonly bearer?: boolean
  /** How DPoP is offered, where it is. */
  readonly dpop?: DPoPOffer | undefined
  /** Where the metadata of the API is (RFC 9728 §5.1). */
  readonly resourceMetadata?: string | undefined
  /** The scheme with which the token came; `undefined` where none did. */
  readonly used?: 'Bearer' | 'DPoP' | undefined
}

export interface DPoPOffer {
  /** The algorithms for proofs, space-delimited. */
  readonly algs: string
  /** For the client's next proof, where one is asked for. */
  readonly nonce: string | undefined
}

/** The response headers for an error, in lower case as Node and Fastify keep them. */
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
  // A stored response would hand out an old nonce (RFC 9449 §8.2).
  return { ...headers, 'dpop-nonce': nonce, 'cache-control': 'no-store' }
}

function retryAfterOf({ retryAfter }: UnavailableError): ResponseHeaders {
  return Number.isSafeInteger(retryAfter) ? { 'retry-after': String(retryAfter) } : {}
}

/**
 * The error belongs to the scheme that the client used (RFC 9449 §7.2); the other scheme, where the
 * route accepts it, is offered without an error. A client that used DPoP gets the DPoP challenge
 * alone: it knows both schemes and looks for the challenge that concerns it.
 */
function challengesFor(error: ResourceServerError, context: ChallengeContext): string[] {
  const { realm, dpop, bearer = true, used } = context
  const scope = scopeParameter(error, context)
  const pointer = pointerTo(context)
  const parameters = `realm="${realm}"${errorParameters(error)}${scope}${demandOf(error)}${pointer}`
  if (dpop === undefined) return [`Bearer ${parameters}`]
  if (isAboutProof(error) || used === 'DPoP' || !bearer) {
    return [`DPoP ${parameters}, algs="${dpop.algs}"`]
  }
  return [`Bearer ${parameters}`, `DPoP realm="${realm}"${scope}${pointer}, algs="${dpop.algs}"`]
}

function pointerTo({ resourceMetadata: url }: ChallengeContext): string {
  return url === undefined ? '' : `, resource_metadata="${url}"`
}

function isAboutProof(error: ResourceServerError): boolean {
  return error instanceof InvalidDPoPProofError || error instanceof UseDPoPNonceError
}

/** Whoever sends a bearer token where one is taken has no use for a nonce. */
function isBearer({ bearer = true, used }: ChallengeContext): boolean {
  return bearer && used === 'Bearer'
}

function errorParameters(error: ResourceServerError): string {
  // Without credentials there is no error to report (RFC 6750 §3.1).
  if (error instanceof MissingCredentialsError) return ''
  let parameters = ''
  // Ours can be quoted; those of an error that "authorize" throws may hold any character.
  if (isQuotable(error.code)) parameters += `, error="${error.code}"`
  if (isQuotable(error.message)) parameters += `, error_description="${error.message}"`
  return parameters
}

function demandOf(error: ResourceServerError): string {
  return error instanceof InsufficientUserAuthenticationError ? demandParameters(error.demand) : ''
}

/** What an error of "authorize" demands was checked by nobody. */
function demandParameters({ acrValues, maxAge }: AuthenticationRequirements): string {
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
 * The scope that the client should request with its next token (RFC 6750 §3). A client without a
 * valid token needs all that the route requires: an MCP client that reads no scope in the challenge
 * requests every scope of the API.
 */
function scopeToRequest(error: ResourceServerError, routeScope: string): unknown {
  if (error instanceof InsufficientScopeError) return error.scope
  if (error instanceof InsufficientUserAuthenticationError) return error.demand.scope
  const lacksToken = error instanceof MissingCredentialsError || error instanceof InvalidTokenError
  return lacksToken || isAboutProof(error) ? routeScope : undefined
}

/** RFC 6750 §3: a character that may stand in `error`, `error_description` and our `realm`. */
export function isQuotable(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

function isScope(text: unknown): text is string {
  return typeof text === 'string' && text.split(' ').every(isScopeToken)
}

/** RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`. */
export function isScopeToken(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}
