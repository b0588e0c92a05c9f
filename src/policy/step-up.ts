/**
 * Compiles the requirements of step-up authentication (RFC 9470), which reject a token whose user
 * must authenticate more strongly or more recently.
 */

import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { type Bounds, describeBounds, elementsOf, isWholeNumber } from '../base/check.js'
import { describeValue } from '../base/describe-value.js'
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
   * Accepted authentication context classes, in order of preference: one value or a non-empty
   * array. The `acr` of the token must equal one of them, because classes have no order of
   * strength. A token without `acr` is rejected. Default: any class. RFC 9470 §4.
   */
  acr?: string | readonly string[]

  /**
   * Maximum time since the user authenticated (`auth_time`), in whole seconds; `clockTolerance` is
   * added. 1 to 31,536,000. A token without `auth_time` is rejected. Default: no limit. RFC 9470
   * §4.
   */
  maxAge?: number
}

/** The reason why the user must authenticate again, and the requirements on the authentication. */
export interface StepUpFailure {
  readonly message: string
  readonly requirements: AuthenticationRequirements
  readonly reason: Omit<RejectionReason, 'check'>
}

/**
 * Returns a function that checks the claims of a token, and returns `undefined` if they meet the
 * requirements. If there are no requirements, returns `undefined` instead of a function.
 *
 * @throws {TypeError} if a requirement is invalid; the message names the member and the fix.
 */
export function compileStepUp(
  { acr, maxAge }: StepUpRequirement,
  { now, clockTolerance }: Clock,
): ((claims: AccessTokenClaims) => StepUpFailure | undefined) | undefined {
  if (acr === undefined && maxAge === undefined) return undefined
  const acrValues = acr === undefined ? undefined : readAcr(acr)
  if (maxAge !== undefined && !isWholeNumber(maxAge, MAX_AGE)) {
    throw new TypeError(`"maxAge" ${describeBounds(MAX_AGE)}, not ${describeValue(maxAge)}`)
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
    // The comparisons below are false for NaN, so that an invalid time or clock fails the check.
    const age = now() - (typeof time === 'number' ? time : Number.NaN)
    if (age <= maxAge + clockTolerance && age >= -clockTolerance) return undefined
    const expected = `"auth_time" at most ${maxAge} seconds ago`
    return { message: RECENT, requirements, reason: { expected, found: foundTime(time) } }
  }
}

/**
 * Returns `auth_time` as text if it is a number; otherwise only its type, because the value may be
 * confidential.
 */
function foundTime(time: unknown): string {
  return typeof time === 'number' ? describe(time) : typeof time
}

/**
 * @param scope the required scope, space-delimited, if the token lacks it: the client requests it
 *   in the same sign-in. Empty if the token has the scope.
 */
export function insufficientAuthentication(
  { message, requirements, reason }: StepUpFailure,
  scope: string,
): InsufficientUserAuthenticationError {
  return new InsufficientUserAuthenticationError(message, { ...requirements, scope }, reason)
}

const MAX_AGE: Bounds = { minimum: 1, maximum: 31_536_000, unit: 'seconds' }

const LEVEL = 'A different authentication level is required'
const RECENT = 'More recent authentication is required'

/**
 * Returns the `acr` values as an array. A challenge header lists them space-delimited, so none may
 * contain a space, a quotation mark or a backslash.
 *
 * @throws {TypeError} if a value contains such a character, or if there are no values.
 */
function readAcr(acr: string | readonly string[]): readonly string[] {
  const values: readonly unknown[] = elementsOf(acr) ?? [acr]
  const areValid = values.every(isScopeToken)
  if (areValid && values.length > 0) return Object.freeze([...(values as string[])])
  throw new TypeError(
    '"acr" must be an acr value, or a non-empty array of acr values, each of printable ASCII ' +
      'without spaces, quotation marks or backslashes',
  )
}

/** The clock with which a policy compares `auth_time`. */
export interface Clock {
  /** Returns the current time, in seconds since the epoch. */
  readonly now: () => number
  /** Tolerated difference between the clocks of the issuer and this instance, in seconds. */
  readonly clockTolerance: number
}
