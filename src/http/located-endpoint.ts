/**
 * Locates an endpoint of an issuer: the configured URL, or the one in the issuer's metadata
 * (RFC 8414 §2). Concurrent calls share one discovery (single flight). A discovered URL is cached
 * until the endpoint fails.
 */

import { withinDeadline } from './deadline.js'
import type { DiscoveryOptions } from './discovery.js'
import { type FetchJsonOptions, withoutQuery } from './fetch-json.js'

/** @typeParam Metadata the members of the metadata that the caller needs. */
export interface LocatedEndpointOptions<Metadata> {
  /** The issuer identifier or URL of the server, for messages. */
  readonly server: string
  /** If set, no metadata is fetched. */
  readonly configured: Metadata | undefined
  readonly discover: (options: DiscoveryOptions) => Promise<Metadata>
  readonly allowHttp: boolean
  readonly fetch: FetchJsonOptions['fetch']
  /** Timeout of one discovery, in milliseconds. */
  readonly timeout: number
  readonly closing: AbortSignal
}

/** Maximum size of a metadata document, in bytes. */
const MAX_BYTES = 65_536

export class LocatedEndpoint<Metadata> {
  readonly #options: LocatedEndpointOptions<Metadata>
  #metadata: Metadata | undefined
  #mayHaveMoved = false
  #requested: string
  #discovering: Promise<Metadata> | undefined

  constructor(options: LocatedEndpointOptions<Metadata>) {
    this.#options = options
    this.#metadata = options.configured
    this.#requested = options.server
  }

  /** The URL of the last request for metadata, without its query; before it, the server. */
  get requested(): string {
    return this.#requested
  }

  locate(): Promise<Metadata> {
    if (this.#metadata !== undefined && !this.#mayHaveMoved) return Promise.resolve(this.#metadata)
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined
    })
    return this.#discovering
  }

  /** Makes the next {@link locate} discover the URL again, unless it is configured. */
  mayHaveMoved(): void {
    this.#mayHaveMoved = this.#options.configured === undefined
  }

  async #discover(): Promise<Metadata> {
    const { discover, allowHttp, closing } = this.#options
    const fetch: FetchJsonOptions['fetch'] = (url, init) => {
      this.#requested = withoutQuery(url)
      return this.#options.fetch(url, init)
    }
    // If discovery stalls, enough time must remain to send the request to the previous URL.
    const timeout = this.#metadata === undefined ? this.#options.timeout : this.#options.timeout / 2
    try {
      this.#metadata = await withinDeadline(
        (signal) => discover({ fetch, signal, allowHttp, maxBytes: MAX_BYTES }),
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
