/** RFC 7519 as most issuers use it, and RFC 9068 where they do. What every other profile is made of. */
import type { SubjectKind } from '../../access-token.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { ResolvedProfile } from './profile.js'

export const standard: ResolvedProfile = {
  name: 'standard',
  requiredClaims: [],
  types: ['at+jwt', 'jwt'],
  typeOptional: true,
  audienceClaims: ['aud'],
  scope: (claims) => scopeTokens(claims.scope ?? claims.scp),
  clientId: (claims) => firstString(claims.client_id, claims.azp),
  roles: (claims) => names(claims.roles),
  groups: (claims) => names(claims.groups),
  permissions: (claims) => names(claims.permissions ?? claims.entitlements),
  subjectKind: (claims) => kindByClient(claims.sub, firstString(claims.client_id, claims.azp)),
}

/**
 * RFC 9068 §2.2: where no user takes part, `sub` names the client. That it differs from the client's
 * id proves nothing: some issuers have further names for a client.
 */
export function kindByClient(sub: unknown, clientId: string | undefined): SubjectKind {
  return clientId !== undefined && sub === clientId ? 'client' : 'unknown'
}
