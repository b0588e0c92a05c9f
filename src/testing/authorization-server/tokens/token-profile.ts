import type { JWTPayload } from 'jose'
import type { TestClient, TestUser } from './test-accounts.js'

/** For whom tokens are made. */
export interface TokenSubject {
  client: TestClient
  /** Absent for client credentials. */
  user?: TestUser | undefined
  scope: readonly string[]
  /** What the token was asked for (RFC 8707), in the place of the usual audience. */
  resource?: string | undefined
  /** When the user signed in, in seconds since the epoch. */
  authTime: number
  /** The sign-in, the same for all tokens that come of it. */
  session: string
}

/** A subject with a user, as ID tokens have one. */
export type UserSubject = TokenSubject & { user: TestUser }

/** What tokens are made of beside their subject. */
export interface TokenContext {
  issuer: string
  audience: string | string[]
  /** The option `audience` of the server, where it was given. */
  audienceOption: string | readonly string[] | undefined
  /** Seconds since the epoch. */
  issuedAt: number
  /** Seconds. */
  lifetime: number
}

/**
 * How an authorization server writes its tokens, as its public documentation says. Every value that
 * is no claim of the test's own is made up.
 */
export interface TokenProfile {
  /** The path of the issuer, where the options name none. */
  issuerPath: string
  /** The audience, where the options name none; `undefined` where the clients are the audience. */
  audience: string | undefined
  /** The `typ` in the header of access tokens. */
  accessTokenType: string | undefined
  /** The `typ` in the header of ID tokens. */
  idTokenType: string | undefined
  /** The `sub` of both tokens, unless the claims below have another. */
  subject(subject: TokenSubject): string
  /** All claims but `iss`, `sub`, `iat` and `exp`. */
  accessTokenClaims(subject: TokenSubject, context: TokenContext): JWTPayload
  /** Claims beside those of OpenID Connect Core §2. */
  idTokenClaims(subject: UserSubject, context: TokenContext): JWTPayload
}
