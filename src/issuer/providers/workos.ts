/**
 * Defines the profile of WorkOS. AuthKit signs session tokens without `aud` (issuer
 * `https://api.workos.com/user_management/CLIENT`), and access tokens of Connect with `aud` and
 * `client_id` (issuer: the AuthKit domain). ID tokens of Connect have neither `sid` nor
 * `client_id`.
 *
 * Sources (read 2026-11-29): https://workos.com/docs/reference/authkit/session-tokens,
 * https://workos.com/docs/authkit/connect/token-claims,
 * https://workos.com/docs/reference/workos-connect/token.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { checkForOtherRecipient } from './recipient.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'workos',
  audienceHint:
    'tokens of AuthKit sessions have no "aud" unless a JWT template adds it; tokens of Connect have the requested resource or the client ID of the environment',
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  scopeHint: () => 'tokens of AuthKit sessions have no scope: require permissions or roles instead',
  clientId: (claims) => firstString(claims, 'client_id'),
  roles: (claims) => names(ownMember(claims, 'roles') ?? ownMember(claims, 'role')),
  permissions: (claims) => names(ownMember(claims, 'permissions')),
  subjectKind,
}

const API = 'https://api.workos.com'
const SESSION_ISSUER = /^https:\/\/api\.workos\.com\/user_management\/(client_[0-9A-Za-z]+)$/

export const workos: Provider = {
  name: 'workos',
  profile: (audience) => ({
    ...profile,
    checkAccessToken: (claims) =>
      firstString(claims, 'sid', 'client_id') === undefined
        ? notAnAccessToken('"sid" or "client_id"')
        : checkForOtherRecipient(claims, audience),
  }),
  mayOmitAudience: true,
  jwksUri(issuer) {
    const [, client] = SESSION_ISSUER.exec(issuer) ?? []
    return client === undefined ? undefined : `${API}/sso/jwks/${client}`
  },
  owns: ({ hostname }) => hostname === 'api.workos.com' || hostname.endsWith('.authkit.app'),
  issuerConfigError({ hostname, pathname }, issuer) {
    if (hostname !== 'api.workos.com') {
      const identifier = `https://${hostname}`
      return issuer === identifier
        ? undefined
        : `is not the issuer identifier of an AuthKit domain. Use ${identifier}`
    }
    // WorkOS documents the bare origin as issuer, so it is allowed with an explicit `jwksUri`.
    return pathname === '/' || SESSION_ISSUER.test(issuer)
      ? undefined
      : `is not the issuer identifier of a WorkOS environment. Use ${API}/user_management/<client ID>`
  },
}

function subjectKind(claims: Claims): SubjectKind {
  if (firstString(claims, 'sub')?.startsWith('user_') === true) return 'user'
  return kindByClient(claims, firstString(claims, 'client_id'))
}
