/** Advises on required roles, groups, permissions and claims that a token lacks. */
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { Issuer } from '../../issuer/issuer.js'
import { type CompiledClaim, claimAt, compileClaims } from '../../policy/claim-requirement.js'
import type { Requirement } from '../../policy/requirement.js'
import type { Claims } from '../../token/compact-jws.js'
import { jsonTypeName } from '../json-type-name.js'
import { shellQuote } from '../shell-quote.js'

const MEMBERSHIPS = ['roles', 'groups', 'permissions'] as const

/** @param requirement a requirement of {@link readRouteRequirement} that the claims do not meet. */
export function policyAdvice(claims: Claims, profile: Issuer['profile'], requirement: Requirement) {
  for (const kind of MEMBERSHIPS) {
    const held = profile[kind](claims as AccessTokenClaims)
    const lacking = valuesOf(requirement[kind]).filter((name) => !held.includes(`${name}`))
    if (lacking.length > 0) return membershipAdvice(kind, held, lacking, profile.name)
  }
  const required = requirement.claims as NonNullable<Requirement['claims']>
  const unmet = compileClaims(required).find(({ holds }) => !holds(claims as AccessTokenClaims))
  const { name } = unmet as CompiledClaim
  return claimAdvice(name, claimAt(claims, name), valuesOf(required[name]))
}

function valuesOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function membershipAdvice(
  kind: (typeof MEMBERSHIPS)[number],
  held: readonly string[],
  lacking: readonly unknown[],
  profile: string,
): string {
  const has =
    held.length === 0
      ? `The profile ${profile} finds no ${kind} in the token.`
      : `The token has the ${kind} ${listed(held, 'and')}.`
  const isOtherCase = lacking.some((name) =>
    held.some((other) => other.toLowerCase() === `${name}`.toLowerCase()),
  )
  if (isOtherCase) return `${has} Names are compared with case: use the spelling of the issuer.`
  return `${has} Have the issuer give the user ${listed(lacking, 'and')} and put the ${kind} into access tokens. If another claim has them, require that claim (--claim) or choose another --profile.`
}

function claimAdvice(name: string, found: unknown, accepted: readonly unknown[]): string {
  if (found === undefined) {
    return `The token has no claim "${name}". Have the issuer put it into access tokens. If the claim is in an object, name it by its path, such as realm_access.roles.`
  }
  if (accepted.some((value) => String(value) === String(found))) {
    return `"${name}" is ${jsonTypeName(found)} in the token, and the required value is ${jsonTypeName(accepted[0])}. Require a value of the same type, here and in the API: --claim ${shellQuote(`${name}=${JSON.stringify(found)}`)}`
  }
  const must = Array.isArray(found) ? 'contain' : 'be'
  return `"${name}" is ${JSON.stringify(found)} in the token, and must ${must} ${listed(accepted, 'or')}. Use a token of another user, or correct the claim at the issuer.`
}

function listed(values: readonly unknown[], word: 'and' | 'or'): string {
  return values.map((value) => JSON.stringify(value)).join(` ${word} `)
}
