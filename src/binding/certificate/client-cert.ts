/**
 * The header `Client-Cert` (RFC 9440 §2.2): a byte sequence of Structured Fields (RFC 9651 §3.3.5),
 * without parameters. What stands in `Client-Cert-Chain` proves nothing more, and isn't read.
 */
import { thumbprintOfBase64 } from './base64-certificate.js'

export function thumbprintOfClientCert(value: string): string | undefined {
  const isByteSequence = value.startsWith(':') && value.endsWith(':')
  return isByteSequence ? thumbprintOfBase64(value.slice(1, -1)) : undefined
}
