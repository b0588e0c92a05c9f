/** Computes the names under which revocations are stored, and looked up for a token. */
import { createHash } from 'node:crypto'
import type { AccessToken } from '../access-token/access-token.js'
import { ownMember } from '../base/plain-object.js'

/** The identifiers by which tokens can be revoked. */
export const REVOCABLE_KINDS = ['jti', 'sub', 'sid', 'clientId'] as const

export type RevocableKind = (typeof REVOCABLE_KINDS)[number]

export interface RevocationNames {
  /** Returns the name of a revocation. Without `issuer`, it covers tokens of every issuer. */
  nameOf(kind: RevocableKind, value: string, issuer: string | undefined): string
  /** Returns the names of all revocations that may cover the token, whatever their times are. */
  namesOf(token: AccessToken): readonly string[]
}

/** Readable names, for revocations that stay in this process. */
export const plainNames: RevocationNames = {
  /** Names are unambiguous: those of different kinds, or with and without issuer, never collide. */
  nameOf: (kind, value, issuer) =>
    issuer === undefined ? `${kind} ${value}` : `${kind}@${issuer} ${value}`,
  namesOf: (token) => tokenNames(token, plainNames.nameOf),
}

/**
 * Returns SHA-256 names, for revocations in a store. The names do not contain the identifiers of
 * tokens and subjects, but an attacker who reads the store can test a guessed identifier. The names
 * for a token are computed once, and cached as long as its `AccessToken` object exists.
 */
export function hashedNames(): RevocationNames {
  const cache = new WeakMap<AccessToken, readonly string[]>()
  const nameOf: RevocationNames['nameOf'] = (kind, value, issuer = '') =>
    createHash('sha256')
      .update(JSON.stringify(['fastify-resource-server revocation', kind, issuer, value]))
      .digest('base64url')
  return {
    nameOf,
    namesOf(token) {
      const names = cache.get(token) ?? tokenNames(token, nameOf)
      cache.set(token, names)
      return names
    },
  }
}

function tokenNames(token: AccessToken, nameOf: RevocationNames['nameOf']): string[] {
  const { claims, clientId, issuer, sessionId, idTokenSubject } = token
  const names: string[] = []
  const add = (kind: RevocableKind, value: unknown) => {
    if (typeof value !== 'string') return
    names.push(nameOf(kind, value, undefined), nameOf(kind, value, issuer))
  }
  add('jti', ownMember(claims, 'jti'))
  add('sub', ownMember(claims, 'sub'))
  // Logout tokens name the user as ID tokens do.
  add('sub', idTokenSubject)
  add('sid', sessionId)
  add('clientId', clientId)
  return names
}
