/** Discovers the key set and the endpoints of a transmitter of security events (SSF 1.0 §7). */
import { type DiscoveryOptions, type MetadataDocument, readMetadata } from './discovery.js'
import type { AuthorizationServerMetadata } from './metadata.js'

/**
 * Discovers the URL of the key set of a transmitter of security events (SSF 1.0 §7).
 *
 * @throws the errors of {@link readMetadata}.
 */
export function discoverTransmitter(
  issuer: string,
  options: DiscoveryOptions,
): Promise<AuthorizationServerMetadata> {
  const read = (document: MetadataDocument) => ({ issuer, jwksUri: document.address('jwks_uri') })
  return readMetadata([transmitterMetadataUrl(issuer)], issuer, options, read)
}

/** The members of a transmitter's metadata that the management of streams needs (SSF 1.0 §7.1). */
export interface StreamManagementMetadata {
  readonly configurationEndpoint: string | undefined
  readonly statusEndpoint: string | undefined
  readonly verificationEndpoint: string | undefined
  /** `undefined` if the metadata lists no delivery methods or the list is invalid. */
  readonly deliveryMethods: readonly string[] | undefined
}

/**
 * Discovers the endpoints with which a receiver manages its streams (SSF 1.0 §8.1). An endpoint that
 * the metadata lacks is `undefined`.
 *
 * @throws the errors of {@link readMetadata}.
 */
export function discoverStreamManagement(
  issuer: string,
  options: DiscoveryOptions,
): Promise<StreamManagementMetadata> {
  const read = (document: MetadataDocument) => ({
    configurationEndpoint: document.optionalAddress('configuration_endpoint'),
    statusEndpoint: document.optionalAddress('status_endpoint'),
    verificationEndpoint: document.optionalAddress('verification_endpoint'),
    deliveryMethods: document.strings('delivery_methods_supported'),
  })
  return readMetadata([transmitterMetadataUrl(issuer)], issuer, options, read)
}

/** Inserts the well-known path of SSF before the path of the issuer (SSF 1.0 §7.2.1). */
function transmitterMetadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/ssf-configuration${pathname.replace(/\/$/, '')}`
}
