/**
 * Defines the profile of ID tokens that Google signs, which service accounts and signed-in users
 * send to APIs. Any service account of any project can get a token for any `aud`, so the API must
 * also require `email` or `sub`. Tokens of service accounts have `email` only on request.
 *
 * Sources (read 2026-11-29): https://cloud.google.com/docs/authentication/get-id-token,
 * https://cloud.google.com/run/docs/authenticating/service-to-service,
 * https://developers.google.com/identity/openid-connect/openid-connect.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { firstString } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'google',
  requiredClaims: ['sub', 'azp'],
  audienceHint: 'the caller chooses "aud" when it requests the ID token',
  scopeHint: () => 'ID tokens of Google have no scope: require the claim email or sub instead',
  clientId: (claims) => firstString(claims, 'azp'),
  subjectKind,
}

const ISSUER = 'https://accounts.google.com'

export const google: Provider = {
  name: 'google',
  profile: () => profile,
  owns: ({ hostname }) => hostname === 'accounts.google.com',
  issuerConfigError: (_url, issuer) =>
    issuer === ISSUER ? undefined : `is not the issuer identifier of Google. Use ${ISSUER}`,
}

/** Only service accounts have addresses on this domain, and `email_verified` proves the address. */
function subjectKind(claims: Claims): SubjectKind {
  const email = firstString(claims, 'email')
  if (email === undefined || ownMember(claims, 'email_verified') !== true) return 'unknown'
  return email.endsWith('.gserviceaccount.com') ? 'client' : 'user'
}
