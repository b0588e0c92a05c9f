/**
 * Defines the option `profile` in the form of an object: a custom profile, which an application
 * defines. provider.ts defines the built-in profiles, and how to add one.
 */

import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { SubjectKind } from '../../access-token/claim-reader.js'
import type { ProfileName } from './providers.js'

/**
 * A custom profile, for an authorization server with its own token format. Omitted members are
 * inherited from the profile that this profile extends.
 *
 * All functions except `isAccessToken` get verified claims: the signature of the token is valid, or
 * the claims are from an introspection response. The result of `scope`, `roles`, `groups` and
 * `permissions` may be a string, an array of strings, or an object whose member names are the
 * values; a member counts if it is `true` or an object. Any other result grants nothing. If such a
 * function throws, or `sessionId`, `idTokenSubject` or `actor` returns a value of another type than
 * documented, the response is a 500 with a fixed message, and the logged error has the thrown error
 * as its `cause`.
 * The functions must be synchronous, and return the same result for the same claims.
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

  /**
   * Built-in profile to extend, whose required claims and other checks apply as well. Default
   * `standard`.
   */
  extends?: ProfileName

  /**
   * Media types that `typ` in the header may have (RFC 8725 §3.11): one or more, with or without
   * `application/`. They replace the types of the extended profile (`at+jwt` and `JWT` in most).
   */
  types?: readonly string[]

  /** Whether a token without `typ` is accepted. Default: the value of the extended profile. */
  allowMissingTyp?: boolean

  /** Claims that a token must have, in addition to those that the extended profile requires. */
  requiredClaims?: readonly string[]

  /**
   * Whether the token is an access token, and not an ID token or any other token of this issuer.
   * Any result except `true` rejects the token, and so does an exception. Claims and header are
   * untrusted, because the function may be called before the signature is verified. The header has
   * all parameters of the JOSE header (RFC 7515 §4). The function is not called for introspection
   * responses.
   */
  isAccessToken?: (
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>>,
  ) => boolean

  /** The granted scope: a space-delimited string, an array, or an object. */
  scope?: (claims: AccessTokenClaims) => unknown

  /** The client that the token was issued to: a string. */
  clientId?: (claims: AccessTokenClaims) => unknown

  /** The roles of the subject: an array, an object, or a string that is one role. */
  roles?: (claims: AccessTokenClaims) => unknown

  /** The groups of the subject: an array, an object, or a string that is one group. */
  groups?: (claims: AccessTokenClaims) => unknown

  /** The permissions of the subject: an array, an object, or a string that is one permission. */
  permissions?: (claims: AccessTokenClaims) => unknown

  /**
   * Whether `sub` names a user, a client or an anonymous visitor. Return `unknown` unless the
   * claims prove it.
   */
  subjectKind?: (claims: AccessTokenClaims) => SubjectKind

  /**
   * The session of the user at the issuer, which `revoke({ sid })` revokes: a string, or
   * `undefined` if the token names none. Default: the claim of the extended profile (`sid` with
   * `standard`); a token in which that claim is not a string is rejected.
   */
  sessionId?: (claims: AccessTokenClaims) => unknown

  /**
   * The `sub` that ID tokens and logout tokens of the user have, if it differs from the `sub` of
   * access tokens: a string; otherwise `undefined`. `revoke({ sub })`, logout tokens and security
   * events then revoke the token by both. Default: that of the extended profile (`undefined` with
   * `standard`, the claim `uid` with `okta`).
   */
  idTokenSubject?: (claims: AccessTokenClaims) => unknown

  /**
   * The party that uses the token on behalf of the subject: `{ subject, issuer, clientId }`, with
   * at least `subject` or `clientId`; an array of these for several parties, the current one first.
   * If the result is `undefined` or an empty array, the actors are those of the extended profile.
   */
  actor?: (claims: AccessTokenClaims) => unknown
}
