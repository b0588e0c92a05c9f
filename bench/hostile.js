/** Tokens that no API may accept. All but the expired ones need no signature of the issuer. */
import { createHmac, randomBytes } from 'node:crypto'
import { accessTokenClaims, signingInput, TOKEN_LENGTH } from './jwt.js'

export const HOSTILE = {
  /** Long enough for a token, and no JWT. */
  malformed: () => randomBytes(TOKEN_LENGTH).toString('base64url').slice(0, TOKEN_LENGTH),

  'foreign-issuer': ({ key, claims }) =>
    withRandomSignature(
      signingInput(
        { alg: key.algorithm, kid: key.kid },
        { ...claims, iss: 'https://foreign.example/oauth2/default' },
      ),
    ),

  /** Signed with the public key as if it was a secret (RFC 8725 §2.1). */
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

/** A number below any modulus, so that it is worth the whole of the arithmetic. */
function withRandomSignature(input) {
  const signature = randomBytes(256)
  signature[0] = 0
  return `${input}.${signature.toString('base64url')}`
}
