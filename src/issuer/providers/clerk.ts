/**
 * Defines the profile of Clerk. One key of a Clerk instance signs session tokens, tokens of JWT
 * templates, machine-to-machine tokens and OAuth tokens. Session tokens have `sid`, and usually no
 * `aud`; their `azp` is the origin of the front end. The header parameter `cat` marks the type of
 * most tokens.
 *
 * A template token or an OAuth token may be for another service, and grants a third party less than
 * a session token. This profile therefore accepts tokens that are not session tokens only if they
 * name this API in `aud`, or a client in `client_id`, that the option `audience` lists.
 *
 * Sources (read 2026-11-29): https://clerk.com/docs/guides/sessions/session-tokens,
 * https://clerk.com/docs/guides/sessions/jwt-templates, and in https://github.com/clerk/javascript,
 * packages/backend/src/tokens/jwtCategories.ts and packages/shared/src/jwtPayloadParser.ts.
 */
import type { SubjectKind } from '../../access-token/claim-reader.js'
import { isJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import type { Claims } from '../../token/compact-jws.js'
import type { HeaderParameters } from '../../token/jose-header.js'
import { notAnAccessToken } from '../../token/token-type.js'
import { firstString, names, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { standardProfile } from './standard.js'

/** Values of `cat` in session tokens. Some instances set the second value in all their tokens. */
const SESSION_CATEGORIES = ['cl_B7d4PD111AAA', 'cl_I7d4PD111III']

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'clerk',
  audienceHint: 'session tokens have no "aud", unless you add it to them in the Clerk dashboard',
  scope: (claims) => scopeTokens(ownMember(claims, 'scope') ?? ownMember(claims, 'scopes')),
  scopeHint: (claims) =>
    Object.hasOwn(claims, 'sid')
      ? 'session tokens of Clerk have no scope: require roles or permissions with "authorize"'
      : undefined,
  clientId: (claims) =>
    firstString(claims, 'client_id') ??
    (subjectKind(claims) === 'client' ? firstString(claims, 'sub') : undefined),
  roles,
  groups: () => [],
  permissions,
  subjectKind,
}

export const clerk: Provider = {
  name: 'clerk',
  profile: (audience) => ({
    ...profile,
    checkAccessToken(claims, header) {
      if (namesApiOrClient(claims, audience)) return checkActive(claims)
      if (isSessionToken(claims, header)) return checkActive(claims)
      return notAnAccessToken(
        'a session token ("sid", and no "aud"), or "aud" or "client_id" with a value of "audience"',
      )
    },
  }),
  mayOmitAudience: true,
  owns: ({ hostname }) => hostname.endsWith('.clerk.accounts.dev'),
  issuerConfigError({ origin }, issuer) {
    if (issuer === origin) return undefined
    return `is not the Frontend API URL of a Clerk instance. Use ${origin}`
  },
  jwksUri: (issuer) =>
    /^https:\/\/[a-z0-9.-]+$/.test(issuer) ? `${issuer}/.well-known/jwks.json` : undefined,
}

function namesApiOrClient(claims: Claims, audience: ReadonlySet<string>): boolean {
  const recipients = [...names(ownMember(claims, 'aud')), firstString(claims, 'client_id')]
  return recipients.some((recipient) => recipient !== undefined && audience.has(recipient))
}

/**
 * Whether the token is a session token without a recipient. The absence of `aud` excludes ID tokens
 * and tokens for other services. The prefix of `sid` excludes tokens that belong to no session,
 * such as those in links of invitations.
 */
function isSessionToken(claims: Claims, { cat, typ }: HeaderParameters): boolean {
  return (
    firstString(claims, 'sid')?.startsWith('sess_') === true &&
    !Object.hasOwn(claims, 'aud') &&
    (cat === undefined || SESSION_CATEGORIES.some((category) => category === cat)) &&
    (typ === undefined || (typeof typ === 'string' && typ.toLowerCase() === 'jwt'))
  )
}

/** Rejects a pending session: its user has not finished signing in, and counts as signed out. */
function checkActive(claims: Claims) {
  const status = ownMember(claims, 'sts')
  if (status === undefined || status === 'active') return undefined
  return notAnAccessToken('a session with "sts": active')
}

/** Clerk's identifiers of users and machines have different prefixes. */
function subjectKind(claims: Claims): SubjectKind {
  const sub = firstString(claims, 'sub')
  if (sub?.startsWith('user_')) return 'user'
  return sub?.startsWith('mch_') ? 'client' : 'unknown'
}

/** Returns the role in the active organization, such as `org:admin`, of tokens of both versions. */
function roles(claims: Claims): readonly string[] {
  const role = organizationMember(claims, 'rol')
  return role === undefined ? names(ownMember(claims, 'org_role')) : [`org:${role}`]
}

/**
 * Returns the permissions in the active organization, such as `org:invoices:read`. In version 2,
 * each number in `o.fpm` belongs to one feature of the organization, in the order of `fea`; its bit
 * `i` grants the permission `i` in `o.per` for that feature.
 */
function permissions(claims: Claims): readonly string[] {
  const permitted = listOf(organizationMember(claims, 'per'))
  const masks = listOf(organizationMember(claims, 'fpm'))
  if (permitted.length === 0) return names(ownMember(claims, 'org_permissions'))
  return organizationFeatures(claims).flatMap((feature, index) => {
    const mask = masks[index] ?? ''
    if (!/^\d{1,100}$/.test(mask)) return []
    return permitted
      .filter((_, bit) => ((BigInt(mask) >> BigInt(bit)) & 1n) === 1n)
      .map((permission) => `org:${feature}:${permission}`)
  })
}

/** Returns the features of the organization (scope `o`) in `fea`, such as `o:invoices,u:search`. */
function organizationFeatures(claims: Claims): readonly string[] {
  return listOf(firstString(claims, 'fea')).flatMap((entry) => {
    const [, feature] = /^(?:o|ou|uo):(.+)$/.exec(entry) ?? []
    return feature === undefined ? [] : [feature]
  })
}

function organizationMember(claims: Claims, name: string): string | undefined {
  const organization = ownMember(claims, 'o')
  return isJsonObject(organization) ? firstString(organization, name) : undefined
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',').map((item) => item.trim())
}
