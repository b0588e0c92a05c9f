/** Responses to the client, by redirects of the browser (RFC 6749 §4.1.2). */
import { type HttpResponse, uncached } from '../http/http-response.js'
import type { OAuthError } from '../http/oauth-error.js'
import type { ResponseTarget } from './authorization-request.js'

/**
 * Returns a redirect. Its status is 303, so that the browser does not repeat the body of a form
 * (RFC 9700 §4.12).
 */
export function seeOther(location: string, headers: Record<string, string> = {}): HttpResponse {
  return uncached(303, Buffer.alloc(0), { location, 'referrer-policy': 'no-referrer', ...headers })
}

/** Returns the redirect URI with the code, `state`, and the issuer (RFC 9207 §2). */
export function codeLocation(target: ResponseTarget, issuer: string, code: string): string {
  return location(target, issuer, { code })
}

/** Returns the redirect URI with an error, `state`, and the issuer. */
export function errorLocation(target: ResponseTarget, issuer: string, error: OAuthError): string {
  return location(target, issuer, { error: error.error, error_description: error.message })
}

function location(
  { redirectUri, state, inFragment }: ResponseTarget,
  issuer: string,
  parameters: Record<string, string>,
): string {
  const all = { ...parameters, ...(state && { state }), iss: issuer }
  return inFragment
    ? `${redirectUri}#${new URLSearchParams(all)}`
    : withParameters(redirectUri, all)
}

/** Adds parameters to the query of a URI, which otherwise stays as it is (RFC 6749 §3.1.2). */
export function withParameters(uri: string, parameters: Record<string, string>): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`
}
