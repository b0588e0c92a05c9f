/**
 * Defines the profile of Better Auth. Its plugin `oauth-provider` signs access tokens with the
 * `typ` at+jwt; its plugin `jwt` signs tokens of sessions, which have no `typ`. ID tokens are
 * signed with the same keys and have no `typ` either; they have `acr`.
 *
 * Sources (read 2026-11-29): https://better-auth.com/docs/plugins/jwt,
 * https://better-auth.com/docs/plugins/oauth-provider, and the code of better-auth 1.7.5 and
 * @better-auth/oauth-provider 1.7.5.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'better-auth',
  // Tokens of the plugin `jwt` have no type, so a missing type is accepted as well.
  types: ['at+jwt'],
  requiredClaims: ['sub'],
  audienceHint:
    'tokens of the plugin jwt have the base URL in "aud", those of oauth-provider the requested resource',
  checkAccessToken(claims, { typ }) {
    if (typ !== undefined) {
      return clientId(claims) === undefined ? notAnAccessToken('"client_id"') : undefined
    }
    return ['acr', 'nonce', 'auth_time'].some((name) => Object.hasOwn(claims, name))
      ? notAnAccessToken('"typ": at+jwt, or a token without "acr", "nonce" and "auth_time"')
      : undefined
  },
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  scopeHint: (claims) =>
    clientId(claims) === undefined
      ? 'tokens of the plugin jwt have no scope: require claims instead'
      : undefined,
  clientId,
  // The plugin `admin` separates the roles of a user by commas.
  roles: (claims) =>
    (firstString(claims, 'role') ?? '')
      .split(',')
      .map((role) => role.trim())
      .filter((role) => role !== ''),
  subjectKind,
}

export const betterAuth: Provider = {
  name: 'better-auth',
  profile: () => profile,
  // The plugin `jwt` publishes no metadata. Its default issuer is the origin of the server.
  jwksUri: (issuer) =>
    /^https?:\/\/[\w.-]+(?::\d+)?$/.test(issuer) ? `${issuer}/api/auth/jwks` : undefined,
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id')
}

/** A token of the plugin `jwt` contains the user record, whose `id` is the subject, by default. */
function subjectKind(claims: Claims): SubjectKind {
  const isAnonymous = ownMember(claims, 'isAnonymous') ?? false
  if (isAnonymous !== false) return isAnonymous === true ? 'anonymous' : 'unknown'
  const [sub, client] = [ownMember(claims, 'sub'), clientId(claims)]
  if (client !== undefined) return sub === client ? 'client' : 'user'
  return ownMember(claims, 'id') === sub ? 'user' : 'unknown'
}
