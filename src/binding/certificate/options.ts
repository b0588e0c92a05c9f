/** The option `mtls`, for certificate-bound access tokens (RFC 8705), and its validation. */

import { isPlainObject, members, reject, requireKnownKeys } from '../../base/check.js'
import { type AddressRange, hidesIPv4, isTooWide, parseAddressRange } from './trusted-proxies.js'

/**
 * How certificate-bound access tokens are accepted (RFC 8705 §3). Checks that the client has the key
 * of the certificate that its token names. Does not check the certificate's validity period,
 * revocation or issuer: configure these checks where TLS is terminated.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   mtls: { mode: 'required', certificateSource: 'connection' },
 * })
 * ```
 */
export interface MtlsOptions {
  /**
   * `'allowed'`: a certificate-bound token needs its certificate; others are accepted as bearer
   * tokens. `'required'`: only certificate-bound tokens are accepted. A route overrides it with
   * `config.auth.mtls`. Default `'allowed'`.
   */
  mode?: 'allowed' | 'required'

  /**
   * Where the client's certificate is read. `'connection'`: from the TLS connection, which this
   * process terminates with `requestCert: true`. An object: from a header of a proxy that terminates
   * TLS. Default `'connection'`.
   */
  certificateSource?: 'connection' | ForwardedCertificateOptions
}

/**
 * A proxy that forwards the client's certificate in a header.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   mtls: {
 *     certificateSource: {
 *       header: { name: 'X-SSL-Client-Cert', format: 'pem-escaped' },
 *       trustedProxies: ['10.0.0.7'],
 *     },
 *   },
 * })
 * ```
 */
export interface ForwardedCertificateOptions {
  /**
   * Header that holds the certificate. `'client-cert'`: that of RFC 9440.
   * `'x-forwarded-client-cert'`: Envoy's, with one element. Any other header by its name and format:
   * `'pem-escaped'` is percent-encoded PEM (nginx, AWS), `'base64'` is DER in base64 (HAProxy). The
   * proxy must set the header on every request, or remove the one that the caller sent.
   */
  header:
    | 'client-cert'
    | 'x-forwarded-client-cert'
    | { name: string; format: 'pem-escaped' | 'base64' }

  /**
   * Addresses from which the proxies connect, or ranges in CIDR notation: IPv4 of /8 or smaller,
   * IPv6 of /7 or smaller. At least one. The header is ignored on a connection from any other
   * address. An attacker who can connect from one of these addresses can claim every certificate.
   */
  trustedProxies: readonly string[]
}

/** The option `mtls`: off, certificate-bound tokens beside bearer tokens, only these, or options. */
export type MtlsOption = false | 'allowed' | 'required' | MtlsOptions

/** {@link MtlsOptions} validated, with every default filled in. */
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
      'must list your proxies only, because a client at such an address can claim any certificate: ' +
        'IPv4 ranges of /8 or smaller, IPv6 ranges of /7 or smaller',
    )
  }
  if (ranges.some(hidesIPv4)) {
    return reject(
      'mtls.certificateSource.trustedProxies',
      'must have IPv4 addresses in dotted notation: 10.0.0.7 also matches ::ffff:10.0.0.7',
    )
  }
  return Object.freeze(ranges)
}
