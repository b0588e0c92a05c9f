/**
 * The certificate of a request's client (RFC 8705 §3): that the client has its key was proven in the
 * TLS handshake. Whether it is in date, or by whom it was issued, is the business of whoever ended
 * the TLS connection, and of the authorization server that bound the token to it (RFC 8705 §6.2).
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The thumbprint of a certificate; or what would have been one, in a fixed sentence. */
export type ClientCertificate =
  | { readonly thumbprint: string; readonly expected?: undefined }
  | { readonly thumbprint: undefined; readonly expected: string }

/** The part of a request that is looked at: Node's, or one of HTTP/2. */
export interface CertifiedRequest {
  readonly socket: Socket | TLSSocket
  readonly rawHeaders: readonly string[]
  /** Of HTTP/2. */
  readonly stream?: { readonly session?: object | undefined }
}

export interface ClientCertificates {
  of(request: CertifiedRequest): ClientCertificate
}
