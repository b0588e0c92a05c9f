import { ownMember } from '../base/plain-object.js'

/**
 * The claims of a verified access token, under their wire names (RFC 9068 §2.2, RFC 7519 §4.1).
 *
 * Declare custom claims once, by declaration merging; undeclared claims are `unknown`. A
 * declaration checks nothing at run time: a route that depends on a claim should require it
 * (`config.auth.claims`).
 *
 * ```ts
 * declare module 'fastify-resource-server' {
 *   interface AccessTokenClaims { tenant: string }
 * }
 * ```
 */
export interface AccessTokenClaims {
  /** Issuer identifier: verified to be trusted. RFC 7519 §4.1.1. */
  readonly iss: string
  /**
   * Audience: verified to contain one of `audience`. Absent only from tokens of an issuer that
   * sends none (Amazon Cognito), and with `dangerouslyAudienceFrom`. RFC 7519 §4.1.3.
   */
  readonly aud?: string | readonly string[]
  /** Expiry, in seconds since the epoch: verified to be in the future. RFC 7519 §4.1.4. */
  readonly exp: number
  /** Subject: a user, or the client if no user is involved. RFC 9068 §2.2. */
  readonly sub?: string
  /** The client that the token was issued to, if the issuer uses this claim. RFC 9068 §2.2. */
  readonly client_id?: string
  /** Issued at, in seconds since the epoch. RFC 7519 §4.1.6. */
  readonly iat?: number
  /** Not valid before, in seconds since the epoch: verified. RFC 7519 §4.1.5. */
  readonly nbf?: number
  /** Identifier of the token. RFC 7519 §4.1.7. */
  readonly jti?: string
  /** Scope as the issuer sent it; use `request.auth.scope` instead. */
  readonly scope?: unknown
  /** Authorization details; use `request.auth.authorizationDetails()` instead. RFC 9396 §9.1. */
  readonly authorization_details?: unknown
  readonly [claim: string]: unknown
}

/** The times in the claims of a token, in seconds since the epoch. */
export interface TokenTimes {
  /** Expires at. */
  readonly exp: number
  /** Not valid before. */
  readonly nbf: number | undefined
  /** Issued at. */
  readonly iat: number | undefined
}

/** Reads the times once, because a cached token is checked against the clock on each use. */
export function timesOf(claims: AccessTokenClaims): TokenTimes {
  return { exp: claims.exp, nbf: ownMember(claims, 'nbf'), iat: ownMember(claims, 'iat') }
}
