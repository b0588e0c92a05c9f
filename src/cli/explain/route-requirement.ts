/** Reads the requirement of a route from the flags. */
import { compileClaims } from '../../policy/claim-requirement.js'
import type { Requirement } from '../../policy/requirement.js'
import type { Arguments } from '../arguments.js'
import { readClaimFlag } from '../claim-flag.js'
import { UsageError } from '../exit-code.js'

/** The flags of requirements on roles, groups and permissions. */
const MEMBERSHIP_FLAGS = { role: 'roles', group: 'groups', permission: 'permissions' } as const

/**
 * Returns the requirement, with the members whose flags are given. Values for the same claim are
 * alternatives, as in an array in `config.auth.claims`.
 *
 * @throws {UsageError} if `--claim` is malformed. The caller checks the values of the other flags.
 */
export function readRouteRequirement(args: Arguments): Requirement {
  const scope = args.value('scope')
  const memberships = Object.entries(MEMBERSHIP_FLAGS)
    .filter(([flag]) => args.has(flag))
    .map(([flag, key]) => [key, args.values(flag)])
  return {
    ...(scope !== undefined && { scope }),
    ...Object.fromEntries(memberships),
    ...(args.has('claim') && { claims: readClaims(args.values('claim')) }),
  }
}

function readClaims(given: readonly string[]): NonNullable<Requirement['claims']> {
  const accepted = new Map<string, unknown[]>()
  for (const claim of given) {
    const [name, value] = readClaimFlag(claim)
    accepted.set(name, [accepted.get(name) ?? [], value].flat())
  }
  const claims = Object.fromEntries(accepted) as NonNullable<Requirement['claims']>
  try {
    compileClaims(claims)
  } catch {
    throw new UsageError(
      'the value of --claim must be a text, a number (an integer up to 2^53 - 1), true, false, or a list of these, of which one must match',
    )
  }
  return claims
}
