import type { IssuedToken } from '../tokens/issued-tokens.js'

/** The members of an introspection response (RFC 7662 §2.2) by their names. */
export type IntrospectionMembers = { readonly [name: string]: unknown }

/** What is said of every token that is not active: nothing else (RFC 7662 §2.2). */
export const inactive: IntrospectionMembers = { active: false }

/**
 * What is said of an active token: its claims, with scope and client under the names of RFC 7662
 * §2.2. Those of Okta don't stand beside them, as they don't in Okta's own answers.
 */
export function introspectionResponse(issued: IssuedToken): IntrospectionMembers {
  const { scp, cid, ...claims } = issued.claims
  const { clientId, username } = issued
  return {
    ...(scp !== undefined && { scope: [scp].flat().join(' ') }),
    ...(username !== undefined && { username }),
    ...claims,
    active: true,
    client_id: clientId,
    token_type: isBoundToKey(claims.cnf) ? 'DPoP' : 'Bearer',
  }
}

/** RFC 9449 §6.2. */
function isBoundToKey(confirmation: unknown): boolean {
  return typeof confirmation === 'object' && confirmation !== null && 'jkt' in confirmation
}
