/** What an Auth0 domain as issuer means. */

export function isAuth0Domain({ hostname }: URL): boolean {
  return hostname.endsWith('.auth0.com')
}

/** Auth0 calls itself by its domain, with a slash at the end: in `iss` and in its metadata. */
export function auth0Mistake(url: URL, issuer: string): string | undefined {
  const name = `https://${url.hostname}/`
  if (issuer === name) return undefined
  return `is not what Auth0 calls itself. Use ${name} with the slash at the end`
}
