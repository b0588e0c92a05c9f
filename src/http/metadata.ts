/**
 * Discovers the URLs of an issuer's key set, introspection endpoint and token endpoint (RFC 8414 §3,
 * OpenID Connect Discovery 1.0 §4).
 */
import { type DiscoveryOptions, type MetadataDocument, readMetadata } from './discovery.js'

/** The members of an authorization server's metadata that the verification of tokens needs. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwksUri: string
}

/** The members of an authorization server's metadata that introspection needs. */
export interface IntrospectionMetadata {
  readonly endpoint: string
  /**
   * Algorithms of signed introspection responses (RFC 9701 §7); `undefined` if the metadata lists
   * no algorithms or the list is invalid.
   */
  readonly signingAlgorithms: readonly string[] | undefined
}

/** Placeholder for a tenant ID in the issuer identifier of Entra ID's multi-tenant metadata. */
export const TENANT_PLACEHOLDER = '{tenantid}'

/** Whether an issuer identifier has the placeholder, and therefore stands for every tenant. */
export function isTenantTemplate(issuer: string): boolean {
  return issuer.includes(TENANT_PLACEHOLDER)
}

/**
 * Returns the possible metadata URLs, in the order in which they are tried. The first URL is the
 * most common: it appends the well-known path of OpenID Connect to the path of the issuer. The next
 * URL inserts the well-known path of OpenID Connect before the path of the issuer, and the last URL
 * inserts that of OAuth. For an issuer without a path, the first two URLs are equal, and the array
 * contains only one of them.
 *
 * Entra ID serves the metadata of all tenants under `common`, which therefore replaces the
 * placeholder.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer.replaceAll(TENANT_PLACEHOLDER, 'common'))
  // A terminating slash must be removed first (RFC 8414 §3.1).
  const path = pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}${path}/.well-known/openid-configuration`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}/.well-known/oauth-authorization-server${path}`,
    ]),
  ]
}

/**
 * Discovers the URL of the key set.
 *
 * @throws the errors of {@link readMetadata}.
 */
export function discover(
  issuer: string,
  options: DiscoveryOptions,
): Promise<AuthorizationServerMetadata> {
  return readMetadata(metadataUrls(issuer), issuer, options, (document) => ({
    issuer,
    jwksUri: document.address('jwks_uri'),
  }))
}

/**
 * Discovers the introspection endpoint. The metadata may lack the URL of a key set.
 *
 * @throws the errors of {@link readMetadata}.
 */
export function discoverIntrospection(
  issuer: string,
  options: DiscoveryOptions,
): Promise<IntrospectionMetadata> {
  return readMetadata(metadataUrls(issuer), issuer, options, (document) => ({
    endpoint: document.address('introspection_endpoint'),
    signingAlgorithms: document.strings('introspection_signing_alg_values_supported'),
  }))
}

/**
 * Discovers the token endpoint. The metadata may lack the URL of a key set.
 *
 * @throws the errors of {@link readMetadata}.
 */
export function discoverTokenEndpoint(issuer: string, options: DiscoveryOptions): Promise<string> {
  const read = (document: MetadataDocument) => document.address('token_endpoint')
  return readMetadata(metadataUrls(issuer), issuer, options, read)
}
