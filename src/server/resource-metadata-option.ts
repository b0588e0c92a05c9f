/** The option `resourceMetadata` (RFC 9728 §2): its type and its validation. */
import { canParseUrl } from '../base/can-parse-url.js'
import { elementsOf, isPlainObject, reject, requireKnownKeys } from '../base/check.js'
import { isScopeToken } from '../errors/www-authenticate.js'
import { isSecureUrl } from '../http/secure-url.js'

/**
 * The scope token that requests a refresh token. The metadata never lists it, because the API
 * neither requires nor uses it.
 */
export const OFFLINE_ACCESS = 'offline_access'

/**
 * Options for the protected resource metadata of this API (RFC 9728 §2).
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   resourceMetadata: { resource: 'https://api.example.com', name: 'Orders API' },
 * })
 * ```
 */
export interface ResourceMetadataOptions {
  /**
   * Resource identifier of this API: the https URL (http on loopback) at which clients call it,
   * without query or fragment. Clients request tokens for this identifier (RFC 8707), so it should
   * be one of the values of `audience`. Dot segments in its path are rejected. The plugin also
   * rejects `*`, `;` and percent-encoded reserved characters (`%2F`), because no route of Fastify
   * matches them literally.
   */
  resource: string

  /**
   * The authorization servers that issue tokens for this API: https URLs (http on loopback).
   * Default: every issuer in the options that is such a URL without a query or a placeholder. If
   * there is no such issuer, this option is required. If `issuer` is a function, the default is no
   * server, because a list of the issuers would disclose the customers of the API.
   */
  authorizationServers?: readonly string[]

  /**
   * Scope tokens (RFC 6749 §3.3) that clients should request first, for basic use:
   * `scopes_supported`. The challenge of an operation that needs more scope names that scope. Must
   * not contain `offline_access`, because the API neither requires nor uses it. Default: the scope
   * of all routes, except hidden routes and scope that a function decides.
   */
  scopes?: readonly string[]

  /** Human-readable name: `resource_name`. */
  name?: string
  /** http or https URL of the developer documentation: `resource_documentation`. */
  documentation?: string
  /** http or https URL of the policy on the use of the data: `resource_policy_uri`. */
  policy?: string
  /** http or https URL of the terms of service: `resource_tos_uri`. */
  termsOfService?: string
}

/** Validated {@link ResourceMetadataOptions}. */
export interface ResolvedResourceMetadata {
  readonly resource: string
  readonly authorizationServers: readonly string[] | undefined
  /** The option `scopes`; `undefined` if the metadata lists the scope of the routes. */
  readonly scopes: readonly string[] | undefined
  /** Members copied from the options, under their wire names. */
  readonly fixed: Readonly<Record<string, string>>
}

const PAGES = {
  documentation: 'resource_documentation',
  policy: 'resource_policy_uri',
  termsOfService: 'resource_tos_uri',
} as const

/**
 * Validates the option `resourceMetadata`.
 *
 * @returns `undefined` if the option is not set.
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
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
    'scopes',
    'name',
    ...Object.keys(PAGES),
  ])
  const { resource, authorizationServers, scopes, name } =
    options as unknown as ResourceMetadataOptions
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
    scopes: scopes === undefined ? undefined : requireScopes(scopes),
    fixed: Object.freeze(fixed),
  })
}

/**
 * Validates `resource`. Its characters are restricted because the challenge contains, in a
 * quoted-string, a URL that is derived from `resource`.
 */
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
    // A client normalizes the URL that it requests, and rejects metadata with another "resource".
    return reject(
      'resourceMetadata.resource',
      `must have a normalized path, ${new URL(resource).pathname}: without dot ` +
        'segments, and with other characters percent-encoded',
    )
  }
  return reject(
    'resourceMetadata.resource',
    'must be the https URL of this API, without query or fragment, such as https://api.example.com',
  )
}

function requireServers(servers: unknown): readonly string[] {
  const isServer = (server: unknown) =>
    typeof server === 'string' && isSecureUrl(server, { allowHttp: false, mayBeLoopback: true })
  const given = elementsOf(servers) ?? []
  if (given.length > 0 && given.every(isServer)) return Object.freeze(given as string[])
  return reject(
    'resourceMetadata.authorizationServers',
    'must be a non-empty array of https URLs (http on loopback only)',
  )
}

function requireScopes(scopes: unknown): readonly string[] {
  const copy: readonly unknown[] = Array.isArray(scopes) ? [...scopes] : []
  const isOffered = (token: unknown) => isScopeToken(token) && token !== OFFLINE_ACCESS
  if (copy.length > 0 && copy.every(isOffered)) return Object.freeze(copy as readonly string[])
  return reject(
    'resourceMetadata.scopes',
    'must be an array of scope tokens without "offline_access", such as [\'orders:read\']',
  )
}

function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  return reject(`resourceMetadata.${name}`, 'must be a non-empty string')
}

function requireUrl(name: string, value: unknown): string {
  if (typeof value === 'string' && canParseUrl(value) && /^https?:/i.test(value)) return value
  return reject(`resourceMetadata.${name}`, 'must be an http or https URL')
}
