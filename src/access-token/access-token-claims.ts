import { ownMember } from '../base/plain-object.js'

/**
 * The claims of a verified access token, under their wire names.
 *
 * Declare custom claims once, by declaration merging; claims that are not declared have the type
 * `unknown`. A declaration can also narrow a registered claim. It checks nothing at run time: with
 * the option `requiredClaims`, every token has the claims, of any type and value; `config.auth.claims`
 * requires values on a route.
 *
 * ```ts
 * declare module 'fastify-resource-server' {
 *   interface AccessTokenClaims { readonly sub: string; readonly tenant: string }
 * }
 * ```
 */
export interface AccessTokenClaims extends RegisteredClaims {}

/** Registered claims of access tokens (RFC 9068 §2.2, RFC 7519 §4.1). */
export interface RegisteredClaims {
  /** Identifier of the issuer, which is verified to be trusted. RFC 7519 §4.1.1. */
  readonly iss: string
  /**
   * Audience, which is verified to contain a value of the option `audience`, except with
   * `dangerouslyAudienceFrom`. Absent only from tokens of an issuer that sends none (Amazon
   * Cognito), and with `dangerouslyAudienceFrom`. RFC 7519 §4.1.3.
   */
  readonly aud?: string | readonly string[]
  /**
   * Expiry, in seconds since the epoch. Verified to be in the future, with `clockTolerance`.
   * RFC 7519 §4.1.4.
   */
  readonly exp: number
  /** Identifier of the subject: a user, or the client if no user is involved. RFC 9068 §2.2. */
  readonly sub?: string
  /** Identifier of the client that the token was issued to. RFC 9068 §2.2. */
  readonly client_id?: string
  /**
   * Time of issue, in seconds since the epoch. Verified not to be in the future, with
   * `clockTolerance`. RFC 7519 §4.1.6.
   */
  readonly iat?: number
  /**
   * Start of validity, in seconds since the epoch. Verified not to be in the future, with
   * `clockTolerance`. RFC 7519 §4.1.5.
   */
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
  /** Expiry. */
  readonly exp: number
  /** Start of validity; `undefined` if absent. */
  readonly nbf: number | undefined
  /** Time of issue; `undefined` if absent. */
  readonly iat: number | undefined
}

/**
 * Returns the times of a token. Each token stores them, because the times of a cached token are
 * compared with the clock on each use.
 */
export function timesOf(claims: AccessTokenClaims): TokenTimes {
  return { exp: claims.exp, nbf: ownMember(claims, 'nbf'), iat: ownMember(claims, 'iat') }
}
