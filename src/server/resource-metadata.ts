/**
 * Builds the protected resource metadata (RFC 9728), which tells a client that knows only the URL of
 * the API where to get a token. The plugin serves the metadata at a well-known URL, and every
 * challenge names that URL.
 */
import { OFFLINE_ACCESS } from './resource-metadata-option.js'

/** Protected resource metadata (RFC 9728 §2). Members without a value are omitted. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly authorization_details_types_supported?: readonly string[]
  readonly bearer_methods_supported?: readonly string[]
  readonly resource_name?: string
  readonly resource_documentation?: string
  readonly resource_policy_uri?: string
  readonly resource_tos_uri?: string
  readonly tls_client_certificate_bound_access_tokens?: boolean
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly dpop_bound_access_tokens_required?: boolean
}

/** The resolved options from which the metadata is built. */
export interface ResourceMetadataSource {
  readonly resource: string
  readonly fixed: Readonly<Record<string, string>>
  readonly authorizationServers: readonly string[]
  readonly scopes: readonly string[] | undefined
  readonly dpop: { readonly algs: readonly string[]; readonly isRequired: boolean } | undefined
  readonly acceptsCertificates: boolean
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

export class ResourceMetadata {
  /** Resource identifier of the API. */
  readonly resource: string
  /** URL of the metadata, for the challenge (RFC 9728 §5.1). */
  readonly url: string
  /** The path of {@link url}. */
  readonly path: string
  /**
   * All paths that clients request. For a resource that ends in a slash, these are `path` and the
   * same path without the slash, which the official MCP client requests (unlike RFC 9728 §3.1).
   */
  readonly paths: readonly string[]
  readonly #source: ResourceMetadataSource
  readonly #scope = new Set<string>()
  readonly #detailsTypes = new Set<string>()

  constructor(source: ResourceMetadataSource) {
    const { origin, pathname } = new URL(source.resource)
    this.resource = source.resource
    // RFC 9728 §3.1: the well-known path is inserted between the host and the path of the resource.
    // A path that is only a slash is omitted.
    this.path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
    this.paths = [...new Set([this.path, this.path.replace(/\/$/, '')])]
    this.url = `${origin}${this.path}`
    this.#source = source
  }

  /** Adds the scope that a route requires to `scopes_supported`. */
  addScope(tokens: Iterable<string>): void {
    for (const token of tokens) {
      if (token !== '' && token !== OFFLINE_ACCESS) this.#scope.add(token)
    }
  }

  /** Adds required types of authorization details to `authorization_details_types_supported`. */
  addAuthorizationDetailsTypes(types: Iterable<string>): void {
    for (const type of types) this.#detailsTypes.add(type)
  }

  /**
   * Returns the metadata. Without the option `scopes`, `scopes_supported` lists the fixed scope of
   * the routes declared so far, except the scope of hidden routes and `offline_access`.
   */
  document(): ProtectedResourceMetadata {
    const { resource, authorizationServers, scopes, fixed, dpop, acceptsCertificates } =
      this.#source
    return {
      resource,
      ...some('authorization_servers', authorizationServers),
      ...some('scopes_supported', scopes ?? [...this.#scope].sort()),
      ...some('authorization_details_types_supported', [...this.#detailsTypes].sort()),
      bearer_methods_supported: ['header'],
      ...fixed,
      ...(acceptsCertificates && { tls_client_certificate_bound_access_tokens: true }),
      ...(dpop !== undefined && { dpop_signing_alg_values_supported: dpop.algs }),
      ...(dpop?.isRequired === true && { dpop_bound_access_tokens_required: true }),
    }
  }
}

/** Returns an object with the member, or an empty object if there are no values (RFC 9728 §3.2). */
function some(member: string, values: readonly string[]): object {
  return values.length === 0 ? {} : { [member]: values }
}
