/**
 * Locates the introspection endpoint: the configured URL, or the one in the issuer's metadata
 * (RFC 8414 §2). Concurrent calls share one discovery (single flight). A discovered URL is cached
 * until the endpoint fails.
 */

import { withinDeadline } from '../http/deadline.js'
import { discoverIntrospection, type IntrospectionMetadata } from '../http/metadata.js'
import type { IntrospectionFetch } from './options.js'

export interface EndpointOptions {
  readonly issuer: string
  /** If set, no metadata is fetched. */
  readonly endpoint: string | undefined
  readonly allowHttp: boolean
  readonly fetch: IntrospectionFetch
  /** Timeout of one discovery, in milliseconds. */
  readonly timeout: number
  readonly closing: AbortSignal
}

/** Maximum size of a metadata document, in bytes. */
const MAX_BYTES = 65_536

export class IntrospectionEndpoint {
  readonly #options: EndpointOptions
  #metadata: IntrospectionMetadata | undefined
  #mayHaveMoved = false
  #discovering: Promise<IntrospectionMetadata> | undefined

  constructor(options: EndpointOptions) {
    this.#options = options
    if (options.endpoint !== undefined) {
      this.#metadata = { endpoint: options.endpoint, signingAlgorithms: undefined }
    }
  }

  locate(): Promise<IntrospectionMetadata> {
    if (this.#metadata !== undefined && !this.#mayHaveMoved) return Promise.resolve(this.#metadata)
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined
    })
    return this.#discovering
  }

  /** Makes the next {@link locate} discover the URL again, unless it is configured. */
  mayHaveMoved(): void {
    this.#mayHaveMoved = this.#options.endpoint === undefined
  }

  async #discover(): Promise<IntrospectionMetadata> {
    const { issuer, allowHttp, fetch, closing } = this.#options
    // If discovery stalls, enough time must remain to send the request to the previous URL.
    const timeout = this.#metadata === undefined ? this.#options.timeout : this.#options.timeout / 2
    try {
      this.#metadata = await withinDeadline(
        (signal) =>
          discoverIntrospection(issuer, { fetch, signal, allowHttp, maxBytes: MAX_BYTES }),
        { timeout, closing },
      )
      this.#mayHaveMoved = false
      return this.#metadata
    } catch (error) {
      // Falls back to the previous URL, which may still be valid although discovery failed.
      if (this.#metadata === undefined) throw error
      return this.#metadata
    }
  }
}
