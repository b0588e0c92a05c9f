/**
 * Defines the profile of Stytch: session JWTs, access tokens of Connected Apps and M2M access
 * tokens, all with the project ID in `aud`. ID tokens of Connected Apps have the same issuer and
 * keys, but neither a session nor a scope. The issuer identifier is `stytch.com/PROJECT` or the URL
 * of the project's domain. No source was found that session JWTs contain the impersonator.
 *
 * Sources (read 2026-11-29): https://stytch.com/docs/b2b/api/connected-app-access-token,
 * https://stytch.com/docs/b2b/api/connected-app-id-token,
 * https://stytch.com/docs/api/get-m2m-token, and lib/shared/sessions.ts, lib/b2c/client.ts and
 * lib/b2b/client.ts of https://github.com/stytchauth/stytch-node.
 */

import type { Actor } from '../../access-token/actor.js'
import { actorsOf } from '../../access-token/actor.js'
import type { SubjectKind } from '../../access-token/claim-reader.js'
import { isJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import type { Rejection } from '../../errors/result.js'
import { missingClaim } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, memberOf, names, scopeTokens, sessionIn } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const SESSION = 'https://stytch.com/session'
const session = sessionIn(SESSION, 'id')

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'stytch',
  requiredClaims: ['sub'],
  audienceHint: 'the "aud" of all access tokens of Stytch is the project ID',
  checkAccessToken: (claims) =>
    (session.sessionId(claims) ?? firstString(claims, 'scope'))
      ? checkImpersonators(claims)
      : notAnAccessToken('"https://stytch.com/session" or "scope"'),
  scope: (claims) => scopeTokens(ownMember(claims, 'scope')),
  scopeHint: () => 'session JWTs of Stytch have no scope: require roles instead',
  clientId: (claims) =>
    firstString(claims, 'client_id') ?? (isClient(claims) ? firstString(claims, 'sub') : undefined),
  roles: (claims) => names(inSession(claims, 'roles')),
  subjectKind: (claims): SubjectKind => {
    if (isClient(claims)) return 'client'
    return /^(?:user|member)-/.test(subjectOf(claims)) ? 'user' : 'unknown'
  },
  ...session,
  actors: (claims) => [...actorsOf(claims), ...impersonators(claims)],
}

const PROJECT_ISSUER =
  /^stytch\.com\/(project-(live|test)-[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12})$/

/** Lacks `owns`, because most issuers are no URL, and the others are on the project's domain. */
export const stytch: Provider = {
  name: 'stytch',
  profile: () => profile,
  // This is the key set of a Consumer project. For a B2B project, `jwksUri` must be set to
  // `/v1/b2b/sessions/jwks/PROJECT`, because the project ID does not contain the type of project.
  jwksUri(issuer) {
    const [, project, environment] = PROJECT_ISSUER.exec(issuer) ?? []
    if (project === undefined) return undefined
    const host = environment === 'live' ? 'api.stytch.com' : 'test.stytch.com'
    return `https://${host}/v1/sessions/jwks/${project}`
  },
}

function inSession(claims: Claims, name: string): unknown {
  return memberOf(ownMember(claims, SESSION), name)
}

function subjectOf(claims: Claims): string {
  return firstString(claims, 'sub') ?? ''
}

function isClient(claims: Claims): boolean {
  return subjectOf(claims).startsWith('m2m-client-')
}

/**
 * Rejects a session whose factors do not identify each impersonator, so that a malformed claim
 * cannot hide an impersonation.
 */
function checkImpersonators(claims: Claims): Rejection | undefined {
  const factors = inSession(claims, 'authentication_factors') ?? []
  const isReadable =
    Array.isArray(factors) &&
    factors.every(
      (factor) =>
        isJsonObject(factor) &&
        (!isImpersonation(factor) || typeof impersonatorIn(factor) === 'string'),
    )
  return isReadable ? undefined : missingClaim('"impersonator_id" in each impersonated factor')
}

function isImpersonation(factor: unknown): boolean {
  return (
    memberOf(factor, 'type') === 'impersonated' ||
    (memberOf(factor, 'impersonated_factor') ?? undefined) !== undefined
  )
}

function impersonatorIn(factor: unknown): unknown {
  return memberOf(memberOf(factor, 'impersonated_factor'), 'impersonator_id')
}

/** Returns the administrators who impersonate the user, from the factors of the session. */
function impersonators(claims: Claims): readonly Actor[] {
  const factors = inSession(claims, 'authentication_factors')
  const elements: readonly unknown[] = Array.isArray(factors) ? factors : []
  return elements.flatMap((factor) => {
    const subject = impersonatorIn(factor)
    return typeof subject === 'string'
      ? [Object.freeze({ subject, issuer: undefined, clientId: undefined })]
      : []
  })
}
