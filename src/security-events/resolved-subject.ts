/** Checks the result of the application's function `resolveSubject`. */
import { isPlainObject, ownMember } from '../base/plain-object.js'
import { isNonEmptyString } from './subject-identifier.js'
import type { RevocationTarget } from './subject-target.js'

/**
 * Returns the user or the session that the function named; `undefined` if it named none.
 *
 * @throws {TypeError} if the result is anything else, or names an issuer whose tokens the
 *   transmitter must not revoke.
 */
export function checkResolvedSubject(
  resolved: unknown,
  tokenIssuers: readonly string[],
): RevocationTarget | undefined {
  if (resolved === undefined || resolved === null) return undefined
  if (!isPlainObject(resolved)) throw invalid('an object with sub or sid, undefined or null')
  const [sub, sid] = [ownMember(resolved, 'sub'), ownMember(resolved, 'sid')]
  const value = sub ?? sid
  if ((sub === undefined) === (sid === undefined) || !isNonEmptyString(value)) {
    throw invalid('either sub or sid, a non-empty string')
  }
  const [only, ...others] = tokenIssuers
  const named = ownMember(resolved, 'issuer')
  const issuer = named === undefined && others.length === 0 ? only : named
  if (!isNonEmptyString(issuer) || !tokenIssuers.includes(issuer)) {
    throw invalid('an issuer that is one of tokenIssuers')
  }
  return sub === undefined ? { issuer, sid: value } : { issuer, sub: value }
}

function invalid(rule: string): TypeError {
  return new TypeError(`the function "securityEvents.resolveSubject" must return ${rule}`)
}
