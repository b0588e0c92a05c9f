/**
 * Checks the type and the claims of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4,
 * §2.6). Other modules verify its issuer and its signature, and reject replays.
 */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { type Check, describe, jsonTypeOf } from '../errors/rejection-reason.js'
import type { Rejection, Result } from '../errors/result.js'
import type { Claims, ParsedJws } from '../token/compact-jws.js'
import { isExpectedType } from '../token/token-type.js'

/** The claims of a logout token that are used. */
export interface LogoutToken {
  readonly issuer: string
  /** The claim `jti`. */
  readonly id: string
  /** The claim `iat`: whole seconds since the epoch, rounded down. */
  readonly issuedAt: number
  readonly subject: string | undefined
  readonly sessionId: string | undefined
}

export interface LogoutTokenExpectations {
  readonly clientIds: ReadonlySet<string>
  /** Maximum age, in seconds. */
  readonly maxAge: number
  /** Accepted clock skew, in seconds. */
  readonly clockTolerance: number
}

/** The member of `events` that makes a token a logout token. */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** "JWT" and no `typ` are accepted, because the specification only recommends `logout+jwt`. */
const TYPES = { types: ['logout+jwt', 'jwt'], allowMissingTyp: true }
const MAX_ID_LENGTH = 256

/**
 * Returns the claims, or an `InvalidTokenError` for the first check that fails.
 *
 * @param now seconds since the epoch.
 */
export function readLogoutToken(
  { header, claims }: Pick<ParsedJws, 'header' | 'claims'>,
  expectations: LogoutTokenExpectations,
  now: number,
): Result<LogoutToken> {
  if (!isExpectedType(header.typ, TYPES)) {
    return rejection('type', '"typ": logout+jwt, JWT or absent', describe(header.typ))
  }
  return (
    checkEvent(claims) ??
    checkIdentifiers(claims) ??
    checkTimes(claims, expectations, now) ??
    checkAudience(ownMember(claims, 'aud'), expectations.clientIds) ?? {
      issuer: ownMember(claims, 'iss') as string,
      id: ownMember(claims, 'jti') as string,
      issuedAt: Math.floor(ownMember(claims, 'iat') as number),
      subject: ownMember(claims, 'sub') as string | undefined,
      sessionId: ownMember(claims, 'sid') as string | undefined,
    }
  )
}

/** Distinguishes a logout token from an ID token and other security event tokens. */
function checkEvent(claims: Claims): Rejection | undefined {
  const events = ownMember(claims, 'events')
  const event = isJsonObject(events) ? ownMember(events, EVENT) : undefined
  if (!isJsonObject(event)) {
    return rejection('type', `"events" with the object "${EVENT}"`, jsonTypeOf(events))
  }
  // An ID token has the nonce that its client chose (§2.4).
  return Object.hasOwn(claims, 'nonce') ? rejection('type', 'no "nonce"', '"nonce"') : undefined
}

function checkIdentifiers(claims: Claims): Rejection | undefined {
  const jti = ownMember(claims, 'jti')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_ID_LENGTH) {
    const expected = `"jti": a string of 1 to ${MAX_ID_LENGTH} characters`
    return rejection('claims', expected, jsonTypeOf(jti))
  }
  for (const name of ['sub', 'sid']) {
    const value = ownMember(claims, name)
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      return rejection('claims', `"${name}": a non-empty string`, jsonTypeOf(value))
    }
  }
  return Object.hasOwn(claims, 'sub') || Object.hasOwn(claims, 'sid')
    ? undefined
    : rejection('claims', '"sid" or "sub"', 'neither')
}

function checkTimes(
  claims: Claims,
  { maxAge, clockTolerance }: LogoutTokenExpectations,
  now: number,
): Rejection | undefined {
  const [iat, exp] = [ownMember(claims, 'iat'), ownMember(claims, 'exp')]
  if (!isFiniteNumber(iat)) return rejection('claims', '"iat": a finite number', jsonTypeOf(iat))
  if (exp !== undefined && !isFiniteNumber(exp)) {
    return rejection('claims', '"exp": a finite number', jsonTypeOf(exp))
  }
  // Negated comparisons, so that a clock that returns NaN fails the check.
  if (!(iat <= now + clockTolerance)) {
    return rejection('issued-at', `not after ${now}`, describe(iat))
  }
  if (!(now - iat <= maxAge + clockTolerance)) {
    return rejection('age', `after ${now - maxAge}`, describe(iat))
  }
  if (exp !== undefined && !(exp > now - clockTolerance)) {
    return rejection('expiry', `after ${now}`, describe(exp))
  }
  return undefined
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function checkAudience(aud: unknown, clientIds: ReadonlySet<string>): Rejection | undefined {
  const found: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const isForClient =
    found.every((value) => typeof value === 'string') && found.some((id) => clientIds.has(id))
  if (isForClient) return undefined
  return rejection('audience', [...clientIds].join(' or '), describe(aud))
}

const MESSAGES: Partial<Record<Check, string>> = {
  token: 'The logout token is malformed',
  issuer: 'The logout token is from an issuer that is not trusted here',
  algorithm: 'The logout token is signed with an algorithm that is not allowed',
  type: 'The token is not a logout token',
  claims: 'A claim of the logout token is missing or malformed',
  'issued-at': 'The logout token was issued in the future',
  age: 'The logout token is too old',
  expiry: 'The logout token expired',
  audience: 'The logout token is not meant for this client',
  key: 'The logout token is signed with an unknown key',
  signature: 'The signature of the logout token is invalid',
  replay: 'The logout token was used before',
}

/** Returns the rejection with a message about a logout token instead of an access token. */
export function asLogoutTokenRejection({ check, message, reason }: InvalidTokenError): Rejection {
  return new InvalidTokenError(MESSAGES[check] ?? message, reason)
}

/** Returns the rejection of a logout token that was accepted before. */
export function replayedLogoutToken(): Rejection {
  return rejection('replay', 'a "jti" that was not used before', 'a replay')
}

function rejection(check: Check, expected: string, found: string): Rejection {
  return new InvalidTokenError(MESSAGES[check] as string, { check, expected, found })
}
