import type { IssuedToken } from '../tokens/issued-tokens.js'

/** The members of an introspection response (RFC 7662 §2.2) by their names. */
export type IntrospectionMembers = { readonly [name: string]: unknown }

/** The response for every token that is not active: no other member (RFC 7662 §2.2). */
export const INACTIVE: IntrospectionMembers = { active: false }

/**
 * Returns the response for an active token: its claims, with scope and client under the names of
 * RFC 7662 §2.2. Okta's own claim names are left out, as in Okta's responses.
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
