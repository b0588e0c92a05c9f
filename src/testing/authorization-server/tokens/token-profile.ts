import type { JWTPayload } from 'jose'
import type { TestClient, TestUser } from './test-accounts.js'

/** The client, the user and the grant for which tokens are issued. */
export interface TokenSubject {
  client: TestClient
  /** Absent for the client credentials grant. */
  user?: TestUser | undefined
  scope: readonly string[]
  /**
   * The resource that the client requested (RFC 8707). Only the profile `standard` uses it, as the
   * audience of the access token.
   */
  resource?: string | undefined
  /** Whether the user logged in at the login page. Default false. */
  atLoginPage?: boolean | undefined
  /** The `nonce` of the authorization request, for the ID token. Absent for other grants. */
  nonce?: string | undefined
  /** The claims of a token that was exchanged for another one; absent for other tokens. */
  delegation?: DelegationClaims | undefined
  /** The time of the sign-in, in seconds since the epoch. */
  authTime: number
  /** The id of the sign-in, which all tokens of the sign-in share. */
  session: string
}

/** The subject of the exchanged token, and the party that acts for it (RFC 8693 §4.1). */
export interface DelegationClaims {
  sub: string
  act: { readonly sub: string; readonly act?: unknown }
  /** The session of the subject token; absent if that token has none. */
  sid?: string
}

/** A subject with a user. Only such a subject can have an ID token. */
export type UserSubject = TokenSubject & { user: TestUser }

/** The issuer, audience and times of a token. */
export interface TokenContext {
  issuer: string
  audience: string | string[]
  /** The option `audience` of the server; `undefined` if the caller did not set it. */
  audienceOption: string | readonly string[] | undefined
  /** The `iat`, in seconds since the epoch. */
  issuedAt: number
  /** Time from `iat` to `exp`, in seconds. */
  lifetime: number
}

/**
 * The token format of a provider, according to the public documentation of the provider. Values
 * that the test does not set are invented.
 */
export interface TokenProfile {
  /** The default of the option `issuerPath`. */
  issuerPath: string
  /**
   * The paths at which browser libraries of the provider expect endpoints without reading the
   * metadata, relative to the issuer, each with the endpoint of this server below `/v1`. Default:
   * none.
   */
  paths?: Readonly<Record<string, string>>
  /** The default of the option `audience`; `undefined` if the client ids are the audience. */
  audience: string | undefined
  /** The `typ` in the header of access tokens; `undefined` if the header has no `typ`. */
  accessTokenType: string | undefined
  /** The `typ` in the header of ID tokens; `undefined` if the header has no `typ`. */
  idTokenType: string | undefined
  /** Whether ID tokens, and therefore logout tokens, have the claim `sid`. */
  idTokenHasSessionId: boolean
  /** Returns the `sub` of access tokens, and of ID tokens unless `idTokenClaims` overrides it. */
  subject(subject: TokenSubject): string
  /** Returns the claims of an access token, except `iss`, `sub`, `iat` and `exp`. */
  accessTokenClaims(subject: TokenSubject, context: TokenContext): JWTPayload
  /** Returns a new refresh token. Default: {@link opaqueToken}. */
  refreshToken?(subject: UserSubject): string
  /** Returns claims of an ID token that add to, or override, the claims of every profile. */
  idTokenClaims(subject: UserSubject, context: TokenContext): JWTPayload
}
