/**
 * Defines the profile of Okta's custom authorization servers. Okta sets `typ` neither in access
 * tokens nor in ID tokens, but only access tokens have `cid`. Only tokens of users have `uid`: the
 * user ID, which is the `sub` of ID tokens. The `sub` of access tokens is the login of the user.
 *
 * Source (read 2026-11-29): https://developer.okta.com/standards/OIDC/.
 */
import { ownMember } from '../../base/plain-object.js'
import { checkVendorString } from '../../token/claims.js'
import { firstString, scopeTokens } from './claim-values.js'
import type { Provider, ResolvedProfile } from './provider.js'
import { kindByClient, standardProfile } from './standard.js'

const profile: ResolvedProfile = {
  ...standardProfile,
  name: 'okta',
  requiredClaims: ['cid'],
  checkAccessToken: (claims) =>
    checkVendorString(claims, 'cid') ?? checkVendorString(claims, 'uid'),
  scope: (claims) => scopeTokens(ownMember(claims, 'scp')),
  clientId: (claims) => firstString(claims, 'cid'),
  subjectKind: (claims) =>
    firstString(claims, 'uid') === undefined
      ? kindByClient(claims, firstString(claims, 'cid'))
      : 'user',
  idTokenSubject: (claims) => firstString(claims, 'uid'),
}

const DOMAIN = /\.(?:(?:okta|oktapreview|okta-emea|okta-gov)\.com|okta\.mil)$/
/** Path of Okta's metadata, which is below the issuer identifier or at the root of the host. */
const METADATA = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)/
/** Excludes `v1`, below which Okta serves the endpoints of the org authorization server. */
const CUSTOM_SERVER = /^\/oauth2\/(?!v1(?:\/|$))([^/]+)/

export const okta: Provider = {
  name: 'okta',
  profile: () => profile,
  owns: isOktaDomain,
  issuerConfigError,
  introspectionOnly: isOrganizationServer,
}

function isOktaDomain({ hostname }: URL): boolean {
  return DOMAIN.test(hostname)
}

/**
 * Whether the URL belongs to the org authorization server: its issuer is the bare domain, and its
 * endpoints are below `/oauth2/v1/`.
 */
function isOrganizationServer(url: URL): boolean {
  const path = url.pathname.replace(METADATA, '')
  return isOktaDomain(url) && /^(?:\/oauth2)?(?:\/v1(?:\/.*)?)?\/?$/.test(path)
}

function isAdminConsole({ hostname }: URL): boolean {
  return /-admin$/.test(hostname.replace(DOMAIN, ''))
}

function issuerConfigError(url: URL, issuer: string, isIntrospected: boolean): string | undefined {
  const { hostname, pathname } = url
  if (isAdminConsole(url)) {
    const domain = hostname.replace('-admin.', '.')
    return `is the URL of Okta's admin console. Use https://${domain}/oauth2/default`
  }
  if (isOrganizationServer(url)) {
    if (isIntrospected)
      return identifierError(issuer, `https://${hostname}`, "Okta's org authorization server")
    return (
      `is Okta's org authorization server, whose access tokens only Okta itself can validate. ` +
      `Use a custom authorization server, such as https://${hostname}/oauth2/default ` +
      `(Okta admin console: Security > API > Authorization Servers), or introspect each token at ` +
      `Okta: set "issuer" to https://${hostname}, and "introspection"`
    )
  }
  const [, server = 'default'] = CUSTOM_SERVER.exec(pathname.replace(METADATA, '')) ?? []
  return identifierError(
    issuer,
    `https://${hostname}/oauth2/${server}`,
    'a custom authorization server',
  )
}

function identifierError(issuer: string, identifier: string, server: string): string | undefined {
  return issuer === identifier
    ? undefined
    : `is not the issuer identifier of ${server}. Use ${identifier}`
}
