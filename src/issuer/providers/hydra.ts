/**
 * Defines the profile of Ory Hydra, whose access tokens are JWTs only with the strategy `jwt`.
 * `client_id` is in every access token. `ext` contains the claims that the consent application
 * added. `aud` is an empty array unless the client requested an audience.
 *
 * Sources (read 2026-11-29): oauth2/session.go, fosite/token/jwt/claims_jwt.go and
 * claims_id_token.go of https://github.com/ory/hydra.
 */

import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, memberOf, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'hydra',
  audienceHint:
    'the client must request it with the parameter "audience", and "audience" in the client\'s registration must allow it',
  checkAccessToken: (claims) =>
    clientId(claims) === undefined ? notAnAccessToken('"client_id"') : undefined,
  // Reads `scp` first, because the consent application can write `scope`, but not `scp`.
  scope: (claims) => scopeTokens(ownMember(claims, 'scp') ?? ownMember(claims, 'scope')),
  clientId,
  roles: (claims) => names(customClaim(claims, 'roles')),
  groups: (claims) => names(customClaim(claims, 'groups')),
  permissions: (claims) => names(customClaim(claims, 'permissions')),
  subjectKind: (claims) => kindByClient(claims, clientId(claims)),
}

/** Lacks `owns`, because Hydra runs on any domain. */
export const hydra: Provider = { name: 'hydra', profile: () => profile, mayOmitAudience: true }

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id')
}

/** Returns a claim of the consent application, which Hydra writes at the top level or in `ext`. */
function customClaim(claims: Claims, name: string): unknown {
  return ownMember(claims, name) ?? memberOf(ownMember(claims, 'ext'), name)
}
