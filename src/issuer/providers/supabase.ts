/**
 * Defines the profile of Supabase Auth. Access tokens of all users, including anonymous ones, have
 * the `aud` `authenticated`. Every access token has `session_id`; ID tokens of Supabase's OAuth
 * server have the same issuer and key, but no `session_id`.
 *
 * Sources (read 2026-11-29): https://supabase.com/docs/guides/auth/jwt-fields,
 * https://supabase.com/docs/guides/auth/jwts, and internal/tokens/service.go of
 * https://github.com/supabase/auth.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens, sessionIn } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const session = sessionIn('session_id')

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'supabase',
  audienceHint: 'access tokens of users have authenticated in "aud"',
  checkAccessToken: (claims) =>
    session.sessionId(claims) === undefined ? notAnAccessToken('"session_id"') : undefined,
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  scopeHint: () =>
    'only tokens of the OAuth server of Supabase have a scope: require claims or roles instead',
  clientId: (claims) => firstString(claims, 'client_id'),
  roles: (claims) => names(ownMember(claims, 'role')),
  subjectKind,
  ...session,
}

export const supabase: Provider = {
  name: 'supabase',
  profile: () => profile,
  // A path of `/auth/v1` is that of Supabase on a custom domain, or of a self-hosted server.
  jwksUri: (issuer) =>
    /^https?:\/\/[\w.:-]+\/auth\/v1$/.test(issuer) ? `${issuer}/.well-known/jwks.json` : undefined,
  owns: ({ hostname }) => hostname.endsWith('.supabase.co'),
  issuerConfigError({ hostname }, issuer) {
    const identifier = `https://${hostname}/auth/v1`
    if (issuer === identifier) return undefined
    return `is not the issuer identifier of a Supabase project. Use ${identifier}`
  },
}

function subjectKind(claims: Claims): SubjectKind {
  const isAnonymous = ownMember(claims, 'is_anonymous')
  if (typeof isAnonymous !== 'boolean') return 'unknown'
  return isAnonymous ? 'anonymous' : 'user'
}
