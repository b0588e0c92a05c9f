/**
 * Defines the profile of SuperTokens: access tokens of sessions, which have no `aud`, and access
 * tokens of the OAuth 2.0 provider. `stt` is the token type: 0 or absent for a session, 1 for an
 * OAuth 2.0 access token, 2 for an ID token.
 *
 * Sources (read 2026-11-29):
 * https://supertokens.com/docs/authentication/unified-login/verify-tokens,
 * lib/ts/recipe/session/accessToken.ts and lib/ts/recipe/oauth2provider of
 * https://github.com/supertokens/supertokens-node.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, memberOf, names, scopeTokens, sessionIn } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { checkForOtherRecipient } from './recipient.js'
import { kindByClient, standardProfile } from './standard.js'

const session = sessionIn('sessionHandle')

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'supertokens',
  audienceHint: 'tokens of sessions have no "aud", unless the application adds it to the payload',
  scope: (claims) => scopeTokens(ownMember(claims, 'scp') ?? ownMember(claims, 'scope')),
  scopeHint: () =>
    'tokens of SuperTokens sessions have no scope: require roles or permissions instead',
  clientId,
  roles: (claims) => names(claimValue(claims, 'st-role') ?? ownMember(claims, 'roles')),
  permissions: (claims) => names(claimValue(claims, 'st-perm') ?? ownMember(claims, 'permissions')),
  subjectKind: (claims): SubjectKind =>
    session.sessionId(claims) === undefined ? kindByClient(claims, clientId(claims)) : 'user',
  ...session,
}

/** Lacks `owns`, because the issuer is the domain of the application's own backend. */
export const supertokens: Provider = {
  name: 'supertokens',
  profile: (audience) => ({
    ...profile,
    checkAccessToken: (claims) =>
      isAccessToken(claims)
        ? checkForOtherRecipient(claims, audience)
        : notAnAccessToken('"sessionHandle" and "refreshTokenHash1", or "stt": 1'),
  }),
  mayOmitAudience: true,
  jwksUri: (issuer) =>
    /^https?:\/\/[\w.:-]+(?:\/[\w-]+)+$/.test(issuer) ? `${issuer}/jwt/jwks.json` : undefined,
}

/** A JWT of the recipe `jwt` has the same issuer and keys, but belongs to no session. */
function isAccessToken(claims: Claims): boolean {
  const type = ownMember(claims, 'stt') ?? 0
  const hasRefreshToken = firstString(claims, 'refreshTokenHash1') !== undefined
  return type === 1 || (type === 0 && hasRefreshToken && session.sessionId(claims) !== undefined)
}

/**
 * Returns `v` of a claim in the form `{ v: value, t: time }`, which recipes of SuperTokens write.
 */
function claimValue(claims: Claims, name: string): unknown {
  return memberOf(ownMember(claims, name), 'v')
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id')
}
