/**
 * The certificate of a request's client (RFC 8705 §3). The TLS handshake proved that the client has
 * its key. The TLS terminator, and the authorization server that bound the token to the certificate,
 * check its validity period and its issuer (RFC 8705 §6.2); this module does not.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The thumbprint of the certificate; without one, a fixed sentence that says what was expected. */
export type ClientCertificate =
  | { readonly thumbprint: string; readonly expected?: undefined }
  | { readonly thumbprint: undefined; readonly expected: string }

/** The members of a request that are read: of `node:http`, or of `node:http2`. */
export interface CertifiedRequest {
  readonly socket: Socket | TLSSocket
  readonly rawHeaders: readonly string[]
  /** HTTP/2 only. */
  readonly stream?: { readonly session?: object | undefined }
}

export interface ClientCertificates {
  certificateOf(request: CertifiedRequest): ClientCertificate
}
