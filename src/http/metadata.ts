/**
 * Discovery: finds the URLs of an issuer's key set and introspection endpoint from its issuer
 * identifier (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).
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

/** The part of an authorization server's metadata that a resource server needs. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwksUri: string
}

/** The part of an authorization server's metadata that introspection needs. */
export interface IntrospectionMetadata {
  readonly endpoint: string
  /** Algorithms of signed responses (RFC 9701 §7), if the metadata has them. */
  readonly signingAlgorithms: readonly string[] | undefined
}

/** Stands for the ID of every tenant in the issuer identifier of Entra ID's multi-tenant metadata. */
export const TENANT_PLACEHOLDER = '{tenantid}'

/** Whether an issuer identifier stands for every tenant of a provider. */
export function isTenantTemplate(issuer: string): boolean {
  return issuer.includes(TENANT_PLACEHOLDER)
}

/** Several times the size of any issuer's metadata. */
const MAX_BYTES = 65_536

/** No metadata document of the issuer is usable. The message lists every URL tried. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
  /** The longest `Retry-After` of all responses, in milliseconds; `undefined` if none had one. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter?: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

export interface DiscoveryOptions extends FetchJsonOptions {
  /** Allows plain http on hosts other than loopback: for development networks only. */
  readonly allowHttp: boolean
}

/**
 * Returns the possible metadata URLs in the order to try: OpenID Connect appended (the most common),
 * OpenID Connect inserted, OAuth inserted. Entra ID serves the metadata of all tenants under `common`.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer.replaceAll(TENANT_PLACEHOLDER, 'common'))
  // RFC 8414 §3.1: a terminating slash is removed first.
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
 * @throws {DiscoveryError} if there is no document, or none for exactly this issuer identifier. After
 *   a 429 or 503, no other URL is tried.
 * @throws {NoResponseError} if there is no complete response; no other URL is tried then.
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
 * Discovers the introspection endpoint. The issuer need not publish keys.
 *
 * @throws as {@link discover} does.
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

async function firstUsable<T>(
  issuer: string,
  options: DiscoveryOptions,
  read: (document: MetadataDocument) => T,
): Promise<T> {
  const maxBytes = Math.min(options.maxBytes, MAX_BYTES)
  const failures: UnexpectedResponseError[] = []
  for (const url of metadataUrls(issuer)) {
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
    // RFC 8414 §3.3: identical, code point by code point; otherwise it may be another issuer's.
    const members = ownMembers(body)
    if (members.issuer !== expected) {
      throw new UnexpectedResponseError(
        `${url} names the issuer ${quote(members.issuer)}, which is not identical to ${quote(expected)}`,
      )
    }
    this.#url = url
    this.#members = members
    // A remote issuer must not direct requests to an http service on our own loopback.
    this.#allowed = { allowHttp, mayBeLoopback: new URL(expected).protocol === 'http:' }
  }

  address(name: string): string {
    const value = this.#members[name]
    if (typeof value !== 'string')
      throw new UnexpectedResponseError(`${this.#url} has no "${name}"`)
    if (!isSecureUrl(value, this.#allowed)) {
      throw new UnexpectedResponseError(`${this.#url} has a "${name}" that is not an https URL`)
    }
    // Normalized: ASCII only, and therefore safe to log.
    return new URL(value).href
  }

  /** Returns a member; `undefined` if it is absent or not an array of strings. */
  strings(name: string): readonly string[] | undefined {
    const value = this.#members[name]
    const usable = Array.isArray(value) && value.every((item) => typeof item === 'string')
    return usable ? value : undefined
  }
}

function quote(value: unknown): string {
  return typeof value === 'string' ? ascii(JSON.stringify(value.slice(0, 200))) : 'absent'
}

/** Escapes what JSON leaves unescaped, because terminals interpret some of these characters. */
function ascii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
