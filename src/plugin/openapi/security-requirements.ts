/** Derives the Security Requirement Objects (OpenAPI) of a route from its guard. */
import type { ResolvedBindingRequirement } from '../../binding/presentation.js'
import type { RequiredScope } from '../../policy/scope-requirement.js'
import type { RouteGuard } from '../route-guard.js'
import type { NamedSchemes, Proof } from './security-schemes.js'

/** The required scopes by scheme name. A request must satisfy all schemes. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>

/**
 * Returns the alternatives, of which a request must satisfy one. On an optional route, the first
 * alternative is `{}`, which a request without a token satisfies.
 */
export function securityRequirements(
  { policy, binding, optional }: Pick<RouteGuard, 'policy' | 'binding' | 'optional'>,
  { issuers, supportsProof }: NamedSchemes,
): readonly SecurityRequirement[] {
  const requirements: SecurityRequirement[] = optional ? [{}] : []
  for (const scope of scopeAlternatives(policy.scope.fixed)) {
    for (const proofs of proofAlternatives(binding, supportsProof)) {
      for (const { name, listsScope, isHttp } of issuers) {
        const listed = listsScope ? scope : []
        // A request has one Authorization header. With the scheme DPoP, it cannot have another
        // `http` scheme as well.
        const issuer = isHttp && proofs.includes('dpop') ? {} : { [name]: listed }
        requirements.push({ ...issuer, ...Object.fromEntries(proofs.map((proof) => [proof, []])) })
      }
    }
  }
  return distinct(requirements)
}

function scopeAlternatives({ allOf, anyOf }: RequiredScope) {
  if (anyOf.length === 0) return [[...allOf]]
  return anyOf.map((token) => [...new Set([...allOf, token])])
}

/**
 * Returns the accepted combinations of proofs; the empty combination is first if it is accepted.
 */
function proofAlternatives(
  { dpop, mtls }: ResolvedBindingRequirement,
  supportsProof: (proof: Proof) => boolean,
): readonly (readonly Proof[])[] {
  const alternatives = (proof: Proof, mode: ResolvedBindingRequirement['dpop']): Proof[][] => {
    if (mode === 'off' || !supportsProof(proof)) return [[]]
    return mode === 'required' ? [[proof]] : [[], [proof]]
  }
  return alternatives('dpop', dpop).flatMap((first) =>
    alternatives('mutualTLS', mtls).map((second) => [...first, ...second]),
  )
}

function distinct(requirements: readonly SecurityRequirement[]): readonly SecurityRequirement[] {
  return [...new Map(requirements.map((item) => [JSON.stringify(item), item])).values()]
}
