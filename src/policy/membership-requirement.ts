/** Compiles the requirements on the roles, groups and permissions of the subject. */

import type { AccessToken } from '../access-token/access-token.js'
import { elementsOf, isText } from '../base/check.js'
import { describeElements } from '../base/describe-value.js'

/**
 * Requirements on the members {@link AccessToken.roles}, {@link AccessToken.groups} and {@link
 * AccessToken.permissions} of a token, which the issuer's profile reads. Names are compared exactly,
 * with case.
 */
export interface MembershipRequirement {
  /** A role, or a non-empty array of roles, all of which the subject must have. */
  roles?: string | readonly string[]

  /** A non-empty array of roles, of which the subject must have at least one. */
  anyRole?: readonly string[]

  /** A group, or a non-empty array of groups, to all of which the subject must belong. */
  groups?: string | readonly string[]

  /** A non-empty array of groups, to at least one of which the subject must belong. */
  anyGroup?: readonly string[]

  /** A permission, or a non-empty array of permissions, all of which the subject must have. */
  permissions?: string | readonly string[]

  /** A non-empty array of permissions, of which the subject must have at least one. */
  anyPermission?: readonly string[]
}

export const MEMBERSHIP_KEYS = [
  'roles',
  'anyRole',
  'groups',
  'anyGroup',
  'permissions',
  'anyPermission',
] as const satisfies readonly (keyof MembershipRequirement)[]

type MembershipKind = 'roles' | 'groups' | 'permissions'

/** The member of a token that each requirement is about. */
const KINDS: Readonly<Record<(typeof MEMBERSHIP_KEYS)[number], MembershipKind>> = {
  roles: 'roles',
  anyRole: 'roles',
  groups: 'groups',
  anyGroup: 'groups',
  permissions: 'permissions',
  anyPermission: 'permissions',
}

export interface CompiledMembership {
  /** What the token must have, as text for the log, such as `the role "admin"`. */
  readonly expected: string
  readonly holds: (token: AccessToken) => boolean
}

/** @throws {TypeError} if a requirement is invalid; the message names the member and the fix. */
export function compileMemberships(
  requirement: MembershipRequirement,
): readonly CompiledMembership[] {
  return MEMBERSHIP_KEYS.filter((key) => requirement[key] !== undefined).map((key) => {
    const kind = KINDS[key]
    const isAny = key !== kind
    const names = readNames(key, requirement[key], isAny)
    return {
      expected: describe(kind, names, isAny),
      holds: isAny
        ? (token) => names.some((name) => token[kind].has(name))
        : (token) => names.every((name) => token[kind].has(name)),
    }
  })
}

function readNames(key: string, value: unknown, isAny: boolean): readonly string[] {
  const names = elementsOf(value) ?? (isAny ? [] : [value])
  if (names.length > 0 && names.every(isText)) return names
  const rule = isAny
    ? 'must be a non-empty array of non-empty strings'
    : 'must be a non-empty string, or a non-empty array of such strings'
  throw new TypeError(`"${key}" ${rule}, not ${describeElements(value, isText)}`)
}

function describe(kind: MembershipKind, names: readonly string[], isAny: boolean): string {
  const quoted = names.map((name) => `"${name}"`)
  if (quoted.length === 1) return `the ${kind.slice(0, -1)} ${quoted[0]}`
  return `${isAny ? 'one of' : 'all of'} the ${kind} ${quoted.join(', ')}`
}
