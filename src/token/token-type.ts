/**
 * Tells access tokens from other types of tokens, by the header parameter `typ` and by claims
 * (RFC 8725 §3.11, §3.12).
 */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { LazyReason } from '../errors/rejection-reason.js'
import type { Rejection } from '../errors/result.js'
import type { Claims, ParsedJws } from './compact-jws.js'
import type { HeaderParameters } from './jose-header.js'

/** What distinguishes access tokens of an issuer from its other tokens. */
export interface AccessTokenType {
  /** Accepted media types of `typ`, in lower case, without `application/`. */
  readonly types: readonly string[]
  /** Whether a token without `typ` is accepted. */
  readonly allowMissingTyp: boolean
  /** Whether the claims `at_hash`, `c_hash` and `s_hash` are allowed. Default false. */
  readonly allowsIdTokenClaims?: boolean | undefined
  /**
   * Returns an `InvalidTokenError` if vendor claims or header parameters show that the token is not
   * an access token or grants no access; otherwise `undefined`. Called before the signature is
   * verified, and only for JWTs, because an introspection response has no header.
   */
  readonly checkAccessToken?:
    | ((claims: Claims, header: HeaderParameters) => Rejection | undefined)
    | undefined
}

/** Checks that the token is an access token, not one of another type (RFC 8725 §3.11, §3.12). */
export function checkIsAccessToken(
  { header, claims }: Pick<ParsedJws, 'header' | 'claims'>,
  expectations: AccessTokenType,
): Rejection | undefined {
  return (
    checkType(header.typ, expectations) ??
    checkForOtherType(claims, expectations) ??
    expectations.checkAccessToken?.(claims, header.parameters)
  )
}

function checkType(typ: string | undefined, shape: AccessTokenType): Rejection | undefined {
  if (isExpectedType(typ, shape)) return undefined
  return notAnAccessToken(`"typ": ${shape.types.join(' or ')}`, typ)
}

/**
 * Whether `typ` is an accepted type, or is absent and the issuer's profile allows that
 * (RFC 9068 §4, RFC 8725 §3.11).
 */
export function isExpectedType(
  typ: string | undefined,
  { types, allowMissingTyp }: Pick<AccessTokenType, 'types' | 'allowMissingTyp'>,
): boolean {
  if (typ === undefined) return allowMissingTyp
  // Compares the usual spelling first, which avoids two copies for most tokens.
  return types.includes(typ) || types.includes(mediaType(typ))
}

/**
 * Returns the media type in lower case and without `application/`, which `typ` may omit (RFC 7515
 * §4.1.9).
 */
export function mediaType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '')
}

/**
 * Rejects ID tokens, refresh tokens, logout tokens and security event tokens (RFC 8725 §3.12).
 *
 * Only known values of `token_use` and `typ` are rejected, because these claims are not registered
 * to identify types of tokens, so issuers use them freely. A profile can require the value of its
 * vendor. The hashes in {@link ID_TOKEN_CLAIMS} bind an ID token to a response (OpenID Connect Core
 * §3.3.2.11). A security event token has a JSON object in `events` (RFC 8417 §2.2), so other values
 * of that claim are accepted.
 */
function checkForOtherType(
  claims: Claims,
  { allowsIdTokenClaims }: AccessTokenType,
): Rejection | undefined {
  if (allowsIdTokenClaims !== true) {
    for (const name of ID_TOKEN_CLAIMS) {
      if (Object.hasOwn(claims, name)) return otherTypeOfToken(`one with "${name}"`)
    }
  }
  if (isJsonObject(ownMember(claims, 'events'))) return otherTypeOfToken('one with "events"')
  const [use, typ] = [ownMember(claims, 'token_use'), ownMember(claims, 'typ')]
  if (isOtherType(use)) return notAnAccessToken('"token_use": access', use)
  return isOtherType(typ) ? otherTypeOfToken(typ) : undefined
}

function otherTypeOfToken(found: unknown): Rejection {
  return notAnAccessToken('an access token', found)
}

const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash', 's_hash']

/**
 * Values of `token_use` and `typ` in other types of tokens of Cognito, Ory Hydra and Keycloak, in
 * lower case.
 */
const OTHER_TYPES: ReadonlySet<string> = new Set([
  'id',
  'id_token',
  'refresh',
  'refresh_token',
  'offline',
  'logout',
  'logout_token',
  'logout+jwt',
  'secevent+jwt',
])

function isOtherType(value: unknown): boolean {
  return typeof value === 'string' && OTHER_TYPES.has(mediaType(value))
}

/** Returns the rejection of a token that is not an access token. */
export function notAnAccessToken(
  expected: string,
  found: unknown = 'a token of another type',
): InvalidTokenError {
  return new InvalidTokenError(
    'The token is not an access token',
    new LazyReason('type', expected, found),
  )
}
