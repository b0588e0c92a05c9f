/** Reads a token and its proofs of possession that an application passes to `verify()`. */

import { types } from 'node:util'
import { canParseUrl } from '../base/can-parse-url.js'
import { isPlainObject, requireKnownKeys } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'
import type { Presentation } from '../binding/presentation.js'

/**
 * A token that may be sender-constrained (`cnf`), together with its proofs of possession.
 *
 * @example
 * ```ts
 * await server.verify({ token, dpop: { proof, method: 'GET', url } })
 * ```
 */
export interface PresentedToken {
  /** The token without the scheme. */
  token: string
  /** The DPoP proof (RFC 9449 §4) and the request that it must match. */
  dpop?: {
    /** Value of the `DPoP` header, of which the request must have exactly one. */
    proof: string
    /** Method of the request, such as `GET`. */
    method: string
    /**
     * http or https URL of the request, as the client knows it, with the path as the client sent
     * it. Do not derive the host from the caller's `Host` header, because a malicious server could
     * then replay a proof that a client made for that server.
     */
    url: string
  }
  /** The client certificate of the TLS connection, in DER (RFC 8705 §3). */
  certificate?: Uint8Array | undefined
}

/**
 * Returns how the token was presented.
 *
 * @throws {TypeError} if an object with a token has an unknown or invalid member.
 */
export function presentationOf(value: string | PresentedToken): Presentation & { token: string } {
  // A string is the token. `verify()` rejects any other value as missing credentials.
  if (!isPlainObject(value) || !Object.hasOwn(value, 'token')) {
    return { ...WITHOUT_PROOFS, token: value as string }
  }
  const presented = value as PresentedToken
  const keys = ['token', 'dpop', 'certificate']
  const { token, dpop, certificate } = requireKnownKeys('a presented token', presented, keys)
  if (certificate !== undefined && !types.isUint8Array(certificate)) {
    throw new TypeError('"certificate" of a presented token must be a Uint8Array in DER')
  }
  const certificateThumbprint = certificate && sha256(certificate)
  if (dpop === undefined) return { ...WITHOUT_PROOFS, token, certificateThumbprint }
  const parts = ['proof', 'method', 'url']
  const { proof, method, url } = requireKnownKeys('"dpop" of a presented token', dpop, parts)
  if (![proof, method, url].every((value) => typeof value === 'string')) {
    throw new TypeError(
      '"dpop" of a presented token must have the strings "proof", "method" and "url"',
    )
  }
  return {
    token,
    scheme: 'DPoP',
    method,
    proofs: [proof],
    targetUris: [withAsciiHost(url)],
    certificateThumbprint,
  }
}

/**
 * Returns the URL with its host in ASCII, as clients write an internationalized host in `htu`. The
 * rest of the URL is unchanged, because a path that a URL parser normalizes could equal that of
 * another route. A URL that cannot be parsed is returned unchanged and matches no proof.
 *
 * @throws {TypeError} if the value does not start like an http or https URL.
 */
function withAsciiHost(url: string): string {
  const origin = /^https?:\/\/[^/?#\\@]+/i.exec(url)?.[0]
  if (origin === undefined) {
    throw new TypeError(
      '"dpop.url" of a presented token must be an absolute http or https URL, ' +
        'such as https://api.example.com/orders',
    )
  }
  if (/^[\x21-\x7e]+$/.test(origin) || !canParseUrl(origin)) return url
  return new URL(origin).origin + url.slice(origin.length)
}

const WITHOUT_PROOFS = {
  scheme: 'Bearer',
  method: '',
  proofs: [],
  targetUris: [],
  certificateThumbprint: undefined,
} as const
