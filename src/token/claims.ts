/**
 * Verifies the claims of a token: the token must be an access token, be valid at present, and be
 * meant for this API (RFC 7519 §4.1, RFC 9068 §4, RFC 8725 §3.9 to §3.12). Other modules verify the
 * issuer and the signature of the token.
 */
import {
  type AccessTokenClaims,
  type TokenTimes,
  timesOf,
} from '../access-token/access-token-claims.js'
import { isActorClaim } from '../access-token/actor.js'
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { type Check, jsonTypeOf, LazyReason } from '../errors/rejection-reason.js'
import { isRejection, type Rejection, type Result } from '../errors/result.js'
import { type AudienceLocation, checkAudience, type ExpectedAudience } from './audience.js'
import type { Claims, ParsedJws } from './compact-jws.js'
import type { HeaderParameters } from './jose-header.js'

/** The properties by which access tokens of an issuer are recognized. */
export interface TokenShape extends AudienceLocation {
  /** Required claims, in addition to `iss` and `exp`. */
  readonly requiredClaims: readonly string[]
  /** Accepted media types of `typ`, in lower case, without `application/`. */
  readonly types: readonly string[]
  /** Whether a token without `typ` is accepted. */
  readonly allowMissingTyp: boolean
  /** Whether the claims `at_hash`, `c_hash` and `s_hash` are allowed. Default false. */
  readonly allowsIdTokenClaims?: boolean | undefined
  /**
   * Path to the claim that identifies the session. A token whose session ID is not a string is
   * rejected, because a revocation of the session would otherwise not cover the token. `undefined`
   * if the session ID is not checked.
   */
  readonly sessionClaim?: readonly string[] | undefined
  /**
   * Returns an `InvalidTokenError` if vendor claims or header parameters show that the token is not
   * an access token or grants no access; otherwise `undefined`. Called before the signature is
   * verified, and only for JWTs, because an introspection response has no header.
   */
  readonly checkAccessToken?:
    | ((claims: Claims, header: HeaderParameters) => Rejection | undefined)
    | undefined
}

export interface ClaimExpectations extends TokenShape, ExpectedAudience {}

/** Limits in seconds, from the options of the same names. */
export interface TimeLimits {
  readonly clockTolerance: number
  /** `undefined` for no limit. */
  readonly maxTokenAge: number | undefined
}

/**
 * Verifies the claims of a token, except its issuer.
 *
 * @param now the current time, in seconds since the epoch.
 * @returns the claims, or an `InvalidTokenError` for the first check that fails.
 */
export function verifyClaims(
  { header, claims }: Pick<ParsedJws, 'header' | 'claims'>,
  expectations: ClaimExpectations,
  limits: TimeLimits,
  now: number,
): Result<AccessTokenClaims> {
  const wellFormed =
    checkIsAccessToken({ header, claims }, expectations) ?? verifyWellFormed(claims)
  if (isRejection(wellFormed)) return wellFormed
  return (
    checkClaimsOfIssuer(wellFormed, expectations) ??
    checkTimes(timesOf(wellFormed), limits, now) ??
    checkAudience(wellFormed, expectations) ??
    wellFormed
  )
}

/** Checks that the token is an access token, not one of another type (RFC 8725 §3.11, §3.12). */
export function checkIsAccessToken(
  { header, claims }: Pick<ParsedJws, 'header' | 'claims'>,
  expectations: TokenShape,
): Rejection | undefined {
  return (
    checkType(header.typ, expectations) ??
    checkForOtherType(claims, expectations) ??
    expectations.checkAccessToken?.(claims, header.parameters)
  )
}

/**
 * Checks `exp`, `nbf`, `iat` and the age of a token. The checks are repeated on each cache hit,
 * because their results change with time.
 *
 * @param now the current time, in seconds since the epoch.
 */
export function checkTimes(
  { exp, nbf, iat }: TokenTimes,
  { clockTolerance, maxTokenAge }: TimeLimits,
  now: number,
): Rejection | undefined {
  // Negated comparisons, so that NaN fails the check.
  if (!(exp > now - clockTolerance)) {
    return rejection('expiry', 'The access token expired', `after ${now}`, exp)
  }
  if (nbf !== undefined && !(nbf <= now + clockTolerance)) {
    return rejection('not-before', 'The access token is not valid yet', `not after ${now}`, nbf)
  }
  if (iat !== undefined && !(iat <= now + clockTolerance)) {
    const message = 'The access token was issued in the future'
    return rejection('issued-at', message, `not after ${now}`, iat)
  }
  if (maxTokenAge === undefined) return undefined
  if (iat === undefined)
    return rejection('age', MALFORMED, '"iat", because maxTokenAge is set', iat)
  if (!(now - iat <= maxTokenAge + clockTolerance)) {
    return rejection('age', 'The access token is too old', `after ${now - maxTokenAge}`, iat)
  }
  return undefined
}

function checkType(typ: string | undefined, shape: TokenShape): Rejection | undefined {
  if (isExpectedType(typ, shape)) return undefined
  return rejection('type', NOT_AN_ACCESS_TOKEN, `"typ": ${shape.types.join(' or ')}`, typ)
}

