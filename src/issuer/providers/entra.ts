/**
 * Defines the profile of Microsoft Entra ID, for v1.0 tokens (`https://sts.windows.net/{tenant}/`,
 * client in `appid`) and v2.0 tokens (`https://login.microsoftonline.com/{tenant}/v2.0`, client in
 * `azp`). Tokens of external tenants (Entra External ID,
 * `https://{tenant}.ciamlogin.com/{tenant}/v2.0`) are v2.0 tokens.
 *
 * An API and the application that signs users in often share one registration. Access tokens and ID
 * tokens then have the same issuer, audience, key and `typ`. This profile distinguishes them by the
 * client, which an ID token does not name.
 *
 * Sources (read 2026-11-29):
 * https://docs.azure.cn/en-us/Entra/identity-platform/access-token-claims-reference, and for
 * external tenants https://entradiff.merill.net/2026-02-07.html.
 */

import { type Actor, actorsOf } from '../../access-token/actor.js'
import type { SubjectKind } from '../../access-token/claim-reader.js'
import { ownMember } from '../../base/plain-object.js'
import { missingClaim } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import {
  CLOUDS,
  checkKeyIssuer,
  checkTenantOfIssuer,
  EXTERNAL_TENANT,
  issuerOfTenant,
  isTenantId,
} from './entra-tenant.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'entra',
  audienceHint:
    'v2.0 tokens have the client ID of the API in "aud", v1.0 tokens that or its api:// URI',
  checkAccessToken(claims) {
    if (clientId(claims) === undefined) return notAnAccessToken('"azp" or "appid"')
    const rejection = checkTenantOfIssuer(claims)
    if (rejection !== undefined) return rejection
    // Entra issues a token for any API to any application of the tenant, even without permissions.
    if (scope(claims).length > 0 || roles(claims).length > 0) return undefined
    return missingClaim('"scp" or "roles": a token with neither grants no access')
  },
  checkKey: checkKeyIssuer,
  scope,
  clientId,
  roles,
  permissions: () => [],
  subjectKind,
  actors,
}

const TEMPLATES = CLOUDS.flatMap(({ v1, v2 }) => [v2, v1])

export const entra: Provider = {
  name: 'entra',
  profile: () => profile,
  owns: (url) => templateFor(url) !== undefined,
  issuerConfigError,
  audienceConfigError,
  tenants: { vendor: 'Entra ID', templates: TEMPLATES },
  otherIssuerAdvice,
}

function scope(claims: Claims): readonly string[] {
  return scopeTokens(ownMember(claims, 'scp'))
}

function roles(claims: Claims): readonly string[] {
  return names(ownMember(claims, 'roles'))
}

function clientId(claims: Claims): string | undefined {
  return firstString(claims, 'azp', 'appid')
}

/**
 * Only tokens for a user account have `scp`. The `sub` of a user is pairwise; the `sub` of an
 * application equals its `oid`. The user account of an agent is not a user: no person signs in to
 * it.
 */
function subjectKind(claims: Claims): SubjectKind {
  const sub = firstString(claims, 'sub')
  if (ownMember(claims, 'idtyp') === 'app') return 'client'
  if (scope(claims).length > 0) return isAgentSubject(claims) ? 'unknown' : 'user'
  return sub !== undefined && sub === ownMember(claims, 'oid') ? 'client' : 'unknown'
}

/**
 * Returns the actors in `act`. If there are none, returns the agent identity that uses a user
 * account (of a person, or its own). An agent identity that uses its own application permissions is
 * the subject, not an actor.
 */
function actors(claims: Claims): readonly Actor[] {
  const named = actorsOf(claims)
  if (named.length > 0 || subjectKind(claims) === 'client') return named
  // "xms_par_app_azp" is the blueprint of an agent identity; other clients have none.
  const isAgent =
    hasFacet(claims, 'xms_act_fct', AGENT_IDENTITY) || Object.hasOwn(claims, 'xms_par_app_azp')
  if (!isAgent && !isAgentSubject(claims)) return []
  return [Object.freeze({ subject: undefined, issuer: undefined, clientId: clientId(claims) })]
}

