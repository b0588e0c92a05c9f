/**
 * Defines two profiles for issuers without a provider of their own. `standard` accepts access
 * tokens as most issuers write them (RFC 7519, RFC 9068), and all other profiles start from it.
 * `rfc9068` accepts only tokens that follow RFC 9068.
 */

import { actorsOf } from '../../access-token/actor.js'
import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString, names, scopeTokens, sessionIn } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'

export const standardProfile: ResolvedProfile = {
  name: 'standard',
  // Set explicitly: an absent member could be inherited from a polluted Object.prototype.
  audienceHint: undefined,
  allowsIdTokenClaims: false,
  checkAccessToken: undefined,
  checkKey: undefined,
  scopeHint: undefined,
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
  ...sessionIn('sid'),
  idTokenSubject: () => undefined,
  actors: actorsOf,
}

export const standard: Provider = {
  name: 'standard',
  profile: () => standardProfile,
  mayOmitAudience: true,
}

/** Requires the token type and the claims that RFC 9068 §2.2 and §4 require. */
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
  scopeHint: (claims) =>
    Array.isArray(ownMember(claims, 'scope'))
      ? '"scope" must be a string, found an array: have the issuer write a string, or set "profile" to standard'
      : undefined,
  clientId: (claims) => firstString(claims, 'client_id'),
  // RFC 9068 §2.2.3.1 names roles, groups and entitlements; a permission is an entitlement.
  permissions: (claims) => names(ownMember(claims, 'entitlements')),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id')),
}

export const rfc9068: Provider = { name: 'rfc9068', profile: () => rfc9068Profile }

/**
 * Returns `client` if `sub` is the client ID, as RFC 9068 §2.2 requires if no user is involved.
 * Otherwise returns `unknown`, because some issuers use another `sub` for a client.
 */
export function kindByClient(claims: Claims, clientId: string | undefined): SubjectKind {
  return clientId !== undefined && ownMember(claims, 'sub') === clientId ? 'client' : 'unknown'
}
