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
import { type AccessTokenType, checkIsAccessToken } from './token-type.js'

/** What the access tokens of an issuer have in common. */
export interface TokenShape extends AudienceLocation, AccessTokenType {
  /** Required claims, in addition to `iss` and `exp`. */
  readonly requiredClaims: readonly string[]
  /**
   * Path to the claim that identifies the session. A token whose session ID is not a string is
   * rejected, because a revocation of the session would otherwise not cover the token. `undefined`
   * if the session ID is not checked.
   */
  readonly sessionClaim?: readonly string[] | undefined
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

/** Checks that a vendor's claim is a string or absent. */
export function checkVendorString(claims: Claims, name: string): Rejection | undefined {
  return checkString(name, ownMember(claims, name))
}

export function missingClaim(expected: string): InvalidTokenError {
  return rejection('claims', MALFORMED, expected, undefined)
}

const MALFORMED = 'A claim of the access token is missing or malformed'

function rejection(
  check: Check,
  message: string,
  expected: string,
  found: unknown,
): InvalidTokenError {
  return new InvalidTokenError(message, new LazyReason(check, expected, found))
}
