/**
 * What an Okta domain as issuer means, and the two ways of getting it wrong that are not seen
 * until the first token is refused.
 */

const DOMAIN = /\.(?:okta|oktapreview|okta-emea)\.com$/

export function isOktaDomain(issuer: URL): boolean {
  return DOMAIN.test(issuer.hostname)
}

/** Why this issuer can't be used for local validation, with the mend; `undefined` if it can. */
export function oktaMistake(issuer: URL): string | undefined {
  const { hostname, pathname } = issuer
  if (/-admin$/.test(hostname.replace(DOMAIN, ''))) {
    const domain = hostname.replace('-admin.', '.')
    return `is the address of Okta's admin console. Use https://${domain}/oauth2/default`
  }
  // The org authorization server: its issuer is the bare domain, its endpoints are /oauth2/v1/….
  if (/^(?:\/oauth2)?(?:\/v1)?\/?$/.test(pathname)) {
    return (
      `is Okta's org authorization server, whose access tokens only Okta itself can validate. ` +
      `Use a custom authorization server, such as https://${hostname}/oauth2/default ` +
      `(Okta admin console: Security > API > Authorization Servers)`
    )
  }
  return undefined
}
