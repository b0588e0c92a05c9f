/**
 * Defines the profile of Firebase Authentication and Identity Platform. Clients send ID tokens to
 * APIs. Every ID token has the claim `firebase`, and its `aud` is the project ID. Session cookies
 * and custom tokens have other issuers and keys.
 *
 * Sources (read 2026-11-29): https://firebase.google.com/docs/auth/admin/verify-id-tokens,
 * https://firebase.google.com/docs/reference/admin/node/firebase-admin.auth.decodedidtoken.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { memberOf } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'firebase',
  requiredClaims: ['sub', 'auth_time'],
  checkAccessToken: (claims) =>
    signInProvider(claims) === undefined
      ? notAnAccessToken('"firebase" with "sign_in_provider"')
      : undefined,
  scopeHint: () => 'ID tokens of Firebase have no scope: require custom claims instead',
  clientId: () => undefined,
  subjectKind: (claims): SubjectKind =>
    signInProvider(claims) === 'anonymous' ? 'anonymous' : 'user',
}

const ORIGIN = 'https://securetoken.google.com'
const DOMAIN = /^(?:securetoken|session\.firebase)\.google\.com$/

export const firebase: Provider = {
  name: 'firebase',
  profile: () => profile,
  owns: ({ hostname }) => DOMAIN.test(hostname),
  issuerConfigError({ hostname, pathname }, issuer) {
    const identifier = `${ORIGIN}/${projectIn(pathname)}`
    if (issuer === identifier) return undefined
    return hostname === 'session.firebase.google.com'
      ? `is the issuer of session cookies, whose keys are not published as a JWK Set. Use ${identifier}, and have clients send ID tokens`
      : `is not the issuer identifier of a Firebase project. Use ${identifier}`
  },
  audienceConfigError({ pathname }, audience) {
    const project = projectIn(pathname)
    if (audience.has(project)) return undefined
    return `must contain the project ID ${project}, which is the "aud" of every ID token of Firebase`
  },
}

function projectIn(pathname: string): string {
  return /^\/([a-z][a-z\d-]*)/.exec(pathname)?.[1] ?? '<project ID>'
}

function signInProvider(claims: Claims): string | undefined {
  const provider = memberOf(ownMember(claims, 'firebase'), 'sign_in_provider')
  return typeof provider === 'string' ? provider : undefined
}
