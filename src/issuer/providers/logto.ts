/**
 * Defines the profile of Logto, which is built on oidc-provider: an access token for an API
 * resource or an organization has the `typ` at+jwt and `client_id`. Without a resource, access
 * tokens are opaque. Impersonation adds `act`.
 *
 * Sources (read 2026-11-29): https://docs.logto.io/authorization/validate-access-tokens,
 * https://docs.logto.io/developers/user-impersonation, and packages/core/src/oidc of
 * https://github.com/logto-io/logto.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'logto',
  requiredClaims: ['sub', 'client_id'],
  types: ['at+jwt'],
  allowMissingTyp: false,
  audienceHint:
    'the client must request the API identifier with the parameter "resource"; tokens of an organization have urn:logto:organization:<organization ID>',
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  clientId,
  // `sub` is the ID of the user, or of the application if no user is involved.
  subjectKind: (claims): SubjectKind =>
    ownMember(claims, 'sub') === clientId(claims) ? 'client' : 'user',
}

export const logto: Provider = {
  name: 'logto',
  profile: () => profile,
  owns: ({ hostname }) => hostname.endsWith('.logto.app'),
  issuerConfigError({ hostname }, issuer) {
    const identifier = `https://${hostname}/oidc`
    if (issuer === identifier) return undefined
    return `is not the issuer identifier of the Logto tenant. Use ${identifier}`
  },
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id')
}
