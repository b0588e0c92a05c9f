/**
 * Where the introspection endpoint is: as configured, or as the issuer's metadata says (RFC 8414
 * §2). Metadata is read once for all who ask, and again after the endpoint failed.
 */

import { withinDeadline } from '../http/deadline.js'
import { discoverIntrospection, type IntrospectionMetadata } from '../http/metadata.js'
import type { IntrospectionFetch } from './options.js'

export interface EndpointOptions {
  readonly issuer: string
  /** With it, no metadata is read. */
  readonly endpoint: string | undefined
  readonly allowHttp: boolean
  readonly fetch: IntrospectionFetch
  /** Milliseconds for one reading of the metadata. */
  readonly timeout: number
  readonly closing: AbortSignal
}

/** What the longest metadata in use needs, several times over. */
const MAX_BYTES = 65_536

export class IntrospectionEndpoint {
  readonly #options: EndpointOptions
  #known: IntrospectionMetadata | undefined
  #mayHaveMoved = false
  #discovering: Promise<IntrospectionMetadata> | undefined

  constructor(options: EndpointOptions) {
    this.#options = options
    if (options.endpoint !== undefined) {
      this.#known = { endpoint: options.endpoint, signingAlgorithms: undefined }
    }
  }

  locate(): Promise<IntrospectionMetadata> {
    if (this.#known !== undefined && !this.#mayHaveMoved) return Promise.resolve(this.#known)
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined
    })
    return this.#discovering
  }

  /** After a failure: what isn't configured is looked up again. */
  mayHaveMoved(): void {
    this.#mayHaveMoved = this.#options.endpoint === undefined
  }

  async #discover(): Promise<IntrospectionMetadata> {
    const { issuer, allowHttp, fetch, closing } = this.#options
    // Metadata that hangs must leave time to ask where the endpoint was before.
    const timeout = this.#known === undefined ? this.#options.timeout : this.#options.timeout / 2
    try {
      this.#known = await withinDeadline(
        (signal) =>
          discoverIntrospection(issuer, { fetch, signal, allowHttp, maxBytes: MAX_BYTES }),
        { timeout, closing },
      )
      this.#mayHaveMoved = false
      return this.#known
    } catch (error) {
      // It may still be where it was, also while the metadata can't be had.
      if (this.#known === undefined) throw error
      return this.#known
    }
  }
}
