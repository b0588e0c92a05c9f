/**
 * Microsoft Entra ID: v1.0 tokens (`https://sts.windows.net/{tenant}/`, client in `appid`) and v2.0
 * tokens (`https://login.microsoftonline.com/{tenant}/v2.0`, client in `azp`).
 *
 * An API and the application that signs users in are often one registration, and then their access
 * and ID tokens have the same issuer, audience, key and `typ`. Only an access token names a client.
 */
import type { SubjectKind } from '../../access-token/access-token.js'
import { ownMember } from '../../base/plain-object.js'
import { lacksClaim, notAnAccessToken } from '../../token/claims.js'
import { type Claims, firstString, names, scopeTokens } from './claim-values.js'
import { checkKeyIssuer, checkTenantOfIssuer } from './entra-tenant.js'
import type { ResolvedProfile } from './profile.js'
import { standard } from './standard.js'

export const entra: ResolvedProfile = {
  ...standard,
  name: 'entra',
  audienceHint:
    'v2.0 tokens have the client ID of the API in "aud", v1.0 tokens that or its api:// URI',
  checkAccessToken(claims) {
    if (clientId(claims) === undefined) return notAnAccessToken('"azp" or "appid"')
    const refused = checkTenantOfIssuer(claims)
    if (refused !== undefined) return refused
    // Entra gives any application of the tenant a token for any API, if need be one that grants
    // nothing.
    if (scope(claims).length > 0 || roles(claims).length > 0) return undefined
    return lacksClaim('"scp" or "roles", of which a token that grants anything has one')
  },
  checkKey: checkKeyIssuer,
  scope,
  clientId,
  roles,
  permissions: () => [],
  subjectKind,
}

function scope(claims: Claims): readonly string[] {
  return scopeTokens(ownMember(claims, 'scp'))
}

function roles(claims: Claims): readonly string[] {
  return names(ownMember(claims, 'roles'))
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'azp', 'appid')
}

/** `scp` is for users only; `sub` is made for each application, save that an application's is its id. */
function subjectKind(claims: Claims): SubjectKind {
  const sub = firstString(claims, 'sub')
  if (ownMember(claims, 'idtyp') === 'app') return 'client'
  if (scope(claims).length > 0) return 'user'
  return sub !== undefined && sub === ownMember(claims, 'oid') ? 'client' : 'unknown'
}
