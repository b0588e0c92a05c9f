/**
 * Checks subject identifiers in security event tokens (RFC 9493 §3, SSF 1.0 §3). Other modules find
 * the tokens of a subject.
 */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { jsonTypeOf } from '../errors/rejection-reason.js'

/**
 * A subject identifier, as the transmitter sent it, deeply frozen. `format` names the other members
 * (RFC 9493 §3.2); a complex subject contains subject identifiers, such as `user` and `session`
 * (SSF 1.0 §3.3).
 */
export type SubjectIdentifier = Readonly<Record<string, unknown>>

/** The string members that each format requires (RFC 9493 §3.2; SSF 1.0 §3.5 for `jwt_id`). */
const MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['account', ['uri']],
  ['did', ['url']],
  ['email', ['email']],
  ['iss_sub', ['iss', 'sub']],
  ['jwt_id', ['iss', 'jti']],
  ['opaque', ['id']],
  ['phone_number', ['phone_number']],
  ['uri', ['uri']],
])

/** The members of a complex subject (SSF 1.0 §3.3). */
const COMPLEX_MEMBERS = [
  'user',
  'session',
  'device',
  'application',
  'tenant',
  'org_unit',
  'group',
] as const

/**
 * Whether the subject is complex. Transmitters that implement earlier drafts, such as Okta, send
 * complex subjects without `format`.
 */
export function isComplex(subject: SubjectIdentifier): boolean {
  const format = ownMember(subject, 'format')
  if (format !== undefined) return format === 'complex'
  return COMPLEX_MEMBERS.some((name) => isJsonObject(ownMember(subject, name)))
}

/** Returns the subject identifier of a complex subject's member; `undefined` if there is none. */
export function memberOf(
  subject: SubjectIdentifier,
  name: (typeof COMPLEX_MEMBERS)[number],
): SubjectIdentifier | undefined {
  const member = ownMember(subject, name)
  return isJsonObject(member) ? member : undefined
}

/** Whether a complex subject has other members than `format` and these. */
export function hasOtherMembers(subject: SubjectIdentifier, known: readonly string[]): boolean {
  return Object.keys(subject).some((name) => name !== 'format' && !known.includes(name))
}

/** What is wrong with a subject identifier. */
export interface SubjectFault {
  readonly expected: string
  readonly found: string
}

/**
 * Returns what is wrong with the claim `sub_id`; `undefined` if it is well-formed. The members of
 * unknown formats are not checked, because transmitter and application may agree on a format.
 */
export function faultOfSubject(value: unknown): SubjectFault | undefined {
  if (!isJsonObject(value)) return { expected: 'a JSON object', found: jsonTypeOf(value) }
  const format = ownMember(value, 'format')
  if (typeof format !== 'string' || format === '') {
    return { expected: '"format": a non-empty string', found: jsonTypeOf(format) }
  }
  if (format === 'complex') return faultOfMembers(value)
  return faultOfSimple(value, format)
}

function faultOfSimple(subject: SubjectIdentifier, format: string): SubjectFault | undefined {
  const missing = MEMBERS.get(format)?.find((name) => !isNonEmptyString(ownMember(subject, name)))
  if (missing === undefined) return undefined
  return {
    expected: `"${missing}": a non-empty string`,
    found: jsonTypeOf(ownMember(subject, missing)),
  }
}

function faultOfMembers(subject: SubjectIdentifier): SubjectFault | undefined {
  for (const name of COMPLEX_MEMBERS) {
    if (!Object.hasOwn(subject, name)) continue
    const fault = faultOfSubject(subject[name])
    if (fault !== undefined) return { ...fault, expected: `"${name}" with ${fault.expected}` }
  }
  return undefined
}

export function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
