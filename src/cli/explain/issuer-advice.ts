/** Advice for a token of an untrusted issuer, which often is the trusted one, misspelled. */

import { canParseUrl } from '../../base/can-parse-url.js'
import { providerOwning } from '../../issuer/providers/providers.js'
import type { Claims } from '../../token/compact-jws.js'
import { spellingDifference } from './spelling.js'

/** @param trusted identifier of the trusted issuer. */
export function issuerAdvice(claims: Claims, trusted: string): string {
  const { iss } = claims
  if (typeof iss !== 'string' || iss === '') {
    return 'The token names no issuer, or something that is none: it is not from there.'
  }
  if (iss === trusted) return '"tid" and "iss" name two tenants: do not trust it.'
  const difference = spellingDifference(iss, trusted)
  if (difference !== undefined) {
    return `They differ by ${difference}. Have the API's "issuer" be what the token says, exactly: ${iss}`
  }
  const url = parsed(iss)
  const provider = url && providerOwning(url)
  if (url !== undefined && provider?.introspectionOnly?.(url)) {
    return `${iss} ${provider.issuerConfigError?.(url, iss, false)}`
  }
  const trustedUrl = parsed(trusted)
  if (trustedUrl !== undefined && provider === providerOwning(trustedUrl)) {
    const advice = provider?.otherIssuerAdvice?.(claims, trusted)
    if (advice !== undefined) return advice
  }
  return `Get a token from ${trusted}; or, if you trust the one that it is from, have the API's "issuer" name it, exactly: ${iss}`
}

/** Returns `undefined` for an issuer identifier that is no URL. */
function parsed(identifier: string): URL | undefined {
  return canParseUrl(identifier) ? new URL(identifier) : undefined
}
