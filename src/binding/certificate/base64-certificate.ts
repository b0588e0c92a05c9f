/** A certificate as DER (RFC 5280 §4.1) in base64 (RFC 4648 §4). */
import { sha256 } from '../../base/thumbprint.js'

/** Of exactly one certificate in the one spelling that base64 has for it, or `undefined`. */
export function thumbprintOfBase64(text: string): string | undefined {
  const der = Buffer.from(text, 'base64')
  return isOneSequence(der) && der.toString('base64') === text ? sha256(der) : undefined
}

const SEQUENCE = 0x30

/** A certificate has more than 127 bytes, and what a header can hold has less than 65,536. */
function isOneSequence(der: Buffer): boolean {
  if (der.length < 4 || der.readUInt8(0) !== SEQUENCE) return false
  const form = der.readUInt8(1)
  if (form === 0x81) return der.length === 3 + der.readUInt8(2)
  return form === 0x82 && der.length === 4 + der.readUInt16BE(2)
}
