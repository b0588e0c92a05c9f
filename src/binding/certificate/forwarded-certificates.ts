/**
 * Reads the client's certificate from a header, for APIs behind a proxy that terminates TLS. An
 * attacker who can write that header can impersonate every client. Therefore the header is read
 * only on a connection from a trusted proxy, and a value other than exactly one certificate counts
 * as no certificate.
 */

import { BoundedCache } from '../../base/bounded-cache.js'
import { headerValues } from '../../base/request-headers.js'
import type {
  CertifiedRequest,
  ClientCertificate,
  ClientCertificates,
} from './client-certificate.js'
import {
  thumbprintOfBase64,
  thumbprintOfClientCert,
  thumbprintOfEscapedPem,
  thumbprintOfForwardedClientCert,
} from './formats.js'
import { type AddressRange, TrustedProxies } from './trusted-proxies.js'

export type CertificateFormat = keyof typeof READERS

export interface ForwardedCertificatesOptions {
  /** Name of the header, in lower case. */
  readonly name: string
  readonly format: CertificateFormat
  readonly proxies: readonly AddressRange[]
}

/** Each reader returns the thumbprint of the certificate, or `undefined` for an invalid value. */
const READERS = {
  'client-cert': thumbprintOfClientCert,
  'x-forwarded-client-cert': thumbprintOfForwardedClientCert,
  'pem-escaped': thumbprintOfEscapedPem,
  base64: thumbprintOfBase64,
} as const satisfies Record<string, (value: string) => string | undefined>

/** Maximum length of the value, in characters: Node's default limit for a request's headers. */
const MAX_LENGTH = 16_384
/** Maximum number of cached certificates. */
const MAX_CACHED = 1_000
/** Maximum length of a value whose certificate is cached, in characters. */
const MAX_CACHED_LENGTH = 4_096

export class ForwardedCertificates implements ClientCertificates {
  readonly #name: string
  readonly #read: (value: string) => string | undefined
  readonly #proxies: TrustedProxies
  /** Certificates by header value, because clients send many requests with one certificate. */
  readonly #cached = new BoundedCache<string, ClientCertificate>({ max: MAX_CACHED })

  constructor({ name, format, proxies }: ForwardedCertificatesOptions) {
    this.#name = name
    this.#read = READERS[format]
    this.#proxies = new TrustedProxies(proxies)
  }

  certificateOf({ socket, rawHeaders }: CertifiedRequest): ClientCertificate {
    if (!this.#proxies.has(socket.remoteAddress)) return NO_PROXY
    const values = headerValues(rawHeaders, this.#name)
    const [value] = values
    if (value === undefined) return NO_HEADER
    if (values.length > 1) return SEVERAL_HEADERS
    if (value.length > MAX_LENGTH) return TOO_LONG
    return this.#cached.get(value) ?? this.#readNew(value)
  }

  #readNew(value: string): ClientCertificate {
    const thumbprint = this.#read(value)
    if (thumbprint === undefined) return MALFORMED
    const certificate = { thumbprint }
    if (value.length <= MAX_CACHED_LENGTH) this.#cached.set(value, certificate)
    return certificate
  }
}

const NO_PROXY = {
  thumbprint: undefined,
  expected: 'a connection from one of "mtls.certificateSource.trustedProxies"',
}
const NO_HEADER = {
  thumbprint: undefined,
  expected: 'the header "mtls.certificateSource.header" from the proxy',
}
const SEVERAL_HEADERS = {
  thumbprint: undefined,
  expected: 'one header with the certificate, not several',
}
const TOO_LONG = {
  thumbprint: undefined,
  expected: `at most ${MAX_LENGTH} characters in the header with the certificate`,
}
const MALFORMED = {
  thumbprint: undefined,
  expected: 'one certificate in the header, in the format of "mtls.certificateSource.header"',
}
