/**
 * Reads the formats in which proxies forward a client's certificate. Each exported function
 * returns the thumbprint (SHA-256 in base64url) of the certificate in a header value; `undefined`
 * if the value does not identify exactly one certificate.
 */
import { sha256 } from '../../base/thumbprint.js'

/**
 * Reads DER (RFC 5280 §4.1) in base64 (RFC 4648 §4), as HAProxy sends it. Only the canonical base64
 * encoding is accepted.
 */
export function thumbprintOfBase64(text: string): string | undefined {
  const der = Buffer.from(text, 'base64')
  return isOneSequence(der) && der.toString('base64') === text ? sha256(der) : undefined
}

const SEQUENCE = 0x30

/**
 * Whether the bytes are exactly one DER sequence whose length is in the one byte after 0x81, or in
 * the two bytes after 0x82. No other form occurs, because a certificate has more than 127 bytes,
 * and a header value fewer than 65,536.
 */
function isOneSequence(der: Buffer): boolean {
  if (der.length < 4 || der.readUInt8(0) !== SEQUENCE) return false
  const form = der.readUInt8(1)
  if (form === 0x81) return der.length === 3 + der.readUInt8(2)
  return form === 0x82 && der.length === 4 + der.readUInt16BE(2)
}

/**
 * Reads the header `Client-Cert` (RFC 9440 §2.2), whose value must be a Byte Sequence (RFC 9651
 * §3.3.5) without parameters. `Client-Cert-Chain` is not read, because the token is bound to the
 * client's certificate only.
 */
export function thumbprintOfClientCert(value: string): string | undefined {
  const isByteSequence = value.startsWith(':') && value.endsWith(':')
  return isByteSequence ? thumbprintOfBase64(value.slice(1, -1)) : undefined
}

const PEM =
  /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+\n)-----END CERTIFICATE-----(?:\r?\n)?$/

/**
 * Reads percent-encoded PEM (RFC 7468 §5): nginx's `$ssl_client_escaped_cert`, the header
 * `X-Amzn-Mtls-Clientcert-Leaf` of AWS, and `Cert` in Envoy's header.
 */
export function thumbprintOfEscapedPem(value: string): string | undefined {
  const lines = PEM.exec(percentDecoded(value))?.[1]
  return lines === undefined ? undefined : thumbprintOfBase64(lines.replace(/\r?\n/g, ''))
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}

const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(?:;(?!$)|$)/gy

/**
 * Reads Envoy's header `x-forwarded-client-cert`. It has one element for each proxy on the path,
 * and an element consists of pairs such as `Hash=…;Subject="CN=…"`. Only one element is accepted,
 * because several elements name several clients.
 *
 * Envoy does not quote the names in a certificate (`URI`, `DNS`), so an attacker can obtain a
 * certificate whose names look like further pairs or elements. Therefore a value with several
 * `Hash` or several `Cert` pairs, or with text that is not a pair, is rejected.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function thumbprintOfForwardedClientCert(value: string): string | undefined {
  const hashes: string[] = []
  const certificates: string[] = []
  let length = 0
  for (const [pair, key = '', quoted, plain = ''] of value.matchAll(PAIR)) {
    length += pair.length
    const name = key.toLowerCase()
    if (name === 'hash') hashes.push(quoted ?? plain)
    if (name === 'cert') certificates.push(quoted ?? plain)
  }
  // A length mismatch means that the value has an unquoted comma or other text outside of its
  // pairs.
  if (length !== value.length || hashes.length > 1 || certificates.length > 1) return undefined
  const thumbprints = [...hashes.map(thumbprintOfHex), ...certificates.map(thumbprintOfEscapedPem)]
  const [thumbprint] = thumbprints
  return thumbprints.every((other) => other === thumbprint) ? thumbprint : undefined
}

function thumbprintOfHex(hash: string): string | undefined {
  return /^[0-9a-f]{64}$/i.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : undefined
}
