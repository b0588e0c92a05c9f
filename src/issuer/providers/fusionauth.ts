/**
 * Defines the profile of FusionAuth 1.60 and later. Access tokens and ID tokens have the same
 * issuer, audience (the application ID), key and `typ`. `tty` is the token type. No source was
 * found that tokens of the client credentials grant have `tty`; without it, they are rejected.
 *
 * Sources (read 2026-11-29): https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens,
 * https://github.com/FusionAuth/fusionauth-issues/issues/1973.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'fusionauth',
  audienceHint:
    'the "aud" of a user\'s token is the application ID, and that of a client credentials token the ID of the target entity',
  checkAccessToken: (claims) =>
    ownMember(claims, 'tty') === 'at' ? undefined : notAnAccessToken('"tty": at'),
  clientId: (claims) => firstString(claims, 'applicationId'),
  permissions: (claims) => names(ownMember(claims, 'permissions')),
  subjectKind,
}

/** Lacks `owns`, because the issuer identifier is any string that a tenant's settings contain. */
export const fusionauth: Provider = { name: 'fusionauth', profile: () => profile }

/**
 * Only tokens of users state how the user signed in. `gty` contains the grant types of the token,
 * in the order of use.
 */
function subjectKind(claims: Claims): SubjectKind {
  if (firstString(claims, 'authenticationType') !== undefined) return 'user'
  return names(ownMember(claims, 'gty')).includes('client_credentials') ? 'client' : 'unknown'
}
