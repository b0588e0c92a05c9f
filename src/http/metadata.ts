/**
 * Discovery: from an issuer's name to the addresses of its key set and of its introspection endpoint
 * (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).
 */

import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import {
  type FetchJsonOptions,
  fetchJson,
  NoAnswerError,
  UnexpectedAnswerError,
} from './fetch-json.js'
import { isSecureUrl } from './secure-url.js'

/** The part of an authorization server's metadata that a resource server needs. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwksUri: string
}

/** The part of it that introspection needs. */
export interface IntrospectionMetadata {
  readonly endpoint: string
  /** RFC 9701 §7: what signed answers are signed with, if the issuer says. */
  readonly signingAlgorithms: readonly string[] | undefined
}

/** Stands for the ID of every tenant in the issuer identifier of Entra ID's multi-tenant metadata. */
export const TENANT_PLACEHOLDER = '{tenantid}'

/** Whether an issuer identifier stands for every tenant of a provider. */
export function isTenantTemplate(issuer: string): boolean {
  return issuer.includes(TENANT_PLACEHOLDER)
}

/** Several times what any issuer publishes; a key set, with its certificates, may be larger. */
const MAX_BYTES = 65_536

/** No metadata document of this issuer could be used. The message tells of each one tried. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
  /** The longest time that a URL asked for, in milliseconds; `undefined` where none did. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter?: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

export interface DiscoveryOptions extends FetchJsonOptions {
  /** Plain http beyond loopback: for development networks only. */
  readonly allowHttp: boolean
}

/**
 * Where the metadata may be, in the order to try: OpenID Connect appended, OpenID Connect inserted,
 * OAuth inserted. The first is what nearly everybody serves. Entra ID has the metadata of every tenant
 * under `common`.
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
 * @throws {DiscoveryError} if no document is there, or none names exactly this issuer. After a 429 or
 *   503, no other URL is tried.
 * @throws {NoAnswerError} if the host doesn't answer at all; no other URL is tried then.
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
 * The same for an issuer that is asked about its tokens: it need not publish keys.
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
  const refusals: UnexpectedAnswerError[] = []
  for (const url of metadataUrls(issuer)) {
    try {
      const { body } = await fetchJson(url, { ...options, maxBytes })
      return read(new MetadataDocument(url, issuer, body, options.allowHttp))
    } catch (error) {
      if (error instanceof NoAnswerError) {
        throw new NoAnswerError(listOf([...refusals, error]), error.code)
      }
      if (!(error instanceof UnexpectedAnswerError)) throw error
      refusals.push(error)
      if (error.asksForRest) break
    }
  }
  const message = `no metadata for the issuer ${issuer}: ${listOf(refusals)}`
  const waits = refusals.flatMap(({ retryAfter }) => retryAfter ?? [])
  throw new DiscoveryError(message, waits.length === 0 ? undefined : Math.max(...waits))
}

function listOf(errors: readonly Error[]): string {
  return errors.map(({ message }) => message).join('; ')
}

/** What one URL answered, once it is sure that it speaks of the issuer. */
class MetadataDocument {
  readonly #url: string
  readonly #members: Readonly<Record<string, unknown>>
  readonly #allowed: Parameters<typeof isSecureUrl>[1]

  constructor(url: string, expected: string, body: unknown, allowHttp: boolean) {
    if (!isJsonObject(body)) {
      throw new UnexpectedAnswerError(`${url} did not answer a JSON object`)
    }
    // RFC 8414 §3.3: identical, code point by code point. Anything else could be somebody's else.
    const members = ownMembers(body)
    if (members.issuer !== expected) {
      throw new UnexpectedAnswerError(
        `${url} names the issuer ${quote(members.issuer)}, which is not identical to ${quote(expected)}`,
      )
    }
    this.#url = url
    this.#members = members
    // A remote issuer may not send us to a plain-text service of our own machine.
    this.#allowed = { allowHttp, mayBeLoopback: new URL(expected).protocol === 'http:' }
  }

  address(name: string): string {
    const value = this.#members[name]
    if (typeof value !== 'string') throw new UnexpectedAnswerError(`${this.#url} has no "${name}"`)
    if (!isSecureUrl(value, this.#allowed)) {
      throw new UnexpectedAnswerError(`${this.#url} has a "${name}" that is not an https URL`)
    }
    // As it is asked for: in ASCII, and fit for a log whatever the issuer wrote.
    return new URL(value).href
  }

  /** `undefined` where the issuer says nothing, or nothing that is a list of names. */
  strings(name: string): readonly string[] | undefined {
    const value = this.#members[name]
    const usable = Array.isArray(value) && value.every((one) => typeof one === 'string')
    return usable ? value : undefined
  }
}

function quote(value: unknown): string {
  return typeof value === 'string' ? ascii(JSON.stringify(value.slice(0, 200))) : 'absent'
}

/** JSON leaves characters as they are that a terminal takes for commands. */
function ascii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
