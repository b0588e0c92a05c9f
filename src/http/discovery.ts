/**
 * Fetches the metadata that a server publishes under its issuer identifier, from the first of several
 * URLs that has it.
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
 * Reads the metadata of an issuer from the first URL that has a usable document.
 *
 * @param read returns what the caller needs from the document; it may throw an
 *   {@link UnexpectedResponseError}, after which the next URL is tried.
 * @throws {DiscoveryError} if no URL responds with a usable document for exactly this issuer
 *   identifier. After a 429 or 503, no other URL is tried.
 * @throws {NoResponseError} if a URL sends no complete response; no other URL is then tried.
 * @throws the error of {@link fetchJson} if `signal` aborts.
 */
export async function readMetadata<T>(
  urls: readonly string[],
  issuer: string,
  options: DiscoveryOptions,
  read: (document: MetadataDocument) => T,
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
export class MetadataDocument {
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