/**
 * Whether `typ` is an accepted type, or is absent and the issuer's profile allows that
 * (RFC 9068 §4, RFC 8725 §3.11).
 */
export function isExpectedType(
  typ: string | undefined,
  { types, allowMissingTyp }: Pick<TokenShape, 'types' | 'allowMissingTyp'>,
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
  { allowsIdTokenClaims }: TokenShape,
): Rejection | undefined {
  if (allowsIdTokenClaims !== true) {
    for (const name of ID_TOKEN_CLAIMS) {
      if (Object.hasOwn(claims, name)) return otherTypeOfToken(`one with "${name}"`)
    }
  }
  if (isJsonObject(ownMember(claims, 'events'))) return otherTypeOfToken('one with "events"')
  const [use, typ] = [ownMember(claims, 'token_use'), ownMember(claims, 'typ')]
  if (isOtherType(use)) return rejection('type', NOT_AN_ACCESS_TOKEN, '"token_use": access', use)
  return isOtherType(typ) ? otherTypeOfToken(typ) : undefined
}

function otherTypeOfToken(found: unknown): Rejection {
  return rejection('type', NOT_AN_ACCESS_TOKEN, 'an access token', found)
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

/**
 * Checks that `exp` is present, and that the registered claims have the right JSON types (RFC 7519
 * §2, §4.1).
 *
 * @returns the claims, or an `InvalidTokenError`.
 */
export function verifyWellFormed(claims: Claims): Result<AccessTokenClaims> {
  if (ownMember(claims, 'exp') === undefined) {
    return rejection('claims', MALFORMED, '"exp"', undefined)
  }
  // The calls are unrolled, because a loop over the names costs several times as much.
  const malformed =
    checkNumber('exp', ownMember(claims, 'exp')) ??
    checkNumber('nbf', ownMember(claims, 'nbf')) ??
    checkNumber('iat', ownMember(claims, 'iat')) ??
    checkString('sub', ownMember(claims, 'sub')) ??
    checkString('client_id', ownMember(claims, 'client_id')) ??
    checkString('jti', ownMember(claims, 'jti')) ??
    checkActor(ownMember(claims, 'act'))
  if (malformed !== undefined) return malformed
  // "iss" was checked when the issuer was resolved.
  return claims as AccessTokenClaims
}

function checkNumber(name: string, value: unknown): Rejection | undefined {
  if (value === undefined || Number.isFinite(value)) return undefined
  return rejection('claims', MALFORMED, `"${name}": a finite number`, jsonTypeOf(value))
}

function checkString(name: string, value: unknown): Rejection | undefined {
  if (value === undefined || typeof value === 'string') return undefined
  return rejection('claims', MALFORMED, `"${name}": a string`, jsonTypeOf(value))
}

/** Rejects an `act` that identifies no actor, because routes may depend on it (RFC 8693 §4.1). */
function checkActor(act: unknown): Rejection | undefined {
  if (isActorClaim(act)) return undefined
  return rejection('claims', MALFORMED, '"act": objects with "sub" or "client_id"', jsonTypeOf(act))
}

/** Checks that the session ID is a string, absent or `null`. */
function checkSession(
  claims: Claims,
  sessionClaim: TokenShape['sessionClaim'],
): Rejection | undefined {
  if (sessionClaim === undefined) return undefined
  let value: unknown = claims
  for (const name of sessionClaim) {
    if (!isJsonObject(value)) return malformedSession(sessionClaim, value)
    value = ownMember(value, name)
    if (value === undefined || value === null) return undefined
  }
  return typeof value === 'string' ? undefined : malformedSession(sessionClaim, value)
}

function malformedSession(path: readonly string[], found: unknown): Rejection {
  const claim = path.map((name) => `"${name}"`).join(' with ')
  return rejection('claims', MALFORMED, `${claim}: a string`, jsonTypeOf(found))
}

/** Checks the claims that the options and the profile of the issuer require. */
export function checkClaimsOfIssuer(
  claims: Claims,
  { requiredClaims, sessionClaim }: Pick<TokenShape, 'requiredClaims' | 'sessionClaim'>,
): Rejection | undefined {
  const missing = requiredClaims.find((name) => !Object.hasOwn(claims, name))
  return missing === undefined
    ? checkSession(claims, sessionClaim)
    : rejection('claims', MALFORMED, `"${missing}"`, undefined)
}

/** Returns the rejection of a token that is not an access token. */
export function notAnAccessToken(expected: string): InvalidTokenError {
  return rejection('type', NOT_AN_ACCESS_TOKEN, expected, 'a token of another type')
}

/** Checks that a vendor's claim is a string or absent. */
export function checkVendorString(claims: Claims, name: string): Rejection | undefined {
  return checkString(name, ownMember(claims, name))
}

export function missingClaim(expected: string): InvalidTokenError {
  return rejection('claims', MALFORMED, expected, undefined)
}

const MALFORMED = 'A claim of the access token is missing or malformed'
const NOT_AN_ACCESS_TOKEN = 'The token is not an access token'

function rejection(
  check: Check,
  message: string,
  expected: string,
  found: unknown,
): InvalidTokenError {
  return new InvalidTokenError(message, new LazyReason(check, expected, found))
}
