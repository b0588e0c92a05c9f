import type { IncomingMessage } from 'node:http'
import { httpUrl, isLoopback } from '../../../http/secure-url.js'
import type { HttpResponse } from './http-response.js'

/**
 * Whether a web origin (RFC 6454) is on this machine. The origin `null`, which sandboxed pages and
 * files have, is not.
 */
export function isLoopbackOrigin(origin: string): boolean {
  const url = httpUrl(origin)
  return url !== undefined && url.origin === origin && isLoopback(url)
}

/**
 * Returns the response with the headers that let pages of loopback origins read it (CORS). Requests
 * may have credentials, as those of keycloak-js: no endpoint with `crossOrigin` reads cookies.
 */
export function readableCrossOrigin(
  { headers: { origin } }: IncomingMessage,
  response: HttpResponse,
): HttpResponse {
  const headers = { ...response.headers, vary: 'Origin' }
  if (origin === undefined || !isLoopbackOrigin(origin)) return { ...response, headers }
  const readable = {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'DPoP-Nonce, WWW-Authenticate',
  }
  return { ...response, headers: { ...headers, ...readable } }
}

/**
 * Returns the response to a preflight request (Fetch standard, CORS protocol). Every header is
 * allowed in requests without credentials.
 */
export function preflight(methods: readonly string[]): HttpResponse {
  const headers = {
    'access-control-allow-methods': methods.join(', '),
    // The wildcard does not include Authorization.
    'access-control-allow-headers': '*, authorization',
    'access-control-max-age': '600',
  }
  return { status: 204, headers, body: Buffer.alloc(0) }
}
