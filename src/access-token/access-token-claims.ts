import { ownMember } from '../base/plain-object.js'

/**
 * The claims of a verified access token, under their wire names (RFC 9068 §2.2, RFC 7519 §4.1).
 *
 * Claims of your own are declared once, by merging, and typed everywhere after; a claim that
 * nobody declared stays `unknown`. A declaration is a statement about what your issuer sends, it
 * checks nothing: a route that depends on a claim should require it (`config.auth.claims`).
 *
 * ```ts
 * declare module 'fastify-resource-server' {
 *   interface AccessTokenClaims { tenant: string }
 * }
 * ```
 */
export interface AccessTokenClaims {
  /** Issuer: verified to be one of those configured. */
  readonly iss: string
  /**
   * Audience: verified to hold one of yours. Absent only from the tokens of an issuer that names
   * none (Amazon Cognito), and with `dangerouslyAudienceFrom`.
   */
  readonly aud?: string | readonly string[]
  /** Expiry in seconds since the epoch: verified to be in the future. */
  readonly exp: number
  /** Subject. A user, or the client itself where no user takes part. RFC 9068 §2.2. */
  readonly sub?: string
  /** The client that the token was issued to, where the issuer writes it here. */
  readonly client_id?: string
  /** Seconds since the epoch. */
  readonly iat?: number
  /** Seconds since the epoch. */
  readonly nbf?: number
  /** The id of the token. */
  readonly jti?: string
  /** The scope as the issuer wrote it; read it from `request.auth.scope`. */
  readonly scope?: unknown
  readonly [claim: string]: unknown
}

/** The times in the claims of a token, in seconds since the epoch. */
export interface TokenTimes {
  /** In seconds since the epoch, as all of them. */
  readonly exp: number
  /** Not valid before. */
  readonly nbf: number | undefined
  /** Issued at. */
  readonly iat: number | undefined
}

/** Reads the times once, because a cached token has them compared with the clock on each use. */
export function timesOf(claims: AccessTokenClaims): TokenTimes {
  return { exp: claims.exp, nbf: ownMember(claims, 'nbf'), iat: ownMember(claims, 'iat') }
}
