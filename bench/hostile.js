/** Creates tokens that every API must reject, without a signature of the issuer. */
import { createHmac, randomBytes } from 'node:crypto'
import { accessTokenClaims, signingInput, TOKEN_LENGTH } from './jwt.js'

export const HOSTILE = {
  /** As long as a token, but not a JWT. */
  malformed: () => randomBytes(TOKEN_LENGTH).toString('base64url').slice(0, TOKEN_LENGTH),

  'foreign-issuer': ({ key, claims }) =>
    withRandomSignature(
      signingInput(
        { alg: key.algorithm, kid: key.kid },
        { ...claims, iss: 'https://foreign.example/oauth2/default' },
      ),
    ),

  /** Signed with the public key as the HMAC secret (RFC 8725 §2.1). */
  'wrong-algorithm': ({ key, claims }) => {
    const input = signingInput({ alg: 'HS256', kid: key.kid }, claims)
    const secret = key.publicKey.export({ type: 'spki', format: 'pem' })
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  },

  'unknown-kid': ({ key, claims }) =>
    withRandomSignature(
      signingInput({ alg: key.algorithm, kid: randomBytes(6).toString('hex') }, claims),
    ),

  'bad-signature': ({ key, claims }) =>
    withRandomSignature(signingInput({ alg: key.algorithm, kid: key.kid }, claims)),
}

export function hostileTokens(make, { key, count, ...times }) {
  return Array.from({ length: count }, (_, number) =>
    make({ key, claims: accessTokenClaims({ number, ...times }) }),
  )
}

/**
 * The signature is below any modulus: OpenSSL rejects a larger number before the costly arithmetic.
 */
function withRandomSignature(input) {
  const signature = randomBytes(256)
  signature[0] = 0
  return `${input}.${signature.toString('base64url')}`
}
