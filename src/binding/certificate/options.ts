/** What may be said about tokens that are bound to a certificate (RFC 8705), and its check. */

import { isPlainObject, members, reject, requireKnownKeys } from '../../base/check.js'
import { type AddressRange, hidesIPv4, isTooWide, parseAddressRange } from './trusted-proxies.js'

/**
 * How tokens that are bound to a client's certificate are taken. What is checked is that the client
 * has the key of the certificate that its token names. Whether the certificate is in date, revoked,
 * or of an authority that you know is not: that is for whoever ends the TLS connection.
 */
export interface MtlsOptions {
  /**
   * `'allowed'`: a token that is bound to a certificate needs it, others are taken as bearer tokens.
   * `'required'`: only bound ones are taken. A route may say otherwise with `config.auth.mtls`.
   * Default `'allowed'`.
   */
  mode?: 'allowed' | 'required'

  /**
   * Where the certificate of a request is. `'connection'`: on its TLS connection, which this process
   * ends, with `requestCert: true`. Or in a header, if a proxy ends it. Default `'connection'`.
   */
  certificateSource?: 'connection' | ForwardedCertificateOptions
}

/** A proxy that says in a header which certificate its client came with. */
export interface ForwardedCertificateOptions {
  /**
   * `'client-cert'`: the header of RFC 9440. `'x-forwarded-client-cert'`: Envoy's, with one element.
   * Others by their name and format: `'pem-escaped'` is percent-encoded PEM (nginx, AWS), `'base64'`
   * is DER in base64 (HAProxy). The proxy must write the header for every request, or
   * remove what the caller sent.
   */
  header:
    | 'client-cert'
    | 'x-forwarded-client-cert'
    | { name: string; format: 'pem-escaped' | 'base64' }

  /**
   * The addresses from which the proxies connect, or ranges in CIDR notation: IPv4 of /8 or smaller,
   * IPv6 of /7 or smaller. In a request from anywhere else the header isn't read. Whoever can connect
   * from one of them can claim every certificate. At least one.
   */
  trustedProxies: readonly string[]
}

/** The option `mtls`: not at all, beside bearer tokens, always, or with options. */
export type MtlsOption = false | 'allowed' | 'required' | MtlsOptions

/** Checked, with every default filled in. */
export interface ResolvedMtls {
  readonly mode: 'allowed' | 'required'
  readonly certificateSource: 'connection' | ResolvedForwardedCertificate
}

export interface ResolvedForwardedCertificate {
  /** In lower case. */
  readonly name: string
  readonly format: 'client-cert' | 'x-forwarded-client-cert' | 'pem-escaped' | 'base64'
  readonly proxies: readonly AddressRange[]
}

/** @throws {TypeError} that names the option and the fix. */
export function resolveMtls(option: MtlsOption = false): ResolvedMtls | undefined {
  if (option === false) return undefined
  const given = isMode(option) ? { mode: option } : option
  const options: MtlsOptions = members(
    'mtls',
    given,
    ['mode', 'certificateSource'],
    "must be 'allowed' (bearer tokens as well), 'required' (tokens with a certificate only), false, " +
      "or an object such as { mode: 'required' }",
  )
  const { mode = 'allowed', certificateSource = 'connection' } = options
  if (!isMode(mode)) return reject('mtls.mode', "must be 'allowed' or 'required'")
  return Object.freeze({
    mode,
    certificateSource:
      certificateSource === 'connection' ? certificateSource : resolveForwarded(certificateSource),
  })
}

function isMode(value: unknown): value is 'allowed' | 'required' {
  return value === 'allowed' || value === 'required'
}

function resolveForwarded(given: ForwardedCertificateOptions): ResolvedForwardedCertificate {
  if (!isPlainObject(given)) {
    return reject(
      'mtls.certificateSource',
      'must be \'connection\', or an object with "header" and "trustedProxies"',
    )
  }
  const options = requireKnownKeys('"mtls.certificateSource"', given, ['header', 'trustedProxies'])
  return Object.freeze({
    ...resolveHeader(options.header),
    proxies: resolveProxies(options.trustedProxies),
  })
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/

function resolveHeader(
  header: ForwardedCertificateOptions['header'],
): Pick<ResolvedForwardedCertificate, 'name' | 'format'> {
  if (header === 'client-cert' || header === 'x-forwarded-client-cert') {
    return { name: header, format: header }
  }
  if (!isPlainObject(header)) {
    return reject(
      'mtls.certificateSource.header',
      'must be \'client-cert\', \'x-forwarded-client-cert\', or an object with "name" and "format"',
    )
  }
  const { name, format } = requireKnownKeys('"mtls.certificateSource.header"', header, [
    'name',
    'format',
  ])
  if (typeof name !== 'string' || !TOKEN.test(name)) {
    return reject(
      'mtls.certificateSource.header.name',
      'must be the name of a header, such as X-SSL-Client-Cert',
    )
  }
  if (format !== 'pem-escaped' && format !== 'base64') {
    return reject('mtls.certificateSource.header.format', "must be 'pem-escaped' or 'base64'")
  }
  return { name: name.toLowerCase(), format }
}

function resolveProxies(proxies: unknown): readonly AddressRange[] {
  const given: readonly unknown[] = Array.isArray(proxies) ? proxies : []
  const ranges = given.map((text) =>
    typeof text === 'string' ? parseAddressRange(text) : undefined,
  )
  if (ranges.length === 0 || !ranges.every((range) => range !== undefined)) {
    return reject(
      'mtls.certificateSource.trustedProxies',
      "must be an array of your proxies' addresses, such as ['10.0.0.7', '10.1.0.0/16', 'fd00::/8']",
    )
  }
  if (ranges.some(isTooWide)) {
    return reject(
      'mtls.certificateSource.trustedProxies',
      'must name your proxies only, because each of these addresses can claim every certificate: ' +
        'IPv4 ranges of /8 or smaller, IPv6 ranges of /7 or smaller',
    )
  }
  if (ranges.some(hidesIPv4)) {
    return reject(
      'mtls.certificateSource.trustedProxies',
      'must have IPv4 addresses as such: 10.0.0.7 holds for ::ffff:10.0.0.7 as well',
    )
  }
  return Object.freeze(ranges)
}
