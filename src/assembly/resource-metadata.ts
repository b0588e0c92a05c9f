/** What the API says of itself (RFC 9728), if it does. */
import type { Binding } from '../binding/binding.js'
import type { ResolvedOptions } from '../options/resource-server-options.js'
import { ResourceMetadata } from '../resource-metadata.js'
import { namedIssuers } from './issuers.js'

export function assembleResourceMetadata(
  resolved: ResolvedOptions,
  { demand }: Binding,
): ResourceMetadata | undefined {
  const { resourceMetadata, dpop } = resolved
  if (resourceMetadata === undefined) return undefined
  const { authorizationServers } = resourceMetadata
  return new ResourceMetadata({
    ...resourceMetadata,
    // Never those that a function named meanwhile: the list of an API's customers is nobody's business.
    authorizationServers: authorizationServers ?? [...namedIssuers(resolved).keys()],
    dpop: dpop && { algs: [...dpop.algorithms], isRequired: dpop.mode === 'required' },
    takesCertificates: demand.mtls !== 'off',
  })
}
