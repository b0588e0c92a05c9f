/** What to do about a token of an issuer that isn't trusted: mostly it is the same, misspelt. */

import { canParseUrl } from '../../base/can-parse-url.js'
import { isEntraHost } from '../../issuer/addresses/entra.js'
import { issuerMistake } from '../../issuer/addresses/known.js'
import { isOktaOrganization } from '../../issuer/addresses/okta.js'
import type { Claims } from '../../issuer/issuer.js'
import { spellingDifference } from './spelling.js'

/** @param trusted the name of the one that is. */
export function issuerAdvice({ iss, tid }: Claims, trusted: string): string {
  if (typeof iss !== 'string' || iss === '') {
    return 'The token names no issuer, or something that is none: it is not from there.'
  }
  if (iss === trusted) return '"tid" and "iss" name two tenants: do not trust it.'
  const difference = spellingDifference(iss, trusted)
  if (difference !== undefined) {
    return `They differ by ${difference}. Have the API's "issuer" be what the token says, exactly: ${iss}`
  }
  const [url, trustedUrl] = [parsed(iss), parsed(trusted)]
  if (url !== undefined && isOktaOrganization(url)) return `${iss} ${issuerMistake(url, iss)}`
  if (url !== undefined && trustedUrl !== undefined) {
    if (isEntraHost(url) && isEntraHost(trustedUrl)) return entraAdvice(iss, tid, trusted)
  }
  return `Get a token from ${trusted}; or, if you trust the one that it is from, have the API's "issuer" name it, exactly: ${iss}`
}

/** Returns `undefined` for an issuer identifier that is no URL. */
function parsed(identifier: string): URL | undefined {
  return canParseUrl(identifier) ? new URL(identifier) : undefined
}

function entraAdvice(iss: string, tid: unknown, trusted: string): string {
  if (typeof tid === 'string' && trusted.includes(`/${tid}/`)) {
    return `The tenant is the right one, the version of the token isn't. Set "requestedAccessTokenVersion" to 2 in the API's registration for https://login.microsoftonline.com/…/v2.0 (null or 1: https://sts.windows.net/…/), or have the API's "issuer" be ${iss}`
  }
  return `The token is of another tenant of Entra ID. Sign in to the tenant of ${trusted}, not to another or to "common"; or, if you trust that tenant, have the API's "issuer" name it: ${iss}`
}
