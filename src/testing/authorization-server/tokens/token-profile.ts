import type { JWTPayload } from 'jose'
import type { TestClient, TestUser } from './test-accounts.js'

/** The client, user and grant that tokens are issued for. */
export interface TokenSubject {
  client: TestClient
  /** Absent for client credentials. */
  user?: TestUser | undefined
  scope: readonly string[]
  /** The requested resource (RFC 8707), which replaces the default audience. */
  resource?: string | undefined
  /** The time of the sign-in, in seconds since the epoch. */
  authTime: number
  /** The id of the sign-in, the same for all its tokens. */
  session: string
}

/** A subject with a user, which an ID token requires. */
export type UserSubject = TokenSubject & { user: TestUser }

/** The issuer, audience and times of a token. */
export interface TokenContext {
  issuer: string
  audience: string | string[]
  /** The option `audience` of the server, `undefined` if it was not given. */
  audienceOption: string | readonly string[] | undefined
  /** The `iat`, in seconds since the epoch. */
  issuedAt: number
  /** From `iat` to `exp`, in seconds. */
  lifetime: number
}

/**
 * How a provider formats its tokens, according to its public documentation. Values that the test
 * does not set are invented.
 */
export interface TokenProfile {
  /** The path of the issuer identifier, if the options name none. */
  issuerPath: string
  /** The audience, if the options name none; `undefined` if the client ids are the audience. */
  audience: string | undefined
  /** The `typ` in the header of access tokens. */
  accessTokenType: string | undefined
  /** The `typ` in the header of ID tokens. */
  idTokenType: string | undefined
  /** Returns the `sub` of both tokens, unless the claims below contain another. */
  subject(subject: TokenSubject): string
  /** Returns all claims except `iss`, `sub`, `iat` and `exp`. */
  accessTokenClaims(subject: TokenSubject, context: TokenContext): JWTPayload
  /** Returns the claims beside those of OpenID Connect Core §2. */
  idTokenClaims(subject: UserSubject, context: TokenContext): JWTPayload
}
