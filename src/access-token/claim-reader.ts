import type { AccessTokenClaims } from './access-token-claims.js'
import type { Actor } from './actor.js'

/**
 * A subject is a user, a client that acts for itself, or an anonymous visitor for whom the issuer
 * started a session without a sign-in; `'unknown'` if no claim proves one of these.
 */
export type SubjectKind = 'user' | 'client' | 'anonymous' | 'unknown'

/**
 * Reads the members of `AccessToken` from claims, whose names differ between issuers. The profile of
 * an issuer implements it.
 */
export interface ClaimReader {
  readonly scope: (claims: AccessTokenClaims) => readonly string[]
  /**
   * Returns advice for the operator why a token has no scope; `undefined` if there is none.
   * Called for tokens without scope where a scope is required.
   */
  readonly scopeHint: ((claims: AccessTokenClaims) => string | undefined) | undefined
  readonly clientId: (claims: AccessTokenClaims) => string | undefined
  readonly roles: (claims: AccessTokenClaims) => readonly string[]
  readonly groups: (claims: AccessTokenClaims) => readonly string[]
  readonly permissions: (claims: AccessTokenClaims) => readonly string[]
  readonly subjectKind: (claims: AccessTokenClaims) => SubjectKind
  /** Returns the session in which the token was issued; `undefined` if the token names none. */
  readonly sessionId: (claims: AccessTokenClaims) => string | undefined
  /** Returns the `sub` of ID tokens of the user, if it differs from that of access tokens. */
  readonly idTokenSubject: (claims: AccessTokenClaims) => string | undefined
  /** Returns the current actor first, then earlier actors. */
  readonly actors: (claims: AccessTokenClaims) => readonly Actor[]
}
