/**
 * Checks the type and the claims of a security event token (RFC 8417 §2.2, SSF 1.0 §4). Other
 * modules verify its issuer and its signature, and recognize tokens that were received before.
 */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { type Check, describe, jsonTypeOf } from '../errors/rejection-reason.js'
import type { Rejection, Result } from '../errors/result.js'
import type { Claims, ParsedJws } from '../token/compact-jws.js'
import { isExpectedType } from '../token/token-type.js'
import { faultOfSubject, isNonEmptyString, type SubjectIdentifier } from './subject-identifier.js'

/** The claims of a security event token that are used. Times are in seconds since the epoch. */
export interface SecurityEventToken {
  /** The claim `jti`. */
  readonly id: string
  /** The claim `iat`. */
  readonly issuedAt: number
  /** When the event occurred, never after `issuedAt`. */
  readonly occurredAt: number
  /** The name of the only member of `events`. */
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly subject: SubjectIdentifier | undefined
  readonly transactionId: string | undefined
}

export interface SecurityEventExpectations {
  readonly audience: ReadonlySet<string>
  /** Maximum age, in seconds. */
  readonly maxAge: number
}

/** The type is required (SSF 1.0 §4.1), so that no other JWT of the transmitter is accepted. */
const TYPES = { types: ['secevent+jwt'], allowMissingTyp: false }
const MAX_ID_LENGTH = 256

/**
 * Returns the claims, or an `InvalidTokenError` for the first check that fails.
 *
 * @param clockTolerance accepted clock skew, in seconds.
 * @param now seconds since the epoch.
 */
export function readSecurityEventToken(
  { header, claims }: Pick<ParsedJws, 'header' | 'claims'>,
  { audience, maxAge }: SecurityEventExpectations,
  clockTolerance: number,
  now: number,
): Result<SecurityEventToken> {
  if (!isExpectedType(header.typ, TYPES)) {
    return rejection('type', '"typ": secevent+jwt', describe(header.typ))
  }
  return (
    checkEvents(claims) ??
    checkIdentifiers(claims) ??
    checkTimes(claims, maxAge, clockTolerance, now) ??
    checkAudience(ownMember(claims, 'aud'), audience) ??
    tokenOf(claims)
  )
}

/** Requires one event: RFC 8417 allows several, but SSF 1.0 §4.2 only for the same event. */
function checkEvents(claims: Claims): Rejection | undefined {
  const events = ownMember(claims, 'events')
  const members = isJsonObject(events) ? Object.entries(events) : []
  const [type, payload] = members[0] ?? []
  if (members.length === 1 && isNonEmptyString(type) && isJsonObject(payload)) return undefined
  const found = isJsonObject(events) ? 'another object' : jsonTypeOf(events)
  return rejection('claims', '"events" with one member, which is a JSON object', found)
}

function checkIdentifiers(claims: Claims): Rejection | undefined {
  const jti = ownMember(claims, 'jti')
  if (!isNonEmptyString(jti) || jti.length > MAX_ID_LENGTH) {
    const expected = `"jti": a string of 1 to ${MAX_ID_LENGTH} characters`
    return rejection('claims', expected, jsonTypeOf(jti))
  }
  // `sub` would contradict `sub_id`, or name another principal (SSF 1.0 §4.1).
  if (Object.hasOwn(claims, 'sub')) return rejection('claims', 'no "sub"', '"sub"')
  if (!Object.hasOwn(claims, 'sub_id')) return undefined
  const fault = faultOfSubject(claims.sub_id)
  return fault && rejection('claims', `"sub_id": ${fault.expected}`, fault.found)
}

function checkTimes(
  claims: Claims,
  maxAge: number,
  clockTolerance: number,
  now: number,
): Rejection | undefined {
  const [iat, exp] = [ownMember(claims, 'iat'), ownMember(claims, 'exp')]
  if (!isFiniteNumber(iat)) return rejection('claims', '"iat": a finite number', jsonTypeOf(iat))
  // Negated comparisons, so that a clock that returns NaN fails the check.
  if (!(iat <= now + clockTolerance)) {
    return rejection('issued-at', `not after ${now}`, describe(iat))
  }
  if (!(now - iat <= maxAge + clockTolerance)) {
    return rejection('age', `after ${now - maxAge}`, describe(iat))
  }
  // SSF 1.0 §4.1 forbids `exp`, so that no recipient of ID tokens accepts such a token. Here, `typ`
  // already excludes other tokens, and the rejection of an event would leave a session open.
  if (exp === undefined) return undefined
  if (!isFiniteNumber(exp)) return rejection('claims', '"exp": a finite number', jsonTypeOf(exp))
  return exp > now - clockTolerance ? undefined : rejection('expiry', `after ${now}`, describe(exp))
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function checkAudience(aud: unknown, expected: ReadonlySet<string>): Rejection | undefined {
  const found: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const isForApi =
    found.every((value) => typeof value === 'string') && found.some((value) => expected.has(value))
  return isForApi ? undefined : rejection('audience', [...expected].join(' or '), describe(aud))
}

/** @param claims the checked claims. */
function tokenOf(claims: Claims): SecurityEventToken {
  const [[type, payload]] = Object.entries(claims.events as object) as [[string, Claims]]
  const issuedAt = claims.iat as number
  const txn = ownMember(claims, 'txn')
  return {
    id: claims.jti as string,
    issuedAt,
    occurredAt: timeOf(ownMember(payload, 'event_timestamp') ?? ownMember(claims, 'toe'), issuedAt),
    type,
    payload,
    subject: subjectOf(claims, payload),
    transactionId: typeof txn === 'string' ? txn : undefined,
  }
}

/**
 * Returns the time of the event, or `issuedAt` if it is absent or no time. A time in the future,
 * such as one in milliseconds, must not cover tokens that are issued after the event.
 */
function timeOf(time: unknown, issuedAt: number): number {
  return isFiniteNumber(time) && time >= 0 ? Math.min(time, issuedAt) : issuedAt
}

/**
 * Returns the subject: `sub_id`, or the member `subject` of the event, which CAEP and RISC events of
 * earlier drafts contain instead (SSF 1.0 §3.1.1).
 */
function subjectOf(claims: Claims, payload: Claims): SubjectIdentifier | undefined {
  const subject = ownMember(claims, 'sub_id') ?? ownMember(payload, 'subject')
  return isJsonObject(subject) ? subject : undefined
}

const MESSAGES: Partial<Record<Check, string>> = {
  token: 'The security event token is malformed',
  issuer: 'The security event token is from a transmitter that is not trusted here',
  algorithm: 'The security event token is signed with an algorithm that is not allowed',
  type: 'The token is not a security event token',
  claims: 'A claim of the security event token is missing or malformed',
  'issued-at': 'The security event token was issued in the future',
  age: 'The security event token is too old',
  expiry: 'The security event token expired',
  audience: 'The security event token is not meant for this API',
  key: 'The security event token is signed with an unknown key',
  signature: 'The signature of the security event token is invalid',
}

/** Returns the rejection with a message about a security event token instead of an access token. */
export function asSecurityEventRejection({ check, message, reason }: InvalidTokenError): Rejection {
  return new InvalidTokenError(MESSAGES[check] ?? message, reason)
}

/** Returns the rejection of a token of an event that needs a subject but has none. */
export function withoutSubject(): Rejection {
  return rejection('claims', '"sub_id"', 'absent')
}

function rejection(check: Check, expected: string, found: string): Rejection {
  return new InvalidTokenError(MESSAGES[check] as string, { check, expected, found })
}
