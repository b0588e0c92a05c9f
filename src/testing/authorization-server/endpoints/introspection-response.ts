import type { IssuedToken } from '../tokens/issued-tokens.js'

/** The members of an introspection response (RFC 7662 §2.2), keyed by their names. */
export type IntrospectionMembers = { readonly [name: string]: unknown }

/** The response for every inactive token. It has no other members (RFC 7662 §2.2). */
export const INACTIVE: IntrospectionMembers = { active: false }

/**
 * Returns the response for an active token. It contains the claims of the token, but the scope and
 * the client have the member names of RFC 7662 §2.2 instead of Okta's claim names `scp` and `cid`,
 * as in Okta's own responses.
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

/** Whether the `cnf` of a token binds it to a DPoP key (RFC 9449 §6.2). */
function isBoundToKey(confirmation: unknown): boolean {
  return typeof confirmation === 'object' && confirmation !== null && 'jkt' in confirmation
}
