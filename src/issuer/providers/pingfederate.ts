/**
 * Defines the profile of PingFederate, for access token managers of the type JSON Web Tokens. The
 * manager's configuration determines the claims; this profile reads the default names. `pi.sri` is
 * the session of the user.
 *
 * Sources (read 2026-11-29):
 * the pages pf_configure_json_token_management (latest version) and pf_userinfo_endpoint (11.2) in
 * https://docs.pingidentity.com/pingfederate/.
 */

import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, sessionIn } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'pingfederate',
  audienceHint: 'the field "Audience Claim Value" of the access token manager puts it into "aud"',
  checkAccessToken: (claims) =>
    firstString(claims, 'client_id') === undefined ? notAnAccessToken('"client_id"') : undefined,
  clientId: (claims) => firstString(claims, 'client_id'),
  subjectKind: (claims) => kindByClient(claims, firstString(claims, 'client_id')),
  ...sessionIn('pi.sri'),
}

/** Lacks `owns`, because PingFederate runs on any domain. */
export const pingfederate: Provider = {
  name: 'pingfederate',
  profile: () => profile,
  mayOmitAudience: true,
}
