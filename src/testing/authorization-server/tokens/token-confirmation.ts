import { createHash, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Confirmation } from '../../../access-token/confirmation.js'
import { type DPoPKey, isDPoPKey } from '../../dpop/dpop-key.js'
import { rejectUnknownOptions } from '../../known-options.js'

/** The key and the certificate to which a token is bound. At least one of them is required. */
export interface TokenConfirmation {
  /**
   * The DPoP key (RFC 9449 §6.1): a key of `generateDPoPKey()`, a public JWK, or the SHA-256
   * thumbprint of the key in base64url.
   */
  key?: DPoPKey | JWK | string | undefined
  /**
   * The client certificate for mutual TLS (RFC 8705 §3.1): an `X509Certificate`, its PEM or DER
   * encoding, or its SHA-256 thumbprint in base64url.
   */
  certificate?: X509Certificate | Uint8Array | string | undefined
}

// Matches a SHA-256 digest in base64url. The last character encodes only the last 4 bits.
const THUMBPRINT = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/**
 * Returns the value of the claim `cnf` (RFC 7800 §3.1).
 *
 * @throws {TypeError} if neither a key nor a certificate is given, or one is invalid
 */
export async function confirmationClaim(confirmation: TokenConfirmation): Promise<Confirmation> {
  rejectUnknownOptions('"confirmation"', confirmation, ['key', 'certificate'])
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
  if (typeof key === 'string' && THUMBPRINT.test(key)) return key
  try {
    const jwk = (isDPoPKey(key) ? key.jwk : key) as JWK
    // Checked here because `calculateJwkThumbprint` also accepts symmetric keys, and key objects
    // that are not JWKs.
    if (typeof jwk.kty === 'string' && jwk.kty !== 'oct') return await calculateJwkThumbprint(jwk)
  } catch {}
  throw new TypeError(
    '"confirmation.key" must be a key of generateDPoPKey(), a public JWK, or its SHA-256 thumbprint',
  )
}

function certificateThumbprint(certificate: X509Certificate | Uint8Array | string): string {
  if (typeof certificate === 'string' && THUMBPRINT.test(certificate)) return certificate
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
