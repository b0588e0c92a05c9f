/**
 * Caches the parsed headers of verified tokens, because tokens signed with the same key usually
 * have the same header, and the latest other header, because clients that send invalid tokens
 * usually repeat them. A cache hit saves only the parsing: every check of the token still runs.
 */
import type { JoseHeader } from './jose-header.js'

/**
 * Maximum number of cached headers: more than the number of keys that the trusted issuers of an API
 * usually have.
 */
const MAX_ENTRIES = 1_000
/** Maximum length of a cached header, in characters. A longer header is parsed each time. */
const MAX_LENGTH = 256

export class KnownHeaders {
  readonly #headers = new Map<string, JoseHeader>()
  #latest: { readonly segment: string; readonly header: JoseHeader } | undefined

  /** Returns the parsed header; `undefined` if it is not cached. */
  get(segment: string): JoseHeader | undefined {
    return this.#latest?.segment === segment ? this.#latest.header : this.#headers.get(segment)
  }

  /** Caches the header of a token that is not verified, until the next such header. */
  rememberLatest(segment: string, header: JoseHeader): void {
    if (segment.length <= MAX_LENGTH) this.#latest = { segment: copyOf(segment), header }
  }

  /**
   * Caches a header. Call this method for verified tokens only, so that an untrusted caller cannot
   * evict headers that are in use.
   */
  remember(segment: string, header: JoseHeader): void {
    if (segment.length > MAX_LENGTH || this.#headers.get(segment) === header) return
    if (this.#headers.size >= MAX_ENTRIES) this.#headers.clear()
    this.#headers.set(copyOf(segment), header)
  }
}

/** Copies the text, because a slice would keep the whole token in memory. */
function copyOf(segment: string): string {
  return Buffer.from(segment, 'latin1').toString('latin1')
}
