/**
 * Recognizes public keys that were configured as a shared secret by mistake. Every party that knows
 * the public key could then sign tokens with HMAC (RFC 8725 §2.1).
 */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { isJsonObject } from '../base/json-object.js'

/**
 * Whether the bytes are a key or a certificate: as PEM or JWK, as DER, or as DER in base64. Private
 * keys count only in PEM and JWK.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1')
  return (
    text.includes('-----BEGIN ') ||
    isJwk(text) ||
    isDer(Buffer.from(bytes)) ||
    isDer(Buffer.from(text, 'base64'))
  )
}

function isJwk(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && (Object.hasOwn(value, 'kty') || Object.hasOwn(value, 'keys'))
  } catch {
    return false
  }
}

function isDer(bytes: Buffer): boolean {
  const readers = [
    () => createPublicKey({ key: bytes, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' }),
    () => new X509Certificate(bytes),
  ]
  return readers.some((read) => {
    try {
      read()
      return true
    } catch {
      return false
    }
  })
}
