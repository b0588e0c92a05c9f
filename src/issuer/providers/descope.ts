/**
 * Defines the profile of Descope. Refresh tokens are JWTs with the same issuer and key as session
 * tokens; `drn` is the token type. Session tokens have no `aud` unless a JWT template adds it. The
 * issuer identifier is the project ID, or a URL that contains it.
 *
 * Sources (read 2026-11-29): https://docs.descope.com/session-overview,
 * https://docs.descope.com/anonymous-users, https://docs.descope.com/user-impersonation,
 * lib/index.ts and lib/helpers.ts of https://github.com/descope/node-sdk.
 */

import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { checkForOtherRecipient } from './recipient.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'descope',
  requiredClaims: ['sub'],
  audienceHint:
    'session tokens have no "aud" unless a JWT template adds it; tokens of inbound apps have it',
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  scopeHint: () => 'session tokens of Descope have no scope: require permissions or roles instead',
  permissions: (claims) => names(ownMember(claims, 'permissions')),
  subjectKind,
}

/** The ID of a project in a region other than the default starts with `P` and the region. */
const PROJECT = 'P([a-z]{2,4}\\d)?[0-9A-Za-z]{27}'
const PROJECT_ID = new RegExp(`^${PROJECT}$`)
const DOMAIN = /^api(?:\.[a-z]{2,4}\d)?\.descope\.com$/
/** `v1/apps/agentic/…` is absent, because such an issuer has metadata and keys of its own. */
const ISSUER_PATH = new RegExp(`^/(?:v1/apps/)?(${PROJECT})$`)

export const descope: Provider = {
  name: 'descope',
  profile: (audience) => ({
    ...profile,
    checkAccessToken: (claims) =>
      isAccessToken(claims)
        ? checkForOtherRecipient(claims, audience)
        : notAnAccessToken('"drn": DS, or "scope", and no "nonce"'),
  }),
  mayOmitAudience: true,
  jwksUri(issuer) {
    const [id, region] = PROJECT_ID.exec(issuer) ?? []
    if (id !== undefined) {
      return `https://api.${region === undefined ? '' : `${region}.`}descope.com/v2/keys/${id}`
    }
    const [, host = '', path = ''] = /^https:\/\/([^/]+)(\/.*)$/.exec(issuer) ?? []
    const [, project] = ISSUER_PATH.exec(path) ?? []
    return DOMAIN.test(host) && project !== undefined
      ? `https://${host}/v2/keys/${project}`
      : undefined
  },
  owns: ({ hostname }) => DOMAIN.test(hostname),
  issuerConfigError({ hostname, pathname }) {
    const isKnown = ISSUER_PATH.test(pathname) || pathname.startsWith('/v1/apps/agentic/')
    return isKnown
      ? undefined
      : `is not the issuer identifier of a Descope project. Use https://${hostname}/<project ID>, or the project ID if that is the "iss" of tokens`
  },
}

/** `drn` is DS in a session token, DSR in a refresh token; tokens of inbound apps have a scope. */
function isAccessToken(claims: Claims): boolean {
  const type = ownMember(claims, 'drn')
  if (Object.hasOwn(claims, 'nonce')) return false
  return type === undefined ? firstString(claims, 'scope') !== undefined : type === 'DS'
}

/** Only the session of a user states how the user signed in (`amr`). */
function subjectKind(claims: Claims): SubjectKind {
  const isAnonymous = ownMember(claims, 'danu') ?? false
  if (isAnonymous !== false) return isAnonymous === true ? 'anonymous' : 'unknown'
  if (names(ownMember(claims, 'amr')).length > 0) return 'user'
  return kindByClient(claims, firstString(claims, 'client_id', 'azp'))
}
