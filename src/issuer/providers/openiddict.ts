/**
 * Defines the profile of OpenIddict 3 and later. OpenIddict encrypts access tokens unless the
 * server calls `DisableAccessTokenEncryption()`. The header's `typ` is the token type: `at+jwt` in
 * access tokens, `JWT` in ID tokens, `oi_reft+jwt` in refresh tokens.
 *
 * Source (read 2026-11-29): https://documentation.openiddict.com/configuration/token-formats.
 */

import { ownMember } from '../../base/plain-object.js'
import { firstString, names } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'openiddict',
  types: ['at+jwt'],
  allowMissingTyp: false,
  audienceHint: 'the application puts the resources of the granted scopes into "aud"',
  clientId: (claims) => firstString(claims, 'client_id'),
  roles: (claims) => names(ownMember(claims, 'role')),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id')),
}

/** Lacks `owns`, because OpenIddict runs on any domain. */
export const openiddict: Provider = { name: 'openiddict', profile: () => profile }
