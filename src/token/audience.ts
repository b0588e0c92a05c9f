/**
 * Checks that a token is meant for this API (RFC 7519 §4.1.3, RFC 8707). The options
 * `dangerouslyAudienceFrom` and `dangerouslyNoAudience` replace the comparison of `aud`.
 */
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError } from '../errors/errors.js'
import { LazyReason } from '../errors/rejection-reason.js'
import type { Rejection } from '../errors/result.js'
import type { Claims } from './compact-jws.js'

/** The claims that contain the audience in access tokens of an issuer. */
export interface AudienceLocation {
  /** Claims that may contain the audience. The first of them that a token has is checked. */
  readonly audienceClaims: readonly [string, ...string[]]
  /** Advice for the operator, added to the expected audience if a token has another one. */
  readonly audienceHint?: string | undefined
}

/** The audience that a token must have, or the claims that replace it. */
export interface ExpectedAudience {
  /** Accepted audiences; empty if no audience is compared. */
  readonly audience: ReadonlySet<string>
  /**
   * The option `dangerouslyNoAudience`: claims that a token must have instead of an audience, each
   * with its accepted values. Empty if no claim is required; `undefined` if the audience is
   * compared. Must always be set, because a value that is inherited from a polluted
   * `Object.prototype` would replace the check of the audience.
   */
  readonly claimsInsteadOfAudience: ReadonlyMap<string, ReadonlySet<string>> | undefined
}

/**
 * Checks that the token has an expected audience, or the claims that replace it.
 *
 * @returns an `InvalidTokenError` if the token is for another recipient, or if its `aud` is
 *   malformed; otherwise `undefined`.
 */
export function checkAudience(
  claims: Claims,
  expectations: AudienceLocation & ExpectedAudience,
): Rejection | undefined {
  const { audience, audienceClaims, audienceHint, claimsInsteadOfAudience } = expectations
  if (claimsInsteadOfAudience !== undefined) return checkReplacing(claims, claimsInsteadOfAudience)
  const name = audienceClaims.find((claim) => Object.hasOwn(claims, claim)) ?? audienceClaims[0]
  const claim = ownMember(claims, name)
  // Only "aud" may be an array: the other audience claims name the one client of the token.
  const found = name === 'aud' || typeof claim === 'string' ? valuesOf(claim) : undefined
  const isForThisApi = found?.some((value) => audience.has(value)) === true
  // A malformed "aud" is rejected even if another claim contains the audience.
  if (isForThisApi && isAudienceOrAbsent(claims)) return undefined
  const where = audienceClaims.includes('aud') ? '' : ` in "${audienceClaims}"`
  const hint = audienceHint === undefined ? '' : ` (${audienceHint})`
  return notForThisApi(`${[...audience].join(' or ')}${where}${hint}`, claim)
}

/** Checks the claims that replace the audience. The value of a claim may be an array. */
function checkReplacing(
  claims: Claims,
  required: ReadonlyMap<string, ReadonlySet<string>>,
): Rejection | undefined {
  if (!isAudienceOrAbsent(claims)) {
    return notForThisApi('"aud": a string or an array of strings', ownMember(claims, 'aud'))
  }
  for (const [name, accepted] of required) {
    const claim = ownMember(claims, name)
    if (valuesOf(claim)?.some((value) => accepted.has(value)) !== true) {
      return notForThisApi(`"${name}": ${[...accepted].join(' or ')}`, claim)
    }
  }
  return undefined
}

function isAudienceOrAbsent(claims: Claims): boolean {
  const aud = ownMember(claims, 'aud')
  return aud === undefined || valuesOf(aud) !== undefined
}

/** Returns the value or values of a claim; `undefined` if one of them is not a string. */
function valuesOf(claim: unknown): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  return values.every((value) => typeof value === 'string') ? (values as string[]) : undefined
}

function notForThisApi(expected: string, found: unknown): Rejection {
  return new InvalidTokenError(
    'The access token is not meant for this resource',
    new LazyReason('audience', expected, found),
  )
}
