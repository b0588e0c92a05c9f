/** What the API says of itself (RFC 9728), if it does. */

import { reject } from '../base/check.js'
import type { Binding } from '../binding/binding.js'
import { isSecureUrl } from '../http/secure-url.js'
import { isMetadataUrl } from '../issuer/identifier.js'
import type { ResolvedOptions } from './options.js'
import { ResourceMetadata } from './resource-metadata.js'

export function assembleResourceMetadata(
  resolved: ResolvedOptions,
  { demand }: Binding,
): ResourceMetadata | undefined {
  const { resourceMetadata, dpop } = resolved
  if (resourceMetadata === undefined) return undefined
  const { authorizationServers } = resourceMetadata
  return new ResourceMetadata({
    ...resourceMetadata,
    authorizationServers: authorizationServers ?? discoverableIssuers(resolved),
    dpop: dpop && { algs: [...dpop.algorithms], isRequired: dpop.mode === 'required' },
    takesCertificates: demand.mtls !== 'off',
  })
}

/**
 * The issuers in the options that clients can look up (RFC 9728 §2: identifiers of RFC 8414). Issuers
 * that a function names are left out, because they are the list of the API's customers.
 */
function discoverableIssuers({ issuers }: ResolvedOptions): readonly string[] {
  if (issuers.from === 'application') return []
  const names = issuers.issuers
    .filter(
      ({ issuer, allowHttp }) =>
        isMetadataUrl(issuer) && isSecureUrl(issuer, { allowHttp, mayBeLoopback: true }),
    )
    .map(({ issuer }) => issuer)
  if (names.length > 0) return names
  return reject(
    'resourceMetadata.authorizationServers',
    'must name the https URLs at which clients find the metadata of your authorization servers: ' +
      'no "issuer" is such a URL',
  )
}
