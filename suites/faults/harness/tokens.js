/** Creates valid tokens that no cache contains, and forged tokens that need no signature. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** Returns a valid token that no cache contains. */
export function newToken(issuer) {
  return issuer.issueToken({ jti: randomUUID() })
}

export function newTokens(issuer, number) {
  return Promise.all(Array.from({ length: number }, () => newToken(issuer)))
}

/** Returns the token with another `kid`. */
export function withKid(token, kid) {
  const [header, ...rest] = token.split('.')
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url')), kid }
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.')
}

/** Returns the token with a random `kid`. */
export function withRandomKid(token) {
  return withKid(token, randomBytes(randomInt(8, 33)).toString('hex'))
}
