/** Reads the client's certificate from the connection, for a process that terminates TLS itself. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { sha256 } from '../../base/thumbprint.js'
import type {
  CertifiedRequest,
  ClientCertificate,
  ClientCertificates,
} from './client-certificate.js'

export class ConnectionCertificates implements ClientCertificates {
  readonly #byConnection = new WeakMap<object, ClientCertificate>()

  certificateOf({ socket, stream }: CertifiedRequest): ClientCertificate {
    // Over HTTP/2, each request has its own socket object, but all requests of a connection share
    // one session.
    const session = stream instanceof Duplex ? stream.session : undefined
    const connection = session ?? socket
    const cached = this.#byConnection.get(connection)
    if (cached !== undefined) return cached
    if (!isTls(socket)) return NO_TLS
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return NO_CERTIFICATE
    const found = { thumbprint: sha256(certificate.raw) }
    // Cached for TLS 1.3 only: up to TLS 1.2, a client may renegotiate with another certificate.
    if (socket.getProtocol() === 'TLSv1.3') this.#byConnection.set(connection, found)
    return found
  }
}

function isTls(socket: Socket | TLSSocket): socket is TLSSocket {
  return 'getPeerX509Certificate' in socket
}

const NO_TLS = {
  thumbprint: undefined,
  expected: 'a TLS connection, or a proxy in "mtls.certificateSource" that terminates TLS',
}
const NO_CERTIFICATE = {
  thumbprint: undefined,
  expected: 'a client certificate on the TLS connection: the server must request one (requestCert)',
}
