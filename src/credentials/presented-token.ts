/** A token and its proofs of possession, for applications that do not use the plugin. */

import { types } from 'node:util'
import { canParseUrl } from '../base/can-parse-url.js'
import { isPlainObject, requireKnownKeys } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'
import type { Presentation } from '../binding/presentation.js'

/**
 * A token that may be sender-constrained (`cnf`), with its proofs of possession.
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
    /** Value of the single `DPoP` header. */
    proof: string
    /** Method of the request, such as `GET`. */
    method: string
    /**
     * http or https URL of the request, as the client knows it, with the path as the client sent
     * it. Never derive it from the caller's `Host` header.
     */
    url: string
  }
  /** The client certificate of the TLS connection, in DER (RFC 8705 §3). */
  certificate?: Uint8Array | undefined
}

/** @throws {TypeError} if a member has the wrong type. */
export function presentationOf(value: string | PresentedToken): Presentation & { token: string } {
  // Not a token: `verify()` rejects it as missing credentials.
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
 * Returns the URL with its host in ASCII, as clients write an internationalized name in "htu". The
 * rest is unchanged: a path normalized by a parser must not match that of another route.
 *
 * @throws {TypeError} if it is not an http or https URL. A URL that cannot be parsed matches no
 *   proof instead: a path that a caller sent must not cause an error of the application.
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
