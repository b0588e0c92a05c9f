/**
 * Step-up authentication (RFC 9470): rejects a token whose user must authenticate more strongly or
 * more recently.
 */
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { ownMember } from '../base/plain-object.js'
import {
  type AuthenticationRequirements,
  InsufficientUserAuthenticationError,
} from '../errors/errors.js'
import { describe, type RejectionReason } from '../errors/rejection-reason.js'
import { isScopeToken } from '../errors/www-authenticate.js'

/**
 * Requirements on the authentication of the user (RFC 9470).
 *
 * @example
 * ```ts
 * app.post('/transfers', { config: { auth: { acr: 'urn:example:mfa', maxAge: 300 } } }, handler)
 * ```
 */
export interface StepUpRequirement {
  /**
   * Accepted authentication context classes, in order of preference: `acr` of the token must equal
   * one of them, as they have no order of strength. A token without `acr` is rejected. RFC 9470 §4.
   */
  acr?: string | readonly string[]

  /**
   * Maximum time since the user authenticated (`auth_time`), in whole seconds, within
   * `clockTolerance`; 1 to 31,536,000. A token without `auth_time` is rejected. RFC 9470 §4.
   */
  maxAge?: number
}

/** Why the user must authenticate again, and the requirements for it. */
export interface StepUpFailure {
  readonly message: string
  readonly requirements: AuthenticationRequirements
  readonly reason: Omit<RejectionReason, 'check'>
}

/** @throws {TypeError} if a requirement is invalid; the message names the member and the fix. */
export function compileStepUp(
  { acr, maxAge }: StepUpRequirement,
  { now, clockTolerance }: Clock,
): ((claims: AccessTokenClaims) => StepUpFailure | undefined) | undefined {
  if (acr === undefined && maxAge === undefined) return undefined
  const acrValues = acr === undefined ? undefined : readAcr(acr)
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 1 && maxAge <= 31_536_000)) {
    throw new TypeError('"maxAge" must be a whole number of seconds from 1 to 31536000')
  }
  const requirements = { acrValues, maxAge }
  return (claims) => {
    const [acr, time] = [ownMember(claims, 'acr'), ownMember(claims, 'auth_time')]
    if (acrValues !== undefined && !acrValues.some((value) => value === acr)) {
      return {
        message: LEVEL,
        requirements,
        reason: { expected: `"acr": ${acrValues.join(' or ')}` },
      }
    }
    if (maxAge === undefined) return undefined
    // Written so that NaN, from the clock or for an invalid time, fails the check.
    const age = now() - (typeof time === 'number' ? time : Number.NaN)
    if (age <= maxAge + clockTolerance && age >= -clockTolerance) return undefined
    const expected = `"auth_time" at most ${maxAge} seconds ago`
    return { message: RECENT, requirements, reason: { expected, found: foundTime(time) } }
  }
}

/** Describes `auth_time` if it is a number; another value may be confidential. */
function foundTime(time: unknown): string {
  return typeof time === 'number' ? describe(time) : typeof time
}

/** @param scope to request as well, space-delimited; empty if the token has it. */
export function insufficientAuthentication(
  { message, requirements, reason }: StepUpFailure,
  scope: string,
): InsufficientUserAuthenticationError {
  return new InsufficientUserAuthenticationError(message, { ...requirements, scope }, reason)
}

const LEVEL = 'A different authentication level is required'
const RECENT = 'More recent authentication is required'

/** Checks `acr` values, which are written into a header, delimited by spaces. */
function readAcr(acr: string | readonly string[]): readonly string[] {
  const values: readonly unknown[] = Array.isArray(acr) ? acr : [acr]
  const areValid = values.every(isScopeToken)
  if (areValid && values.length > 0) return Object.freeze([...(values as string[])])
  throw new TypeError(
    '"acr" must be a value of the claim or a non-empty array of them: printable ASCII without ' +
      'spaces, quotation marks and backslashes',
  )
}

/** The clock of a policy. */
export interface Clock {
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Tolerated difference between the clocks of the issuer and this instance, in seconds. */
  readonly clockTolerance: number
}
