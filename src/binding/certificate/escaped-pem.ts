/**
 * A certificate in PEM (RFC 7468 §5), percent-encoded: nginx's `$ssl_client_escaped_cert`, the
 * `X-Amzn-Mtls-Clientcert-Leaf` of AWS, and `Cert` in Envoy's header.
 */
import { thumbprintOfBase64 } from './base64-certificate.js'

const PEM =
  /^-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+\n)-----END CERTIFICATE-----(?:\r?\n)?$/

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
