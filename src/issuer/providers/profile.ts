/** The option `profile` as an object: a custom profile. */
import type { SubjectKind } from '../../access-token/access-token.js'
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { ProfileName } from './providers.js'

/**
 * A custom profile, for an authorization server with its own token format. Members that are left
 * out are inherited from the profile that it extends.
 *
 * The functions that read a claim get claims whose signature was verified. Strings and arrays of
 * strings are used; any other result grants nothing. If a function throws, the response is a 500
 * with a fixed message, and the logged error has the thrown one as its `cause`. The functions must
 * be synchronous, and return the same result for the same claims.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   profile: {
 *     name: 'acme',
 *     requiredClaims: ['acme_version'],
 *     roles: (claims) => claims['https://acme.example/roles'],
 *   },
 * })
 * ```
 */
export interface Profile {
  /** Name of the profile in messages: 1 to 64 characters of printable ASCII without space. */
  name: string

  /** Built-in profile to extend. Its checks remain; those here are added. Default `standard`. */
  extends?: ProfileName

  /**
   * Media types that the header's `typ` may have, with or without `application/`, instead of those
   * of the extended profile (`at+jwt` and `JWT` in most). At least one. RFC 8725 §3.11.
   */
  types?: readonly string[]

  /** Whether a token without `typ` is accepted. Default: as in the extended profile. */
  allowMissingTyp?: boolean

  /** Claims that a token must have, in addition to those that the extended profile requires. */
  requiredClaims?: readonly string[]

  /**
   * Whether the claims are those of an access token, and not of an ID token or any other token of
   * this issuer. Only `true` accepts the token. Called before the signature is verified, so the
   * claims are untrusted. If it throws, the token is rejected.
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

  /** Whether `sub` names a user or a client. Return `unknown` unless the claims prove it. */
  subjectKind?: (claims: AccessTokenClaims) => SubjectKind
}
