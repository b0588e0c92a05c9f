/** Defines and validates the option `mtls`, for certificate-bound access tokens (RFC 8705). */

import { elementsOf, isPlainObject, members, reject, requireKnownKeys } from '../../base/check.js'
import { type AddressRange, hidesIPv4, isTooWide, parseAddressRange } from './trusted-proxies.js'

/**
 * Options for certificate-bound access tokens (RFC 8705 §3). The API checks that the client has the
 * private key of the certificate that its token names. It does not check the certificate's validity
 * period, revocation or issuer: configure these checks where TLS is terminated.
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
   * `'allowed'` requires the client certificate for certificate-bound tokens, and accepts other
   * tokens without one. `'required'` accepts only certificate-bound tokens. A route overrides the
   * mode with `config.auth.mtls`. Default `'allowed'`.
   */
  mode?: 'allowed' | 'required'

  /**
   * The source of the client's certificate. `'connection'` reads it from the TLS connection: this
   * process must terminate TLS, with `requestCert: true`. An object names the proxies that
   * terminate TLS, and the header in which they send the certificate. Default `'connection'`.
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
   * Header that holds the certificate. `'client-cert'` is the header of RFC 9440,
   * `'x-forwarded-client-cert'` is Envoy's header, which must have exactly one element. For another
   * header, set its name and format: `'pem-escaped'` is percent-encoded PEM (nginx, AWS),
   * `'base64'` is DER in base64 (HAProxy). The proxy must overwrite or remove the header that a
   * caller sends.
   */
  header:
    | 'client-cert'
    | 'x-forwarded-client-cert'
    | { name: string; format: 'pem-escaped' | 'base64' }

  /**
   * Addresses from which the proxies connect, or ranges of addresses in CIDR notation; at least
   * one. The largest ranges are /8 for IPv4 and /7 for IPv6. The header is ignored on a connection
   * from any other address. An attacker who can connect from a trusted address can claim every
   * certificate.
   */
  trustedProxies: readonly string[]
}

/** The option `mtls`: `false` for off, a mode (see {@link MtlsOptions.mode}), or all options. */
export type MtlsOption = false | 'allowed' | 'required' | MtlsOptions

/** {@link MtlsOptions} validated, with every default filled in. */
export interface ResolvedMtls {
  readonly mode: 'allowed' | 'required'
  readonly certificateSource: 'connection' | ResolvedForwardedCertificate
}

export interface ResolvedForwardedCertificate {
  /** Name of the header, in lower case. */
  readonly name: string
  readonly format: 'client-cert' | 'x-forwarded-client-cert' | 'pem-escaped' | 'base64'
  readonly proxies: readonly AddressRange[]
}

/**
 * Validates the option `mtls`.
 *
 * @returns `undefined` if the option is off.
 * @throws {TypeError} if the option is invalid; the message names the option and the fix.
 */
export function resolveMtls(option: MtlsOption = false): ResolvedMtls | undefined {
  if (option === false) return undefined
  const given = isMode(option) ? { mode: option } : option
  const options: MtlsOptions = members(
    'mtls',
    given,
    ['mode', 'certificateSource'],
    "must be 'allowed' (bearer tokens as well), 'required' (tokens with a certificate only), false, " +
      "or an object such as { mode: 'required' }",
    EQUIVALENTS,
  )
  const { mode = 'allowed', certificateSource = 'connection' } = options
  if (!isMode(mode)) return reject('mtls.mode', "must be 'allowed' or 'required'")
  return Object.freeze({
    mode,
    certificateSource:
      certificateSource === 'connection' ? certificateSource : resolveForwarded(certificateSource),
  })
}

const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ['proxies', '"trustedProxies" in "certificateSource"'],
  ['trustedProxies', '"trustedProxies" in "certificateSource"'],
])

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

/** Syntax of a header name: a token (RFC 9110 §5.6.2). */
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
  const ranges = (elementsOf(proxies) ?? []).map((text) =>
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
      'must not list IPv4 addresses in IPv6 notation: write 10.0.0.7, which also matches ' +
        '::ffff:10.0.0.7',
    )
  }
  return Object.freeze(ranges)
}
