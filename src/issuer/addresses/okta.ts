/**
 * What an Okta domain as issuer means, and the two ways of getting it wrong that are not seen
 * until the first token is refused.
 */

const DOMAIN = /\.(?:okta|oktapreview|okta-emea)\.com$/

export function isOktaDomain(issuer: URL): boolean {
  return DOMAIN.test(issuer.hostname)
}

/** The org authorization server: its issuer is the bare domain, its endpoints are /oauth2/v1/…. */
export function isOktaOrganization(issuer: URL): boolean {
  return isOktaDomain(issuer) && /^(?:\/oauth2)?(?:\/v1)?\/?$/.test(issuer.pathname)
}

/** The org authorization server under its name, which can be asked about its tokens. */
export function isOktaOrganizationName(issuer: URL, name: string): boolean {
  return isOktaOrganization(issuer) && !isAdminConsole(issuer) && name === issuer.origin
}

function isAdminConsole({ hostname }: URL): boolean {
  return /-admin$/.test(hostname.replace(DOMAIN, ''))
}

/** Why this issuer can't be used for local validation, with the mend; `undefined` if it can. */
export function oktaMistake(issuer: URL): string | undefined {
  const { hostname } = issuer
  if (isAdminConsole(issuer)) {
    const domain = hostname.replace('-admin.', '.')
    return `is the address of Okta's admin console. Use https://${domain}/oauth2/default`
  }
  if (isOktaOrganization(issuer)) {
    return (
      `is Okta's org authorization server, whose access tokens only Okta itself can validate. ` +
      `Use a custom authorization server, such as https://${hostname}/oauth2/default ` +
      `(Okta admin console: Security > API > Authorization Servers), or ask Okta about each ` +
      `token: issuer https://${hostname} with "introspection"`
    )
  }
  return undefined
}
