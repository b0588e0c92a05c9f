/**
 * Defines the profile of authentik. Access tokens and ID tokens have the same issuer, audience (the
 * client ID), key and `typ`. Only access tokens have `azp` and `uid`. No access token has a scope
 * claim. No source was found that authentik writes `act`.
 *
 * Source (read 2026-11-29): authentik/providers/oauth2/id_token.py of
 * https://github.com/goauthentik/authentik.
 */

import { notAnAccessToken } from '../../token/token-type.js'
import { firstString } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'authentik',
  audienceHint: 'the "aud" of a token is the client ID of its authentik provider',
  // In the hybrid flow, access tokens have `c_hash` too. The check of `azp` and `uid` rejects ID
  // tokens instead.
  allowsIdTokenClaims: true,
  checkAccessToken: (claims) =>
    ['azp', 'uid'].every((name) => firstString(claims, name) !== undefined)
      ? undefined
      : notAnAccessToken('"azp" and "uid"'),
  scopeHint: () => 'access tokens of authentik have no scope claim: require groups instead',
  clientId: (claims) => firstString(claims, 'azp'),
}

/** Lacks `owns`, because authentik runs on any domain. */
export const authentik: Provider = { name: 'authentik', profile: () => profile }
