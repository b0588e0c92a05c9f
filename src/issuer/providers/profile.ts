/** The option `profile` as an object: a profile of the application's own. */
import type { SubjectKind } from '../../access-token/access-token.js'
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { ProfileName } from './providers.js'

/**
 * A profile of your own, for an authorization server that writes its tokens in its own way. What
 * you leave out is as in the profile that it extends.
 *
 * ```ts
 * profile: {
 *   name: 'acme',
 *   requiredClaims: ['acme_version'],
 *   roles: (claims) => claims['https://acme.example/roles'],
 * }
 * ```
 *
 * The functions that read a claim get claims whose signature was verified, and may return anything:
 * strings and arrays of strings are used, whatever else there is grants nothing. If one throws, the
 * response is a 500 with a fixed message, and the log has what it threw as `cause`. They must be
 * synchronous, and give the same answer for the same claims.
 */
export interface Profile {
  /** What to call it in messages: printable ASCII, at most 64 characters. */
  name: string

  /** The profile to start from. Its checks stay, and yours are added to them. Default `standard`. */
  extends?: ProfileName

  /**
   * The media types that the header's `typ` may name, with or without `application/`, in place of
   * those of the extended profile (`at+jwt` and `JWT` in most).
   */
  types?: readonly string[]

  /** Whether a token without `typ` passes. Default: as in the extended profile. */
  allowMissingTyp?: boolean

  /** Claims that must be there, beside those that the extended profile requires. */
  requiredClaims?: readonly string[]

  /**
   * What tells an access token from every other token of this issuer, ID tokens before all. Passes
   * on `true` and on nothing else. Called before the signature is verified, so what it gets may be
   * anybody's; when it throws, the token is refused.
   */
  isAccessToken?: (claims: Readonly<Record<string, unknown>>) => boolean

  /** The granted scope: a space-delimited string, or an array. */
  scope?: (claims: AccessTokenClaims) => unknown

  /** The client that the token was issued to: a string. */
  clientId?: (claims: AccessTokenClaims) => unknown

  /** The roles of the subject: an array, or a string that is one role. */
  roles?: (claims: AccessTokenClaims) => unknown

  /** The groups of the subject: an array, or a string that is one group. */
  groups?: (claims: AccessTokenClaims) => unknown

  /** The permissions of the subject: an array, or a string that is one permission. */
  permissions?: (claims: AccessTokenClaims) => unknown

  /** Whom `sub` names. Answer `unknown` where the claims are no proof. */
  subjectKind?: (claims: AccessTokenClaims) => SubjectKind
}
