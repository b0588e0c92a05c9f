/**
 * Okta's custom authorization servers. `cid` is in every access token of theirs and in no ID token,
 * which is how the two are told apart: Okta gives neither a `typ`. `uid` is there when a user is.
 */
import { ownMember } from '../../base/plain-object.js'
import { checkVendorString } from '../../token/claims.js'
import { firstString, scopeTokens } from './claim-values.js'
import type { ResolvedProfile } from './profile.js'
import { kindByClient, standard } from './standard.js'

export const okta: ResolvedProfile = {
  ...standard,
  name: 'okta',
  requiredClaims: ['cid'],
  checkAccessToken: (claims) => checkVendorString(claims, 'cid'),
  scope: (claims) => scopeTokens(ownMember(claims, 'scp')),
  clientId: (claims) => firstString(claims, 'cid'),
  subjectKind: (claims) =>
    firstString(claims, 'uid') === undefined
      ? kindByClient(claims, firstString(claims, 'cid'))
      : 'user',
}
