/**
 * Defines the profile of Auth0. Access tokens name the client in `azp` or, with Auth0's RFC 9068
 * token profile, in `client_id`. ID tokens have neither claim, so they are rejected even if the
 * API's audience equals a client ID. With RBAC, `permissions` contains the user's permissions.
 *
 * Sources (read 2026-11-29):
 * https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles, and for anonymous
 * subjects https://auth0.github.io/nextjs-auth0/interfaces/types.AnonymousSession.html.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'auth0',
  checkAccessToken: (claims) =>
    clientId(claims) === undefined ? notAnAccessToken('"azp" or "client_id"') : undefined,
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  clientId,
  permissions: (claims) => names(ownMember(claims, 'permissions')),
  subjectKind,
}

export const auth0: Provider = {
  name: 'auth0',
  profile: () => profile,
  owns: ({ hostname }) => hostname.endsWith('.auth0.com'),
  // Auth0 ends its issuer identifier with a slash, in `iss` and in its metadata.
  issuerConfigError({ hostname }, issuer) {
    const identifier = `https://${hostname}/`
    if (issuer === identifier) return undefined
    return `is not the issuer identifier of the Auth0 tenant. Use ${identifier} with the trailing slash`
  },
  // Tokens for any API of the tenant have this audience as well, if a client requests "openid".
  audienceConfigError: ({ hostname }, audience) =>
    audience.has(`https://${hostname}/userinfo`)
      ? 'must not contain the userinfo endpoint of the Auth0 tenant, which is in the "aud" of tokens for its other APIs. Use the identifier of this API'
      : undefined,
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id', 'azp')
}

/**
 * A user has the `sub` `connection|id`; a client that acts for itself has `id@clients`; the visitor
 * of an anonymous session has `anon@id`.
 */
function subjectKind(claims: Claims): SubjectKind {
  const [sub, gty] = [ownMember(claims, 'sub'), ownMember(claims, 'gty')]
  if (gty === 'client-credentials' || sub === `${clientId(claims)}@clients`) return 'client'
  if (typeof sub !== 'string') return 'unknown'
  if (sub.startsWith('anon@')) return 'anonymous'
  return sub.includes('|') ? 'user' : 'unknown'
}
