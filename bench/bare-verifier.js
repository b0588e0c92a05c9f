/**
 * Parses a token and verifies its signature, the minimum work before an API can use its claims. It
 * checks nothing else, so it is a lower bound for the cost of verifiers and not a verifier.
 */
import { createPublicKey, verify } from 'node:crypto'
import { ALGORITHMS } from './jwt.js'

export function bareVerifier(jwks) {
  const keys = new Map(
    jwks.keys.map((jwk) => {
      const { hash, key } = ALGORITHMS[jwk.alg]
      return [jwk.kid, { hash, key: { key: createPublicKey({ key: jwk, format: 'jwk' }), ...key } }]
    }),
  )
  return (token) => {
    const [header, claims, signature] = token.split('.')
    const { hash, key } = keys.get(decode(header).kid)
    const payload = decode(claims)
    const input = Buffer.from(token.slice(0, header.length + 1 + claims.length))
    if (!verify(hash, input, key, Buffer.from(signature, 'base64url')))
      throw new Error('Invalid signature')
    return payload
  }
}

const decode = (segment) => JSON.parse(Buffer.from(segment, 'base64url').toString())
