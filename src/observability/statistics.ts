/** Counters of a resource server. */

/** Counters since the start: whole numbers that never decrease, except `cacheSize`. */
export interface Statistics {
  /** Tokens accepted from the cache, without another signature verification. */
  readonly cacheHits: number
  /**
   * Tokens verified in full, valid and invalid ones. A token that joins a verification in flight
   * counts neither here nor as a cache hit.
   */
  readonly cacheMisses: number
  /** Signature verifications; several for a token if several keys match. */
  readonly signatureVerifications: number
  /**
   * Requests and calls rejected, by the error's `code`: `missing_credentials`, `invalid_request`,
   * `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `insufficient_user_authentication`,
   * `insufficient_scope`, `temporarily_unavailable`. A code that never occurred is absent.
   */
  readonly rejections: Readonly<Record<string, number>>
  /** Number of verified tokens in the cache. */
  readonly cacheSize: number
}

/** Mutable counters behind {@link Statistics}. */
export class Counters {
  cacheHits = 0
  cacheMisses = 0
  signatureVerifications = 0
  readonly #rejections = new Map<string, number>()

  reject(code: string): void {
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1)
  }

  read(cacheSize: number): Statistics {
    const { cacheHits, cacheMisses, signatureVerifications } = this
    const rejections = Object.fromEntries(this.#rejections)
    return { cacheHits, cacheMisses, signatureVerifications, rejections, cacheSize }
  }
}
