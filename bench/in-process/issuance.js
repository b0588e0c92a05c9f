/** Creates keys and tokens of issuers that have no server. */
import { AUDIENCE, accessTokenClaims, generateKey, signToken } from '../jwt.js'

export const ISSUER = 'https://issuer.example/oauth2/default'

export function issuerWith(keys, issuer = ISSUER) {
  return { issuer, audience: AUDIENCE, jwks: { keys: keys.map(({ jwk }) => jwk) } }
}

export function keysFor(algorithm, count = 1) {
  return Array.from({ length: count }, (_, i) => generateKey(algorithm, `${algorithm}-${i}`))
}

/** @param signers `{ key, issuer }` each; successive tokens use successive signers. */
export function issue(signers, count) {
  const issuedAt = Math.floor(Date.now() / 1000)
  return Array.from({ length: count }, (_, number) => {
    const { key, issuer = ISSUER } = signers[number % signers.length]
    return signToken(key, accessTokenClaims({ issuer, number, issuedAt, lifetime: 86_400 }))
  })
}
