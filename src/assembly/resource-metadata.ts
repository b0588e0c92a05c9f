/** What the API says of itself (RFC 9728), if it does. */
import type { Binding } from '../binding/binding.js'
import type { IssuerSource } from '../issuer/issuer.js'
import type { ResolvedOptions } from '../options/resource-server-options.js'
import { ResourceMetadata } from '../resource-metadata.js'

export function assembleResourceMetadata(
  { resourceMetadata, dpop }: ResolvedOptions,
  issuers: IssuerSource,
  { demand }: Binding,
): ResourceMetadata | undefined {
  if (resourceMetadata === undefined) return undefined
  const { authorizationServers } = resourceMetadata
  return new ResourceMetadata({
    ...resourceMetadata,
    authorizationServers: () =>
      authorizationServers ?? issuers.issuers().map(({ issuer }) => issuer),
    dpop: dpop && { algs: [...dpop.algorithms], isRequired: dpop.mode === 'required' },
    takesCertificates: demand.mtls !== 'off',
  })
}
