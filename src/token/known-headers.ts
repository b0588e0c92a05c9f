/**
 * Caches the parsed headers of verified tokens: all tokens signed with one key usually have the
 * same header. The cache only saves parsing; a cached header is not trusted.
 */
import type { JoseHeader } from './jose-header.js'

/** More than the number of keys of any API's issuers. */
const MAX_ENTRIES = 1_000
/** Characters; a longer header is parsed each time. */
const MAX_LENGTH = 256

export class KnownHeaders {
  readonly #headers = new Map<string, JoseHeader>()

  get(segment: string): JoseHeader | undefined {
    return this.#headers.get(segment)
  }

  /** Call it for verified tokens only, so that an untrusted caller cannot evict headers in use. */
  remember(segment: string, header: JoseHeader): void {
    if (segment.length > MAX_LENGTH || this.#headers.get(segment) === header) return
    if (this.#headers.size >= MAX_ENTRIES) this.#headers.clear()
    // A slice would keep the whole token alive.
    this.#headers.set(Buffer.from(segment, 'latin1').toString('latin1'), header)
  }
}
