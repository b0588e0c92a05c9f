/** RFC 9068 §2.2 and §4 to the letter. */
import { ownMember } from '../../base/plain-object.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { ResolvedProfile } from './profile.js'
import { kindByClient, standard } from './standard.js'

export const rfc9068: ResolvedProfile = {
  ...standard,
  name: 'rfc9068',
  requiredClaims: ['sub', 'client_id', 'iat', 'jti'],
  types: ['at+jwt'],
  typeOptional: false,
  scope: (claims) => {
    const scope = ownMember(claims, 'scope')
    return typeof scope === 'string' ? scopeTokens(scope) : []
  },
  clientId: (claims) => firstString(claims, 'client_id'),
  // RFC 9068 §2.2.3.1 names roles, groups and entitlements; a permission is an entitlement.
  permissions: (claims) => names(ownMember(claims, 'entitlements')),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id')),
}
