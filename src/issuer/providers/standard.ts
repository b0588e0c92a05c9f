/**
 * The profile `standard`: RFC 7519 and RFC 9068 as most issuers apply them. Every other profile
 * extends it. And the profile `rfc9068`, which is strict.
 */

import type { SubjectKind } from '../../access-token/access-token.js'
import { actorsOf } from '../../access-token/actor.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'

export const standardProfile: ResolvedProfile = {
  name: 'standard',
  // Own members of every profile: an absent one could be inherited from a polluted prototype.
  audienceHint: undefined,
  checkAccessToken: undefined,
  checkKey: undefined,
  requiredClaims: [],
  types: ['at+jwt', 'jwt'],
  allowMissingTyp: true,
  audienceClaims: ['aud'],
  scope: (claims) => scopeTokens(ownMember(claims, 'scope') ?? ownMember(claims, 'scp')),
  clientId: (claims) => firstString(claims, 'client_id', 'azp'),
  roles: (claims) => names(ownMember(claims, 'roles')),
  groups: (claims) => names(ownMember(claims, 'groups')),
  permissions: (claims) =>
    names(ownMember(claims, 'permissions') ?? ownMember(claims, 'entitlements')),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id', 'azp')),
  actors: actorsOf,
}

export const standard: Provider = {
  name: 'standard',
  profile: () => standardProfile,
  mayOmitAudience: true,
}

/** Requires exactly what RFC 9068 §2.2 and §4 require. */
const rfc9068Profile: ResolvedProfile = {
  ...standardProfile,
  name: 'rfc9068',
  requiredClaims: ['sub', 'client_id', 'iat', 'jti'],
  types: ['at+jwt'],
  allowMissingTyp: false,
  scope: (claims) => {
    const scope = ownMember(claims, 'scope')
    return typeof scope === 'string' ? scopeTokens(scope) : []
  },
  clientId: (claims) => firstString(claims, 'client_id'),
  // RFC 9068 §2.2.3.1 names roles, groups and entitlements; a permission is an entitlement.
  permissions: (claims) => names(ownMember(claims, 'entitlements')),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id')),
}

export const rfc9068: Provider = { name: 'rfc9068', profile: () => rfc9068Profile }

/**
 * RFC 9068 §2.2: `sub` names the client if no user is involved. A `sub` that differs from the
 * client ID does not prove a user: some issuers have further names for a client.
 */
export function kindByClient(claims: Claims, clientId: string | undefined): SubjectKind {
  return clientId !== undefined && ownMember(claims, 'sub') === clientId ? 'client' : 'unknown'
}
