/**
 * The headers of tokens that were verified: all tokens that one key signs begin with the same
 * characters, which need not be read again. Reading is all that it saves; no trust is in it.
 */
import type { JoseHeader } from './jose-header.js'

/** More than the keys of any API's issuers. */
const MAX_ENTRIES = 1_000
/** Of most headers; a longer one is read each time. */
const MAX_LENGTH = 256

export class KnownHeaders {
  readonly #headers = new Map<string, JoseHeader>()

  get(segment: string): JoseHeader | undefined {
    return this.#headers.get(segment)
  }

  /** To be called for verified tokens only, so that a stranger can't push out what is in use. */
  remember(segment: string, header: JoseHeader): void {
    if (segment.length > MAX_LENGTH || this.#headers.get(segment) === header) return
    if (this.#headers.size >= MAX_ENTRIES) this.#headers.clear()
    // A slice would keep the whole token alive that it was cut from.
    this.#headers.set(Buffer.from(segment, 'latin1').toString('latin1'), header)
  }
}
