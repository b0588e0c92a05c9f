import { createHash, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Confirmation } from '../../../access-token/confirmation.js'
import { type DPoPKey, isDPoPKey } from '../../dpop/dpop-key.js'
import { refuseUnknownOptions } from '../../known-options.js'

/** What a token is to be bound to: a key, a certificate, or both. At least one. */
export interface TokenConfirmation {
  /** For DPoP (RFC 9449 §6.1): a key of `generateDPoPKey()`, a public JWK, or its thumbprint. */
  key?: DPoPKey | JWK | string | undefined
  /**
   * For mutual TLS (RFC 8705 §3.1): the client's certificate, or its SHA-256 thumbprint in
   * base64url. A string that is no thumbprint is PEM, bytes are DER.
   */
  certificate?: X509Certificate | Uint8Array | string | undefined
}

// SHA-256 in base64url.
const thumbprint = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/**
 * The `cnf` of a token (RFC 7800 §3.1).
 *
 * @throws {TypeError} it names nothing to be bound to, or what is no key or certificate
 */
export async function confirmationClaim(confirmation: TokenConfirmation): Promise<Confirmation> {
  refuseUnknownOptions('"confirmation"', confirmation, ['key', 'certificate'])
  const { key, certificate } = confirmation
  if (key === undefined && certificate === undefined) {
    throw new TypeError('"confirmation" must have "key", "certificate" or both')
  }
  return {
    ...(key !== undefined && { jkt: await keyThumbprint(key) }),
    ...(certificate !== undefined && { 'x5t#S256': certificateThumbprint(certificate) }),
  }
}

async function keyThumbprint(key: DPoPKey | JWK | string): Promise<string> {
  if (typeof key === 'string' && thumbprint.test(key)) return key
  try {
    const jwk = (isDPoPKey(key) ? key.jwk : key) as JWK
    // Neither a secret nor another kind of key object, of which a thumbprint could be taken, too.
    if (typeof jwk.kty === 'string' && jwk.kty !== 'oct') return await calculateJwkThumbprint(jwk)
  } catch {}
  throw new TypeError(
    '"confirmation.key" must be a key of generateDPoPKey(), a public JWK, or its SHA-256 thumbprint',
  )
}

function certificateThumbprint(certificate: X509Certificate | Uint8Array | string): string {
  if (typeof certificate === 'string' && thumbprint.test(certificate)) return certificate
  try {
    const { raw } =
      certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate)
    return createHash('sha256').update(raw).digest('base64url')
  } catch {
    throw new TypeError(
      '"confirmation.certificate" must be an X509Certificate, PEM, DER, or its SHA-256 thumbprint',
    )
  }
}
