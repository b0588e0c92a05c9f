/** A token together with what came with it, for whoever verifies it without the plugin. */

import { types } from 'node:util'
import { canParseUrl } from '../base/can-parse-url.js'
import { isPlainObject, requireKnownKeys } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'
import type { Presentation } from '../binding/presentation.js'

/** A token that may be bound to its client (`cnf`), and what proves whose it is. */
export interface PresentedToken {
  /** As it stands after the scheme. */
  token: string
  /** The DPoP proof (RFC 9449 §4), and the request that it must be for. */
  dpop?: {
    /** The value of the one `DPoP` header. */
    proof: string
    /** Of the request, such as `GET`. */
    method: string
    /**
     * Of the request, as the client knows it: never made of a `Host` that the caller sent. An http or
     * https URL, its path as the client sent it.
     */
    url: string
  }
  /** The certificate in DER with which the client came (RFC 8705 §3): of the TLS connection. */
  certificate?: Uint8Array | undefined
}

/** @throws {TypeError} if something is given that isn't one. */
export function presentationOf(given: string | PresentedToken): Presentation & { token: string } {
  // What isn't one is no token: whoever asks about it is told so.
  if (!isPlainObject(given) || !Object.hasOwn(given, 'token')) {
    return { ...NOTHING, token: given as string }
  }
  const presented = given as PresentedToken
  const keys = ['token', 'dpop', 'certificate']
  const { token, dpop, certificate } = requireKnownKeys('a presented token', presented, keys)
  if (certificate !== undefined && !types.isUint8Array(certificate)) {
    throw new TypeError('"certificate" of a presented token must be the bytes of it, in DER')
  }
  const certificateThumbprint = certificate && sha256(certificate)
  if (dpop === undefined) return { ...NOTHING, token, certificateThumbprint }
  const parts = ['proof', 'method', 'url']
  const { proof, method, url } = requireKnownKeys('"dpop" of a presented token', dpop, parts)
  if (![proof, method, url].every((one) => typeof one === 'string')) {
    throw new TypeError(
      '"dpop" of a presented token must have "proof", "method" and "url", strings',
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
 * Returns the URL with its host in ASCII, as clients write an internationalized name in "htu". The rest
 * stays as it is: a path that a parser changes must not match another route's.
 *
 * @throws {TypeError} if it is no http or https URL. One with a host that cannot be parsed matches no
 *   proof: what a caller sent as the path must not make an error of ours.
 */
function withAsciiHost(url: string): string {
  const origin = /^https?:\/\/[^/?#\\@]+/i.exec(url)?.[0]
  if (origin === undefined) {
    throw new TypeError(
      '"dpop.url" of a presented token must be the http or https URL of the request with its host, ' +
        'such as https://api.example.com/orders',
    )
  }
  if (/^[\x21-\x7e]+$/.test(origin) || !canParseUrl(origin)) return url
  return new URL(origin).origin + url.slice(origin.length)
}

const NOTHING = {
  scheme: 'Bearer',
  method: '',
  proofs: [],
  targetUris: [],
  certificateThumbprint: undefined,
} as const
