/** What a revocation is kept under, and looked for when a token comes. */
import { createHash } from 'node:crypto'
import type { AccessToken } from '../access-token/access-token.js'
import { ownMember } from '../base/plain-object.js'

/** What a revocation can name. */
export const REVOCABLE_KINDS = ['jti', 'sub', 'sid', 'clientId'] as const

export type RevocableKind = (typeof REVOCABLE_KINDS)[number]

export interface RevocationNames {
  of(kind: RevocableKind, value: string, issuer: string | undefined): string
  /** Every name under which a revocation covers the token. */
  ofToken(token: AccessToken): readonly string[]
}

/** Names that stay in this process. */
export const plainNames: RevocationNames = {
  /** No value can be taken for another kind's, or for one with an issuer. */
  of: (kind, value, issuer) =>
    issuer === undefined ? `${kind} ${value}` : `${kind}@${issuer} ${value}`,
  ofToken: (token) => namesOf(token, plainNames.of),
}

/**
 * Names that reveal to a reader of the store neither who was revoked nor what: a SHA-256, which costs a token
 * its hashes once, however often it comes.
 */
export function hashedNames(): RevocationNames {
  const known = new WeakMap<AccessToken, readonly string[]>()
  const of: RevocationNames['of'] = (kind, value, issuer = '') =>
    createHash('sha256')
      .update(JSON.stringify(['fastify-resource-server revocation', kind, issuer, value]))
      .digest('base64url')
  return {
    of,
    ofToken(token) {
      const names = known.get(token) ?? namesOf(token, of)
      known.set(token, names)
      return names
    },
  }
}

function namesOf(token: AccessToken, of: RevocationNames['of']): string[] {
  const { claims, clientId, issuer } = token
  const [jti, sub, sid] = [
    ownMember(claims, 'jti'),
    ownMember(claims, 'sub'),
    ownMember(claims, 'sid'),
  ]
  const names: string[] = []
  for (const [kind, value] of Object.entries({ jti, sub, sid, clientId })) {
    if (typeof value !== 'string') continue
    names.push(
      of(kind as RevocableKind, value, undefined),
      of(kind as RevocableKind, value, issuer),
    )
  }
  return names
}
