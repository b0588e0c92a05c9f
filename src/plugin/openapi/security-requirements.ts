/** Derives the Security Requirement Objects (OpenAPI) of a route: what its guard accepts. */
import type { ResolvedBindingRequirement } from '../../binding/presentation.js'
import type { RequiredScope } from '../../policy/scope-requirement.js'
import type { RouteGuard } from '../route-guard.js'
import type { NamedSchemes, Proof } from './security-schemes.js'

/** Scopes by scheme name. All schemes must be satisfied. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>

/** Returns the alternatives, one of which must be satisfied; `{}` stands for no token at all. */
export function securityRequirements(
  { policy, binding, optional }: Pick<RouteGuard, 'policy' | 'binding' | 'optional'>,
  { issuers, supportsProof }: NamedSchemes,
): readonly SecurityRequirement[] {
  const requirements: SecurityRequirement[] = optional ? [{}] : []
  for (const scope of scopeAlternatives(policy.scope.fixed)) {
    for (const proofs of proofAlternatives(binding, supportsProof)) {
      for (const { name, listsScope, isHttp } of issuers) {
        const listed = listsScope ? scope : []
        // A request has only one Authorization header, which has the scheme DPoP here.
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

/** Returns the combinations of proofs; plain bearer tokens first, if the route accepts them. */
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
