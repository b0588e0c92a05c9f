/**
 * What an Okta domain as issuer means, and the ways of getting it wrong that are not seen until the
 * first token is refused.
 */

const DOMAIN = /\.(?:okta|oktapreview|okta-emea)\.com$/
/** Metadata is at the issuer identifier, and in a well-known place of its host. */
const METADATA = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)/
/** `v1` is no server: endpoints of the org authorization server are below it. */
const CUSTOM_SERVER = /^\/oauth2\/(?!v1(?:\/|$))([^/]+)/

export function isOktaDomain(issuer: URL): boolean {
  return DOMAIN.test(issuer.hostname)
}

/** The org authorization server: its issuer is the bare domain, its endpoints are /oauth2/v1/…. */
export function isOktaOrganization(issuer: URL): boolean {
  const path = issuer.pathname.replace(METADATA, '')
  return isOktaDomain(issuer) && /^(?:\/oauth2)?(?:\/v1(?:\/.*)?)?\/?$/.test(path)
}

function isAdminConsole({ hostname }: URL): boolean {
  return /-admin$/.test(hostname.replace(DOMAIN, ''))
}

/**
 * Why this issuer can't be used, with the fix; `undefined` if it can.
 *
 * @param isIntrospected whether Okta is asked about its tokens, which the org authorization server needs.
 */
export function oktaMistake(
  issuer: URL,
  name: string,
  isIntrospected: boolean,
): string | undefined {
  const { hostname, pathname } = issuer
  if (isAdminConsole(issuer)) {
    const domain = hostname.replace('-admin.', '.')
    return `is the address of Okta's admin console. Use https://${domain}/oauth2/default`
  }
  if (isOktaOrganization(issuer)) {
    if (isIntrospected) return differs(name, `https://${hostname}`, 'its org authorization server')
    return (
      `is Okta's org authorization server, whose access tokens only Okta itself can validate. ` +
      `Use a custom authorization server, such as https://${hostname}/oauth2/default ` +
      `(Okta admin console: Security > API > Authorization Servers), or ask Okta about each ` +
      `token: issuer https://${hostname} with "introspection"`
    )
  }
  const [, server = 'default'] = CUSTOM_SERVER.exec(pathname.replace(METADATA, '')) ?? []
  return differs(name, `https://${hostname}/oauth2/${server}`, 'a custom authorization server')
}

function differs(name: string, own: string, server: string): string | undefined {
  return name === own ? undefined : `is not what Okta calls ${server}. Use ${own}`
}
