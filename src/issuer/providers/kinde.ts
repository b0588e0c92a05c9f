/**
 * Defines the profile of Kinde. Every access token has `scp`. ID tokens have the same issuer and
 * key, and name the client in `azp` as well, but have no `scp`. `aud` is an empty array unless the
 * client requested an audience. No source was found for the elements of `roles`; the
 * roles of Kinde's management API have the member `key`.
 *
 * Sources (read 2026-11-29): https://docs.kinde.com/build/tokens/about-access-tokens/,
 * https://docs.kinde.com/build/tokens/about-id-tokens/,
 * machine-to-machine-applications/about-m2m/token-structure-and-claims-for-m2m-applications in
 * https://docs.kinde.com/.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, memberOfEach, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'kinde',
  audienceHint:
    'the client must request it with the parameter "audience"; otherwise "aud" is empty',
  checkAccessToken: (claims) =>
    Array.isArray(ownMember(claims, 'scp')) ? undefined : notAnAccessToken('"scp"'),
  scope: (claims) => scopeTokens(ownMember(claims, 'scp')),
  clientId: (claims) => firstString(claims, 'azp'),
  roles: (claims) => memberOfEach(ownMember(claims, 'roles'), 'key'),
  permissions: (claims) => names(ownMember(claims, 'permissions')),
  subjectKind,
}

export const kinde: Provider = {
  name: 'kinde',
  profile: () => profile,
  mayOmitAudience: true,
  owns: ({ hostname }) => hostname.endsWith('.kinde.com'),
  issuerConfigError({ hostname }, issuer) {
    const identifier = `https://${hostname}`
    if (issuer === identifier) return undefined
    return `is not the issuer identifier of the Kinde environment. Use ${identifier}`
  },
}

/** User IDs start with `kp_` or `kp:`. Tokens of the client credentials grant have no `sub`. */
function subjectKind(claims: Claims): SubjectKind {
  if (names(ownMember(claims, 'gty')).includes('client_credentials')) return 'client'
  return /^kp[_:]/.test(firstString(claims, 'sub') ?? '') ? 'user' : 'unknown'
}
