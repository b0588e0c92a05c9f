/**
 * Defines the profile of Amazon Cognito user pools. Access tokens have no `aud`, unless the client
 * requested a resource; without `aud`, `client_id` (the app client) is compared with the configured
 * audience. `token_use` is the token type.
 *
 * Source (read 2026-11-29): amazon-cognito-user-pools-using-the-access-token in
 * https://docs.amazonaws.cn/en_us/cognito/latest/developerguide/.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'cognito',
  requiredClaims: ['token_use', 'client_id'],
  checkAccessToken(claims) {
    // If `token_use` is absent, requiredClaims reports it.
    const use = ownMember(claims, 'token_use')
    return use === undefined || use === 'access'
      ? undefined
      : notAnAccessToken('"token_use": access')
  },
  // `aud` comes first: a token with `aud` is for that audience only (RFC 7519 §4.1.3).
  audienceClaims: ['aud', 'client_id'],
  audienceHint:
    'access tokens have the requested resource in "aud", or else the app client ID in "client_id"',
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  clientId,
  groups: (claims) => names(ownMember(claims, 'cognito:groups')),
  permissions: () => [],
  subjectKind,
}

const POOLS = /^(?:issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/
const SIGN_IN = /\.amazoncognito\.com$/
const EXAMPLE = 'https://cognito-idp.<region>.amazonaws.com/<user pool ID>'

export const cognito: Provider = {
  name: 'cognito',
  profile: () => profile,
  owns: ({ hostname }) => POOLS.test(hostname) || SIGN_IN.test(hostname),
  issuerConfigError({ hostname, pathname }, issuer) {
    if (SIGN_IN.test(hostname)) return `is the sign-in domain of a user pool. Use ${EXAMPLE}`
    const [, pool] = /^\/([\w-]+_[0-9A-Za-z]+)(?:\/|$)/.exec(pathname) ?? []
    const identifier = pool === undefined ? EXAMPLE : `https://${hostname}/${pool}`
    return issuer === identifier
      ? undefined
      : `is not the issuer identifier of a user pool. Use ${identifier}`
  },
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'client_id')
}

/** Only tokens of users have `username`, so its presence identifies a user. */
function subjectKind(claims: Claims): SubjectKind {
  if (firstString(claims, 'username') !== undefined) return 'user'
  return kindByClient(claims, clientId(claims))
}
