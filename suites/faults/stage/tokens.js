/** Tokens without end: good ones that were never seen, and forged ones that cost nothing to make. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** A good token that no cache knows. */
export function unseen(issuer) {
  return issuer.issueToken({ jti: randomUUID() })
}

export function manyUnseen(issuer, number) {
  return Promise.all(Array.from({ length: number }, () => unseen(issuer)))
}

/** The token, as if signed with a key of this name. */
export function withKid(token, kid) {
  const [header, ...rest] = token.split('.')
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url')), kid }
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.')
}

/** The token, as if signed with a key that nobody has. */
export function withRandomKid(token) {
  return withKid(token, randomBytes(randomInt(8, 33)).toString('hex'))
}
