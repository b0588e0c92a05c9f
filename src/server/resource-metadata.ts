/**
 * What a client that knows nothing but the API's URL needs to get a token for it (RFC 9728): served
 * at a well-known place, and named in every challenge.
 */

/** RFC 9728 §2. Members without a value are left out. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported?: readonly string[]
  readonly resource_name?: string
  readonly resource_documentation?: string
  readonly resource_policy_uri?: string
  readonly resource_tos_uri?: string
  readonly tls_client_certificate_bound_access_tokens?: boolean
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly dpop_bound_access_tokens_required?: boolean
}

export interface ResourceMetadataSource {
  readonly resource: string
  readonly fixed: Readonly<Record<string, string>>
  readonly authorizationServers: readonly string[]
  readonly dpop: { readonly algs: readonly string[]; readonly isRequired: boolean } | undefined
  readonly takesCertificates: boolean
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

export class ResourceMetadata {
  /** Where it is, for the challenge (§5.1). */
  readonly url: string
  /** The path of {@link url}. */
  readonly path: string
  /**
   * All paths at which clients look: `path`, and for a resource that ends in a slash the one without
   * it, because the official MCP client removes the slash, unlike §3.1.
   */
  readonly paths: readonly string[]
  readonly #source: ResourceMetadataSource
  readonly #scope = new Set<string>()

  constructor(source: ResourceMetadataSource) {
    const { origin, pathname } = new URL(source.resource)
    // §3.1: between host and path. Only the slash of an empty path is removed.
    this.path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
    this.paths = [...new Set([this.path, this.path.replace(/\/$/, '')])]
    this.url = `${origin}${this.path}`
    this.#source = source
  }

  /** Told of what each route asks for. */
  addScope(tokens: Iterable<string>): void {
    for (const token of tokens) if (token !== '') this.#scope.add(token)
  }

  /** As things are now. */
  document(): ProtectedResourceMetadata {
    const { resource, authorizationServers, fixed, dpop, takesCertificates } = this.#source
    return {
      resource,
      ...some('authorization_servers', authorizationServers),
      ...some('scopes_supported', [...this.#scope].sort()),
      bearer_methods_supported: ['header'],
      ...fixed,
      ...(takesCertificates && { tls_client_certificate_bound_access_tokens: true }),
      ...(dpop !== undefined && { dpop_signing_alg_values_supported: dpop.algs }),
      ...(dpop?.isRequired === true && { dpop_bound_access_tokens_required: true }),
    }
  }
}

/** §3.2: a member with nothing in it must be left out. */
function some(member: string, values: readonly string[]): object {
  return values.length === 0 ? {} : { [member]: values }
}
