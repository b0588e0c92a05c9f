/**
 * Keycloak. The claim `typ` says what kind of token it is. `aud` names the clients whose roles the
 * user has (`account` in a new realm) or is missing, until an Audience mapper adds the API.
 */

import type { SubjectKind } from '../../access-token/access-token.js'
import { isJsonObject } from '../../base/json-object.js'
import { ownMember, ownMembers } from '../../base/plain-object.js'
import { checkVendorString, notAnAccessToken } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

/** Owns no domain: a path with `/realms/` may be anybody's. */
export const keycloak: Provider = { name: 'keycloak', profile: profileFor, mayOmitAudience: true }

/** @param audience the client IDs of this API in Keycloak. */
function profileFor(audience: ReadonlySet<string>): ResolvedProfile {
  return {
    ...standardProfile,
    name: 'keycloak',
    audienceHint: 'an Audience mapper in a client scope of the client puts it into "aud"',
    // `DPoP` where the token is bound to a key.
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

function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? ownMember(value, name) : undefined
}

/**
 * A client that acts for itself is a user to Keycloak, with an id and a name of its own:
 * `service-account-` and the client's, in lower case. It has the client's id beside that.
 */
function subjectKind(claims: Claims): SubjectKind {
  const { azp, client_id: id, clientId: formerId } = ownMembers(claims)
  const name = firstString(claims, 'preferred_username')
  if (name === undefined) return 'unknown'
  if (!name.startsWith('service-account-')) return 'user'
  const isItsOwn = name === `service-account-${azp}`.toLowerCase()
  return isItsOwn && (id === azp || formerId === azp) ? 'client' : 'unknown'
}