/** Facets of Entra Agent ID: the numbers in `xms_act_fct` and `xms_sub_fct`, in any order. */
const AGENT_IDENTITY = '11'
const AGENT_USER_ACCOUNT = '13'

function isAgentSubject(claims: Claims): boolean {
  return [AGENT_IDENTITY, AGENT_USER_ACCOUNT].some((facet) =>
    hasFacet(claims, 'xms_sub_fct', facet),
  )
}

/**
 * Whether the claim has the facet. A claim that is not a string counts as having every facet, so
 * that a malformed claim cannot hide an agent.
 */
function hasFacet(claims: Claims, name: string, facet: string): boolean {
  const facets = ownMember(claims, name)
  if (facets === undefined) return false
  return typeof facets !== 'string' || facets.split(/\s+/).includes(facet)
}

/**
 * Returns the template of the issuer identifiers on this host; `undefined` if the host is not
 * Entra's. An external tenant has hosts with its ID and with its name.
 */
function templateFor({ hostname }: URL): string | undefined {
  if (hostname.endsWith('.ciamlogin.com')) return EXTERNAL_TENANT
  return TEMPLATES.find((template) => template.startsWith(`https://${hostname}/`))
}

function issuerConfigError(url: URL, issuer: string): string | undefined {
  const template = templateFor(url) as string
  const tenant = (url.pathname.split('/')[1] as string).toLowerCase()
  if (!isTenantId(tenant)) {
    return `contains no tenant ID, but the "iss" of tokens does. Use ${issuersOf('<tenant ID>', template)}`
  }
  if (issuer === issuerOfTenant(template, tenant)) return undefined
  return `is not the issuer identifier of an Entra ID tenant. Use ${issuersOf(tenant, template)}`
}

/** Returns the tenant's issuer identifiers on the template's host, as text for a message. */
function issuersOf(tenant: string, template: string): string {
  const cloud = CLOUDS.find(({ v2 }) => v2 === template)
  if (cloud === undefined) return issuerOfTenant(template, tenant)
  const [v2, v1] = [issuerOfTenant(cloud.v2, tenant), issuerOfTenant(cloud.v1, tenant)]
  return `${v2} for tokens whose "ver" is 2.0, ${v1} for those whose "ver" is 1.0`
}

/**
 * Returns why no v2.0 token has one of these audiences; `undefined` if a token may have one. The
 * `aud` of a v2.0 token is always the client ID of the API.
 */
function audienceConfigError(url: URL, audience: ReadonlySet<string>): string | undefined {
  const template = templateFor(url)
  const isV2 = template === EXTERNAL_TENANT || CLOUDS.some(({ v2 }) => v2 === template)
  if (!isV2 || [...audience].some(isTenantId)) return undefined
  return 'must contain the client ID of the API, a GUID, which is the "aud" of v2.0 tokens of Entra ID'
}

function otherIssuerAdvice({ iss, tid }: Claims, trusted: string): string {
  if (typeof tid === 'string' && trusted.includes(`/${tid}/`)) {
    const isExternal = [`${iss}`, trusted].some((issuer) => issuer.includes('.ciamlogin.com/'))
    if (isExternal) {
      return `The tenant is correct, but the token is from another issuer of the tenant. If you trust that issuer, set "issuer" of the API to ${iss}`
    }
    return `The tenant is correct, but the token has another version. In the API's registration, set "requestedAccessTokenVersion" to 2 for tokens of https://login.microsoftonline.com/…/v2.0, or to 1 or null for tokens of https://sts.windows.net/…/. Or set "issuer" of the API to ${iss}`
  }
  return `The token is from another tenant of Entra ID. Sign in to the tenant of ${trusted}, not to another one or to "common"; or, if you trust that tenant, set "issuer" of the API to ${iss}`
}
