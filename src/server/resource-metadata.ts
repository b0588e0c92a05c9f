/**
 * Protected resource metadata (RFC 9728): the option, its check, and the document. It tells a client
 * that knows only the URL of the API where to get a token; the plugin serves it at a well-known URL,
 * which every challenge names.
 */
import { canParseUrl } from '../base/can-parse-url.js'
import { isPlainObject, reject, requireKnownKeys } from '../base/check.js'
import { isSecureUrl } from '../http/secure-url.js'

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

/** Metadata of this API as a protected resource. */
export interface ResourceMetadataOptions {
  /**
   * The name of this API for clients: the URL at which they call it, without query and fragment. It
   * is https, or http on loopback. Clients ask for tokens for it (RFC 8707), so it should be one of
   * `audience`. Its path has no dot segments; the plugin also refuses `*`, `;` and percent-encoded
   * reserved characters (`%2F`) there, because no route of Fastify matches them literally.
   */
  resource: string

  /**
   * The authorization servers from which clients may get tokens: https URLs (http on loopback).
   * Default: the issuers that stand in the options and are such URLs, without query and placeholder;
   * required where none of them is. None where a function as `issuer` knows them, which is not told to
   * anybody.
   */
  authorizationServers?: readonly string[]

  /** For people: `resource_name`. */
  name?: string
  /** URL of a page for developers: `resource_documentation`. */
  documentation?: string
  /** URL of a page about what a client may do with the data: `resource_policy_uri`. */
  policy?: string
  /** URL of the terms of service: `resource_tos_uri`. */
  termsOfService?: string
}

/** Checked. */
export interface ResolvedResourceMetadata {
  readonly resource: string
  readonly authorizationServers: readonly string[] | undefined
  /** The members that are as the option gave them. */
  readonly fixed: Readonly<Record<string, string>>
}

const PAGES = {
  documentation: 'resource_documentation',
  policy: 'resource_policy_uri',
  termsOfService: 'resource_tos_uri',
} as const

/** @throws {TypeError} that names the option and the fix. */
export function resolveResourceMetadata(
  option: string | ResourceMetadataOptions | undefined,
): ResolvedResourceMetadata | undefined {
  if (option === undefined) return undefined
  const given = typeof option === 'string' ? { resource: option } : option
  if (!isPlainObject(given)) {
    return reject('resourceMetadata', 'must be the URL of this API, or an object with "resource"')
  }
  const options = requireKnownKeys('"resourceMetadata"', given, [
    'resource',
    'authorizationServers',
    'name',
    ...Object.keys(PAGES),
  ])
  const { resource, authorizationServers, name } = options as unknown as ResourceMetadataOptions
  const fixed: Record<string, string> = {}
  if (name !== undefined) fixed.resource_name = requireText('name', name)
  for (const [page, member] of Object.entries(PAGES)) {
    const { [page]: url } = options as Record<string, unknown>
    if (url !== undefined) fixed[member] = requireUrl(page, url)
  }
  return Object.freeze({
    resource: requireResource(resource),
    authorizationServers:
      authorizationServers === undefined ? undefined : requireServers(authorizationServers),
    fixed: Object.freeze(fixed),
  })
}

/** It goes into a quoted-string of the challenge, as part of a URL. */
function requireResource(resource: unknown): string {
  const rules = { allowHttp: false, mayBeLoopback: true }
  if (
    typeof resource === 'string' &&
    /^[\x21\x23-\x3e\x40-\x5b\x5d-\x7e]+$/.test(resource) &&
    isSecureUrl(resource, rules) &&
    !resource.includes('#')
  ) {
    const found = /^https?:\/\/[^/]+(\/.*)?$/i.exec(resource)
    if (found !== null && (found[1] ?? '/') === new URL(resource).pathname) return resource
    // A client would read the metadata of one URL, in which another one stands.
    return reject(
      'resourceMetadata.resource',
      `must have its path as URL parsers write it, ${new URL(resource).pathname}: without dot ` +
        'segments, and with other characters percent-encoded',
    )
  }
  return reject(
    'resourceMetadata.resource',
    'must be the https URL of this API, without query and fragment, such as https://api.example.com',
  )
}

function requireServers(servers: unknown): readonly string[] {
  const isServer = (one: unknown) =>
    typeof one === 'string' && isSecureUrl(one, { allowHttp: false, mayBeLoopback: true })
  if (Array.isArray(servers) && servers.length > 0 && servers.every(isServer)) {
    return Object.freeze([...servers])
  }
  return reject('resourceMetadata.authorizationServers', 'must be an array of https URLs')
}

function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  return reject(`resourceMetadata.${name}`, 'must be a text')
}

function requireUrl(name: string, value: unknown): string {
  if (typeof value === 'string' && canParseUrl(value) && /^https?:/i.test(value)) return value
  return reject(`resourceMetadata.${name}`, 'must be an http or https URL')
}
