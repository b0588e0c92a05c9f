/** Checks the TLS certificate of an issuer: who signed it, for which host, and until when. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { failureText } from '../../errors/failure-text.js'
import { withinDeadline } from '../../http/deadline.js'
import { isLoopback } from '../../http/secure-url.js'
import { durationOf, timeOf } from '../explain/time.js'
import type { HealthCheck } from './health-check.js'

/** Remaining lifetime below which a certificate is reported, in seconds: two weeks. */
const SOON_SECONDS = 14 * 86_400

interface ServerCertificate {
  /** End of the validity, in seconds since the epoch. */
  readonly expiresAt: number
  /** The distinguished name of the authority that signed it. */
  readonly authority: string
  /** Code of the error of the verification; `undefined` if the certificate is trusted. */
  readonly error: string | undefined
}

/** Advises on a server that responded, but not with TLS. */
export const NO_TLS =
  'The server responds at this port without TLS: correct the port or, for an issuer on this machine, the scheme (http).'

export interface CertificateCheckOptions {
  /** Timeout of the connection, in milliseconds. */
  readonly timeout: number
  /** The current time, in milliseconds since the epoch. */
  readonly now: number
  /** Authorities that are trusted instead of those of Node, as PEM. */
  readonly ca?: string
}

export async function checkCertificate(
  url: URL,
  options: CertificateCheckOptions,
): Promise<HealthCheck> {
  const name = 'certificate'
  if (url.protocol === 'http:') {
    return isLoopback(url)
      ? { name, outcome: 'passed', found: `${url.origin} is http on this machine: none is needed` }
      : {
          name,
          outcome: 'warning',
          found: `${url.origin} is http: anyone on the network path can replace the keys`,
          advice: 'Use https, except in a development network that only its containers can reach.',
        }
  }
  try {
    const certificate = await withinDeadline((signal) => fetchCertificate(url, signal, options), {
      timeout: options.timeout,
    })
    return describeCertificate(url.host, certificate, options.now)
  } catch (error) {
    return {
      name,
      outcome: 'failed',
      found: `no TLS connection to ${url.host}: ${failureText(error)}`,
      advice: /WRONG_VERSION_NUMBER/.test(failureText(error))
        ? NO_TLS
        : `Check the host name and the port, the network, and that the server speaks TLS: openssl s_client -connect ${url.hostname}:${url.port || 443}`,
    }
  }
}

function describeCertificate(
  host: string,
  { expiresAt, authority, error }: ServerCertificate,
  now: number,
): HealthCheck {
  const name = 'certificate'
  const left = expiresAt - Math.floor(now / 1000)
  const by = `${host}, signed by ${authority}`
  if (left <= 0) {
    return {
      name,
      outcome: 'failed',
      found: `${by}, expired ${durationOf(-left)} ago, at ${timeOf(expiresAt)}`,
      advice:
        'The operator of the issuer must renew the certificate; or correct the clock of this machine.',
    }
  }
  const expiry = `expires ${timeOf(expiresAt)} (in ${durationOf(left)})`
  if (error !== undefined) {
    return {
      name,
      outcome: 'failed',
      found: `${by}, ${expiry}, is not trusted: ${error}`,
      advice: adviceFor(error),
    }
  }
  return left < SOON_SECONDS
    ? {
        name,
        outcome: 'warning',
        found: `${by}, ${expiry}`,
        advice: 'Check that the operator of the issuer renews the certificate in time.',
      }
    : { name, outcome: 'passed', found: `${by}, ${expiry}` }
}

function adviceFor(error: string): string {
  if (error === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'The certificate is for another host name: correct the host in the issuer identifier, or have the operator add this name to the certificate.'
  }
  return 'If a private certificate authority signed it, or it is self-signed: set NODE_EXTRA_CA_CERTS to a file with the certificate of the authority (PEM), before Node starts. Never disable the verification. A server that omits intermediate certificates must send them.'
}

/** Connects without verification, because the certificate is reported even if it is invalid. */
async function fetchCertificate(
  { hostname, port }: URL,
  signal: AbortSignal,
  { ca }: CertificateCheckOptions,
): Promise<ServerCertificate> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = connect({
    host,
    port: Number(port || 443),
    // No request is sent on this connection.
    rejectUnauthorized: false,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  })
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject)
    })
    const { validTo, issuer } = socket.getPeerX509Certificate() as X509Certificate
    return {
      expiresAt: Math.floor(Date.parse(validTo) / 1000),
      authority: issuer.replaceAll('\n', ', '),
      error: socket.authorized ? undefined : `${socket.authorizationError}`,
    }
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}
