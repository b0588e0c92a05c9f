/**
 * Defines the profile of PingOne. Access tokens name the client in `client_id`; ID tokens are
 * signed with the same keys, and no source was found that they never have `client_id`. Tokens of
 * the client credentials grant have neither `sub` nor `sid`.
 *
 * Source (read 2026-11-29):
 * "Token claims" in https://developer.pingidentity.com/pingone-api/foundations/.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'pingone',
  audienceHint:
    'the audience of a custom resource is in "aud" if the client requested a scope of the resource',
  checkAccessToken: (claims) =>
    firstString(claims, 'client_id') === undefined ? notAnAccessToken('"client_id"') : undefined,
  clientId: (claims) => firstString(claims, 'client_id'),
  subjectKind,
}

const DOMAIN = /^auth\.pingone\.(?:com|eu|ca|asia|sg|com\.au)$/
const ENVIRONMENT = /^\/([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12})(?:\/|$)/

export const pingone: Provider = {
  name: 'pingone',
  profile: () => profile,
  owns: ({ hostname }) => DOMAIN.test(hostname),
  issuerConfigError({ hostname, pathname }, issuer) {
    const [, environment = '<environment ID>'] = ENVIRONMENT.exec(pathname) ?? []
    const identifier = `https://${hostname}/${environment}/as`
    return issuer === identifier
      ? undefined
      : `is not the issuer identifier of a PingOne environment. Use ${identifier}`
  },
}

/** A custom resource can map `sub` for clients as well, but `sid` is the session of a user. */
function subjectKind(claims: Claims): SubjectKind {
  const [sub, sid] = [firstString(claims, 'sub'), firstString(claims, 'sid')]
  if (sub !== undefined && sid !== undefined) return 'user'
  return sub === undefined && sid === undefined ? 'client' : 'unknown'
}
