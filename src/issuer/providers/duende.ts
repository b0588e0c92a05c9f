/**
 * Defines the profile of Duende IdentityServer. `scope` is an array, or a string if the server is
 * set up so. `aud` contains the names of API resources; a token that was issued for API scopes only
 * has none. Only tokens of users have `sub` and `idp`.
 *
 * Sources (read 2026-11-29):
 * https://docs.duendesoftware.com/identityserver/fundamentals/resources/api-scopes, and
 * DefaultClaimsService.cs and DefaultTokenService.cs of
 * https://github.com/DuendeSoftware/products.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString, names } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'duende',
  requiredClaims: ['client_id'],
  // ID tokens have the type JWT.
  types: ['at+jwt'],
  allowMissingTyp: false,
  audienceHint:
    'the name of an API resource is in "aud" if the client requested a scope of the resource',
  clientId: (claims) => firstString(claims, 'client_id'),
  roles: (claims) => names(ownMember(claims, 'role')),
  subjectKind,
}

/** Lacks `owns`, because IdentityServer runs on any domain. */
export const duende: Provider = { name: 'duende', profile: () => profile, mayOmitAudience: true }

/**
 * Duende writes `sub` only if a user is involved, and always together with `idp`. A client can get
 * a `sub` without `idp` from the claims that its registration defines.
 */
function subjectKind(claims: Claims): SubjectKind {
  if (firstString(claims, 'sub') === undefined) return 'client'
  return firstString(claims, 'idp') === undefined ? 'unknown' : 'user'
}
