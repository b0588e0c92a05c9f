/** What the resource server has done so far, in numbers. */

/** Counted since the start; whole numbers that only grow, except `cacheSize`. */
export interface Statistics {
  /** Tokens accepted without being verified again, because their verdict was known and still held. */
  readonly cacheHits: number
  /**
   * Tokens that were looked at in full, good ones and bad ones. One that comes while it is being
   * verified for another request waits for that verdict, and counts neither here nor as a hit.
   */
  readonly cacheMisses: number
  /** Signatures that were verified: the costly part. Several for a token where several keys fit. */
  readonly signatureVerifications: number
  /**
   * Requests and calls rejected, by the error's `code`: `missing_credentials`, `invalid_request`,
   * `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `insufficient_user_authentication`,
   * `insufficient_scope`, `temporarily_unavailable`. A code that never occurred is absent.
   */
  readonly rejections: Readonly<Record<string, number>>
  /** How many verified tokens are kept now. */
  readonly cacheSize: number
}

/** Where the numbers are counted. */
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
