/**
 * Advises on a token of an untrusted issuer. Often the `iss` is the identifier of the trusted
 * issuer, but is spelled differently.
 */

import { canParseUrl } from '../../base/can-parse-url.js'
import { providerOwning } from '../../issuer/providers/providers.js'
import type { Claims } from '../../token/compact-jws.js'
import { spellingDifference } from './spelling.js'

/** @param trusted the identifier of the trusted issuer. */
export function issuerAdvice(claims: Claims, trusted: string): string {
  const { iss } = claims
  if (typeof iss !== 'string' || iss === '') {
    return 'The token has no issuer identifier, or an invalid one: it is not from this issuer.'
  }
  if (iss === trusted) return '"tid" and "iss" name different tenants: do not trust the token.'
  const difference = spellingDifference(iss, trusted)
  if (difference !== undefined) {
    return `The issuer identifiers differ only in ${difference}. Set the API's "issuer" to the value in the token, exactly: ${iss}`
  }
  if (differsInLocalHost(iss, trusted)) {
    return `The issuer identifiers differ only in host or port. Many servers write the address at which the client reached them into "iss": set the public address of the server (Keycloak: KC_HOSTNAME), get the token at ${trusted}, or set the API's "issuer" to the value in the token, exactly: ${iss}`
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
  return `Get a token from ${trusted}; or, if you trust the issuer of this token, set the API's "issuer" to it, exactly: ${iss}`
}

/**
 * Whether two identifiers differ only in host and port, and one host is local: an IP address, or a
 * name without a dot, such as `localhost` or that of a container.
 */
function differsInLocalHost(one: string, other: string): boolean {
  const [a, b] = [parsed(one), parsed(other)]
  if (a === undefined || b === undefined) return false
  const isLocal = ({ hostname }: URL) => !hostname.includes('.') || /^[\d.]+$/.test(hostname)
  return a.pathname === b.pathname && a.protocol === b.protocol && (isLocal(a) || isLocal(b))
}

/** Returns the identifier as a URL; `undefined` if it is not a URL. */
function parsed(identifier: string): URL | undefined {
  return canParseUrl(identifier) ? new URL(identifier) : undefined
}
