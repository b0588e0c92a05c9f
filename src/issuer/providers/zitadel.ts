/**
 * Defines the profile of Zitadel. An application gets JWTs only if its setting says so; otherwise
 * its access tokens are opaque. Access tokens have `jti` and no scope claim. ID tokens have the
 * same audience, and no `jti`.
 *
 * Sources (read 2026-11-29): https://zitadel.com/docs/apis/openidoauth/claims, and
 * internal/api/oidc/token.go and userinfo.go of https://github.com/zitadel/zitadel.
 */

import { ownMember } from '../../base/plain-object.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { memberNames } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

export const zitadel: Provider = {
  name: 'zitadel',
  profile: profileFor,
  owns: ({ hostname }) => hostname.endsWith('.zitadel.cloud'),
  issuerConfigError({ hostname }, issuer) {
    const identifier = `https://${hostname}`
    if (issuer === identifier) return undefined
    return `is not the issuer identifier of the Zitadel instance. Use ${identifier}`
  },
}

/** @param audience the project ID of this API, or client IDs of its project. */
function profileFor(audience: ReadonlySet<string>): ResolvedProfile {
  return {
    ...standardProfile,
    name: 'zitadel',
    audienceHint:
      'a token contains its own project ID in "aud", and the IDs of other projects if the client requested the scope urn:zitadel:iam:org:project:id:<project ID>:aud',
    checkAccessToken: (claims) =>
      Object.hasOwn(claims, 'jti') ? undefined : notAnAccessToken('"jti"'),
    scopeHint: () => 'access tokens of Zitadel have no scope claim: require roles instead',
    // The claim without a project ID names the roles in the project of the client, which may be
    // another project than that of this API.
    roles: (claims) =>
      [...audience].flatMap((project) =>
        memberNames(ownMember(claims, `urn:zitadel:iam:org:project:${project}:roles`)),
      ),
  }
}
