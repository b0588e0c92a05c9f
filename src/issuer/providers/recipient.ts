/**
 * Checks the recipient of a token for providers whose session tokens have no `aud`, but whose other
 * tokens have one.
 */
import { ownMember } from '../../base/plain-object.js'
import type { Rejection } from '../../errors/result.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { names } from './claim-values.js'

/**
 * Rejects a token with `aud` if the API has no audience, because the token is an ID token or an
 * access token for another recipient.
 *
 * @param audience the values of the option `audience`; empty with `dangerouslyNoAudience`.
 */
export function checkForOtherRecipient(
  claims: Claims,
  audience: ReadonlySet<string>,
): Rejection | undefined {
  const isForOther = audience.size === 0 && names(ownMember(claims, 'aud')).length > 0
  return isForOther ? notAnAccessToken('no "aud", because "audience" is not set') : undefined
}
