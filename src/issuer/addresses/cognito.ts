/** What an address of Amazon Cognito as issuer means. */

const POOLS = /^(?:issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/
const SIGN_IN = /\.amazoncognito\.com$/

export function isCognitoHost({ hostname }: URL): boolean {
  return POOLS.test(hostname) || SIGN_IN.test(hostname)
}

export function cognitoMistake({ hostname, pathname }: URL, issuer: string): string | undefined {
  if (SIGN_IN.test(hostname)) {
    return `is where users of a pool sign in. Use ${POOL}`
  }
  const [, pool] = /^\/([\w-]+_[0-9A-Za-z]+)(?:\/|$)/.exec(pathname) ?? []
  const name = pool === undefined ? POOL : `https://${hostname}/${pool}`
  return issuer === name ? undefined : `is not what Cognito calls a user pool. Use ${name}`
}

const POOL = 'https://cognito-idp.<region>.amazonaws.com/<user pool ID>'
