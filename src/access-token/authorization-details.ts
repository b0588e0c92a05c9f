/** Reads the authorization details of a token (RFC 9396): structured permissions of its client. */
import { isJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'

/**
 * An element of `authorization_details`: it states what the client may do with one type of
 * resource. Its `type` defines which members it has and what an absent member means (RFC 9396
 * §2.1), so grant only what the element states.
 *
 * @typeParam Members the members that the type defines in addition to the common ones.
 */
export type AuthorizationDetail<Members extends object = Readonly<Record<string, unknown>>> = {
  /** Identifier of the type, which defines the other members. RFC 9396 §2.1. */
  readonly type: string
  /** URLs of the resources or resource servers. RFC 9396 §2.2. */
  readonly locations?: readonly string[]
  /** Kinds of actions, such as `read`. RFC 9396 §2.2. */
  readonly actions?: readonly string[]
  /** Kinds of data, such as `contacts`. RFC 9396 §2.2. */
  readonly datatypes?: readonly string[]
  /** Identifier of one resource. RFC 9396 §2.2. */
  readonly identifier?: string
  /** Types or levels of privilege. RFC 9396 §2.2. */
  readonly privileges?: readonly string[]
} & Members

/** The common members that are arrays of strings (RFC 9396 §2.2). */
export const LIST_MEMBERS = ['locations', 'actions', 'datatypes', 'privileges'] as const

/**
 * Returns the well-formed elements of the claim `authorization_details`; an empty array if there
 * are none. Leaves out an element without a `type`, or with a common member of the wrong JSON type,
 * because a malformed element may not mean what its other members state.
 */
export function readAuthorizationDetails(claim: unknown): readonly AuthorizationDetail[] {
  return Array.isArray(claim) ? claim.filter(isAuthorizationDetail) : []
}

function isAuthorizationDetail(value: unknown): value is AuthorizationDetail {
  if (!isJsonObject(value)) return false
  const [type, identifier] = [ownMember(value, 'type'), ownMember(value, 'identifier')]
  return (
    typeof type === 'string' &&
    (identifier === undefined || typeof identifier === 'string') &&
    LIST_MEMBERS.every((member) => isStringListOrAbsent(ownMember(value, member)))
  )
}

function isStringListOrAbsent(value: unknown): boolean {
  if (value === undefined) return true
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
