/**
 * Discovers the URLs of an issuer's key set, introspection endpoint and token endpoint: fetches the
 * metadata that the issuer publishes under its identifier (RFC 8414 §3, OpenID Connect Discovery
 * 1.0 §4).
 */

import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import {
  type FetchJsonOptions,
  fetchJson,
  NoResponseError,
  UnexpectedResponseError,
} from './fetch-json.js'
import { isSecureUrl } from './secure-url.js'

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

/** Maximum size of a metadata document, in bytes: several times the usual size. */
const MAX_BYTES = 65_536

/**
 * Reports that no metadata document of the issuer is usable. The message lists every failed URL.
 */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
  /** The longest `Retry-After` of the responses, in milliseconds; `undefined` if none has one. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter?: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

export interface DiscoveryOptions extends FetchJsonOptions {
  /**
   * Whether http URLs are accepted on every host, not only on loopback. For development networks
   * only.
   */
  readonly allowHttp: boolean
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
 * @throws {DiscoveryError} if no URL responds with a usable document for exactly this issuer
 *   identifier. After a 429 or 503, no other URL is tried.
 * @throws {NoResponseError} if a URL sends no complete response; no other URL is then tried.
 * @throws the error of {@link fetchJson} if `signal` aborts.
 */
export function discover(
  issuer: string,
  options: DiscoveryOptions,
): Promise<AuthorizationServerMetadata> {
  return firstUsable(issuer, options, (document) => ({
    issuer,
    jwksUri: document.address('jwks_uri'),
  }))
}

/**
 * Discovers the introspection endpoint. The metadata may lack the URL of a key set.
 *
 * @throws the same errors as {@link discover}.
 */
export function discoverIntrospection(
  issuer: string,
  options: DiscoveryOptions,
): Promise<IntrospectionMetadata> {
  return firstUsable(issuer, options, (document) => ({
    endpoint: document.address('introspection_endpoint'),
    signingAlgorithms: document.strings('introspection_signing_alg_values_supported'),
  }))
}

/**
 * Discovers the token endpoint. The metadata may lack the URL of a key set.
 *
 * @throws the same errors as {@link discover}.
 */
export function discoverTokenEndpoint(issuer: string, options: DiscoveryOptions): Promise<string> {
  return firstUsable(issuer, options, (document) => document.address('token_endpoint'))
}

/**
 * Discovers the URL of the key set of a transmitter of security events (SSF 1.0 §7).
 *
 * @throws the same errors as {@link discover}.
 */
export function discoverTransmitter(
  issuer: string,
  options: DiscoveryOptions,
): Promise<AuthorizationServerMetadata> {
  const read = (document: MetadataDocument) => ({ issuer, jwksUri: document.address('jwks_uri') })
  return firstUsable(issuer, options, read, [transmitterMetadataUrl(issuer)])
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
 * @throws the same errors as {@link discover}.
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
  return firstUsable(issuer, options, read, [transmitterMetadataUrl(issuer)])
}

/** Inserts the well-known path of SSF before the path of the issuer (SSF 1.0 §7.2.1). */
function transmitterMetadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/ssf-configuration${pathname.replace(/\/$/, '')}`
}

async function firstUsable<T>(
  issuer: string,
  options: DiscoveryOptions,
  read: (document: MetadataDocument) => T,
  urls = metadataUrls(issuer),
): Promise<T> {
  const maxBytes = Math.min(options.maxBytes, MAX_BYTES)
  const failures: UnexpectedResponseError[] = []
  for (const url of urls) {
    try {
      const { body } = await fetchJson(url, { ...options, maxBytes })
      return read(new MetadataDocument(url, issuer, body, options.allowHttp))
    } catch (error) {
      if (error instanceof NoResponseError) {
        throw new NoResponseError(listOf([...failures, error]), error.code)
      }
      if (!(error instanceof UnexpectedResponseError)) throw error
      failures.push(error)
      if (error.requestsBackOff) break
    }
  }
  const message = `no metadata for the issuer ${issuer}: ${listOf(failures)}`
  const waits = failures.flatMap(({ retryAfter }) => retryAfter ?? [])
  throw new DiscoveryError(message, waits.length === 0 ? undefined : Math.max(...waits))
}

function listOf(errors: readonly Error[]): string {
  return errors.map(({ message }) => message).join('; ')
}

/** A metadata document whose issuer identifier has been checked. */
class MetadataDocument {
  readonly #url: string
  readonly #members: Readonly<Record<string, unknown>>
  readonly #allowed: Parameters<typeof isSecureUrl>[1]

  constructor(url: string, expected: string, body: unknown, allowHttp: boolean) {
    if (!isJsonObject(body)) {
      throw new UnexpectedResponseError(`${url} did not respond with a JSON object`)
    }
    // The identifiers must be identical, code point by code point (RFC 8414 §3.3); otherwise the
    // document may be that of another issuer.
    const members = ownMembers(body)
    if (members.issuer !== expected) {
      throw new UnexpectedResponseError(
        typeof members.issuer === 'string'
          ? `${url} names the issuer ${quote(members.issuer)}, which is not identical to ${quote(expected)}`
          : `${url} names no issuer; it must name ${quote(expected)}`,
      )
    }
    this.#url = url
    this.#members = members
    // Without `allowHttp`, only an http issuer may name http URLs on loopback: otherwise, an https
    // issuer could direct requests to a service on the machine of this instance.
    this.#allowed = { allowHttp, mayBeLoopback: new URL(expected).protocol === 'http:' }
  }

  address(name: string): string {
    const value = this.#members[name]
    if (typeof value !== 'string')
      throw new UnexpectedResponseError(`${this.#url} has no "${name}"`)
    if (!isSecureUrl(value, this.#allowed)) {
      throw new UnexpectedResponseError(`${this.#url} has a "${name}" that is not an https URL`)
    }
    // The normalized URL is ASCII only, and therefore safe to log.
    return new URL(value).href
  }

  optionalAddress(name: string): string | undefined {
    return this.#members[name] === undefined ? undefined : this.address(name)
  }

  /** Returns the member `name`; `undefined` if it is absent or not an array of strings. */
  strings(name: string): readonly string[] | undefined {
    const value = this.#members[name]
    const usable = Array.isArray(value) && value.every((item) => typeof item === 'string')
    return usable ? value : undefined
  }
}

function quote(text: string): string {
  return ascii(JSON.stringify(text.slice(0, 200)))
}

/**
 * Escapes all characters other than printable ASCII. JSON leaves most of them unescaped, and
 * terminals interpret some of them.
 */
function ascii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
