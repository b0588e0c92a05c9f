/**
 * Step-up authentication (RFC 9470): a resource that asks for a stronger or a more recent sign-in
 * than the one that the token came of.
 */
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { ownMember } from '../base/plain-object.js'
import { isScopeToken } from '../errors/challenge.js'
import type { AuthenticationRequirements } from '../errors/errors.js'
import { describe, type RejectionReason } from '../errors/rejection-reason.js'

/** The sign-in that a route asks for (RFC 9470). */
export interface StepUpRequirement {
  /**
   * Authentication contexts of which the token's `acr` must be one, exactly, the preferred one
   * first: there is no order of strength among them. A token without `acr` fails. RFC 9470 §4.
   */
  acr?: string | readonly string[]

  /**
   * The longest time since the user authenticated (`auth_time`), in seconds, give or take
   * `clockTolerance`. A token without `auth_time` fails. From 1 to 31,536,000. RFC 9470 §4.
   */
  maxAge?: number
}

/** Why the user must authenticate again, and what would do. */
export interface Weakness {
  readonly message: string
  readonly demand: AuthenticationRequirements
  readonly reason: Omit<RejectionReason, 'check'>
}

/** @throws {TypeError} that names the part of the requirement and the mend. */
export function compileStepUp(
  { acr, maxAge }: StepUpRequirement,
  { now, clockTolerance }: Clock,
): ((claims: AccessTokenClaims) => Weakness | undefined) | undefined {
  if (acr === undefined && maxAge === undefined) return undefined
  const acrValues = acr === undefined ? undefined : readAcr(acr)
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 1 && maxAge <= 31_536_000)) {
    throw new TypeError('"maxAge" must be a whole number of seconds from 1 to 31536000')
  }
  const demand = { acrValues, maxAge }
  return (claims) => {
    const [acr, time] = [ownMember(claims, 'acr'), ownMember(claims, 'auth_time')]
    if (acrValues !== undefined && !acrValues.some((value) => value === acr)) {
      return { message: LEVEL, demand, reason: { expected: `"acr": ${acrValues.join(' or ')}` } }
    }
    if (maxAge === undefined) return undefined
    // Written so that a clock that tells no time, and a time that is none, refuse.
    const age = now() - (typeof time === 'number' ? time : Number.NaN)
    if (age <= maxAge + clockTolerance && age >= -clockTolerance) return undefined
    const expected = `"auth_time" at most ${maxAge} seconds ago`
    return { message: RECENT, demand, reason: { expected, found: foundTime(time) } }
  }
}

/** A time may be shown, whatever else stands there may not. */
function foundTime(time: unknown): string {
  return typeof time === 'number' ? describe(time) : typeof time
}

const LEVEL = 'A different level of user authentication is required here'
const RECENT = 'A more recent user authentication is required here'

/** What stands here goes into a header, delimited by spaces. */
function readAcr(acr: string | readonly string[]): readonly string[] {
  const values: readonly unknown[] = Array.isArray(acr) ? acr : [acr]
  const good = values.every(isScopeToken)
  if (good && values.length > 0) return Object.freeze([...(values as string[])])
  throw new TypeError(
    '"acr" must be one or more values of the claim, in an array if several: printable ASCII ' +
      'without space, quotation mark and backslash',
  )
}

/** The time by which a policy judges. */
export interface Clock {
  /** Seconds since the epoch. */
  readonly now: () => number
  /** How far the issuer's clock and ours may be apart, in seconds. */
  readonly clockTolerance: number
}
