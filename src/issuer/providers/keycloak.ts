/**
 * Defines the profile of Keycloak. The claim `typ` is the token type. Unless an Audience mapper
 * adds the API to `aud`, that claim is absent or contains only the clients whose roles the user has
 * (`account` in a new realm).
 *
 * Source (read 2026-11-29): core/src/main/java/org/keycloak/representations/AccessToken.java of
 * https://github.com/keycloak/keycloak.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember, ownMembers } from '../../base/plain-object.js'
import { checkVendorString } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, memberOf, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

/** Lacks `owns`, because Keycloak runs on any domain, and `/realms/` does not identify it. */
export const keycloak: Provider = { name: 'keycloak', profile: profileFor, mayOmitAudience: true }

/** @param audience the client IDs of this API in Keycloak. */
function profileFor(audience: ReadonlySet<string>): ResolvedProfile {
  return {
    ...standardProfile,
    name: 'keycloak',
    audienceHint: 'an Audience mapper in a client scope of the client puts it into "aud"',
    // Keycloak sets `typ` to `DPoP` in a token that is bound to a key.
    checkAccessToken: (claims) => {
      const typ = ownMember(claims, 'typ')
      if (typ === 'Bearer' || typ === 'DPoP') {
        return checkVendorString(claims, 'azp')
      }
      return notAnAccessToken('the claim "typ": Bearer')
    },
    scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
    clientId: (claims) => firstString(claims, 'azp'),
    roles: (claims) => {
      const resources = ownMember(claims, 'resource_access')
      return [
        ...rolesIn(ownMember(claims, 'realm_access')),
        ...[...audience].flatMap((client) => rolesIn(memberOf(resources, client))),
      ]
    },
    permissions: () => [],
    subjectKind,
  }
}

function rolesIn(access: unknown): readonly string[] {
  return names(memberOf(access, 'roles'))
}

/**
 * Keycloak represents a client that acts for itself as a service-account user, whose name is
 * `service-account-` and the client ID in lower case. Such a token also has the client ID in
 * `client_id` (formerly `clientId`).
 */
function subjectKind(claims: Claims): SubjectKind {
  const { azp, client_id: id, clientId: formerId } = ownMembers(claims)
  const name = firstString(claims, 'preferred_username')
  if (name === undefined) return 'unknown'
  if (!name.startsWith('service-account-')) return 'user'
  const isItsOwn = name === `service-account-${azp}`.toLowerCase()
  return isItsOwn && (id === azp || formerId === azp) ? 'client' : 'unknown'
}
