/**
 * Finds out which tokens an event revokes. A subject that names no session or user of a token issuer
 * revokes nothing, and a complex subject never revokes more than it describes.
 */
import { ownMember } from '../base/plain-object.js'
import {
  hasOtherMembers,
  isComplex,
  isNonEmptyString,
  memberOf,
  type SubjectIdentifier,
} from './subject-identifier.js'

/** The tokens that an event revokes: those of a session or a user, or one token. */
export type RevocationTarget =
  | { readonly issuer: string; readonly sid: string }
  | { readonly issuer: string; readonly sub: string }
  | { readonly issuer: string; readonly jti: string }

export interface TargetRules {
  /** The issuers of whose tokens the transmitter may revoke some. */
  readonly tokenIssuers: readonly string[]
  /** Which member of a complex subject with a session and a user counts. */
  readonly revokes: 'session' | 'user'
}

/**
 * Returns what the subject names; `undefined` if it names nothing that can be revoked.
 *
 * @param concernsUser whether the event concerns the user, whatever session is named.
 */
export function targetOf(
  subject: SubjectIdentifier,
  concernsUser: boolean,
  rules: TargetRules,
): RevocationTarget | undefined {
  if (!isComplex(subject)) return userOf(subject, rules) ?? tokenOf(subject, rules)
  const [user, session] = [memberOf(subject, 'user'), memberOf(subject, 'session')]
  const namedUser = user && userOf(user, rules)
  if (concernsUser || rules.revokes === 'user') {
    return user === undefined ? sessionOf(session, namedUser, rules) : namedUser
  }
  if (Object.hasOwn(subject, 'session')) return sessionOf(session, namedUser, rules)
  // Another member narrows the event to some sessions of the user, which tokens do not tell apart.
  return hasOtherMembers(subject, ['user']) ? undefined : namedUser
}

function userOf(subject: SubjectIdentifier, rules: TargetRules): RevocationTarget | undefined {
  return ofFormat(subject, 'iss_sub', 'sub', rules, (issuer, sub) => ({ issuer, sub }))
}

function tokenOf(subject: SubjectIdentifier, rules: TargetRules): RevocationTarget | undefined {
  return ofFormat(subject, 'jwt_id', 'jti', rules, (issuer, jti) => ({ issuer, jti }))
}

/** An opaque session ID belongs to the issuer of the user, or to the only token issuer. */
function sessionOf(
  session: SubjectIdentifier | undefined,
  user: RevocationTarget | undefined,
  rules: TargetRules,
): RevocationTarget | undefined {
  if (session === undefined) return undefined
  const named = ofFormat(session, 'iss_sub', 'sub', rules, (issuer, sid) => ({ issuer, sid }))
  if (named !== undefined) return named
  const [only, ...others] = rules.tokenIssuers
  const issuer = user?.issuer ?? (others.length === 0 ? only : undefined)
  const sid = ownMember(session, 'id')
  const isOpaque = ownMember(session, 'format') === 'opaque'
  return isOpaque && issuer !== undefined && isNonEmptyString(sid) ? { issuer, sid } : undefined
}

function ofFormat(
  subject: SubjectIdentifier,
  format: string,
  member: string,
  { tokenIssuers }: TargetRules,
  create: (issuer: string, value: string) => RevocationTarget,
): RevocationTarget | undefined {
  if (ownMember(subject, 'format') !== format) return undefined
  const [issuer, value] = [ownMember(subject, 'iss'), ownMember(subject, member)]
  const isTrusted = isNonEmptyString(issuer) && tokenIssuers.includes(issuer)
  return isTrusted && isNonEmptyString(value) ? create(issuer, value) : undefined
}
