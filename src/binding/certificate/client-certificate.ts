/**
 * Defines the sources of a client certificate (RFC 8705 §3). The TLS handshake proves that the
 * client has the private key of the certificate. This package does not check the certificate's
 * validity period and issuer: the TLS terminator and the authorization server do (RFC 8705 §6.2).
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The thumbprint; if there is no certificate, a fixed text that states what was expected. */
export type ClientCertificate =
  | { readonly thumbprint: string; readonly expected?: undefined }
  | { readonly thumbprint: undefined; readonly expected: string }

/** The members of a `node:http` or `node:http2` request that the sources read. */
export interface CertifiedRequest {
  readonly socket: Socket | TLSSocket
  readonly rawHeaders: readonly string[]
  /** Present over HTTP/2 only. */
  readonly stream?: { readonly session?: object | undefined }
}

export interface ClientCertificates {
  certificateOf(request: CertifiedRequest): ClientCertificate
}
