import type { Locations } from '../endpoints/metadata.js'
import { POLL, PUSH } from './stream.js'

/**
 * Returns the metadata of the server as a transmitter (SSF 1.0 §7.1).
 *
 * @param base the URL below which the endpoints are.
 */
export function transmitterMetadata({ issuer, jwksUri }: Locations, base: string): object {
  return {
    spec_version: '1_0',
    issuer,
    jwks_uri: jwksUri,
    delivery_methods_supported: [PUSH, POLL],
    configuration_endpoint: `${base}/streams`,
    status_endpoint: `${base}/status`,
    verification_endpoint: `${base}/verification`,
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    // Every stream has the events of all users, so that no endpoint adds subjects.
    default_subjects: 'ALL',
  }
}
