/** Counts cache hits, signature verifications, rejections and logout tokens. */

/** Numbers of logout tokens since the start of a resource server. */
export interface LogoutTokenCounts {
  /** Number of valid logout tokens whose revocation is in force. */
  readonly accepted: number
  /** Number of invalid, expired or replayed logout tokens. */
  readonly rejected: number
  /**
   * Number of logout tokens that could not be verified, or whose revocation could not be stored,
   * because keys or a store were unavailable or a function of the application failed.
   */
  readonly failed: number
}

/** Counters of a resource server since its start. Only `cacheSize`, the current
 * size, can decrease. */
export interface Statistics {
  /**
   * Number of times that a cached verification result replaced a verification. The token may still
   * be rejected because it was revoked, lacks proof of possession or does not meet the requirement.
   */
  readonly cacheHits: number
  /**
   * Number of verifications that started because no cached result was usable; the tokens may turn
   * out to be invalid. A token that joins a verification in flight counts neither here nor as a
   * cache hit, unless that verification has to be repeated.
   */
  readonly cacheMisses: number
  /**
   * Number of signature verifications of JWTs: access tokens, logout tokens and signed
   * introspection responses. A JWT counts several times if several keys are tried.
   */
  readonly signatureVerifications: number
  /**
   * Number of decryptions of encrypted tokens (option `decryption`). A token counts several times if
   * several keys are tried.
   */
  readonly decryptions: number
  /**
   * Number of rejected requests and rejected calls of `verify()`, keyed by the `code` of the error:
   * `missing_credentials`, `invalid_request`, `invalid_token`, `invalid_dpop_proof`,
   * `use_dpop_nonce`, `insufficient_user_authentication`, `insufficient_scope`,
   * `temporarily_unavailable`. A code that never occurred is absent.
   */
  readonly rejections: Readonly<Record<string, number>>
  /** Numbers of logout tokens (OpenID Connect Back-Channel Logout) by result. */
  readonly logoutTokens: LogoutTokenCounts
  /** Number of verified tokens in the cache. */
  readonly cacheSize: number
}

/** The mutable counters from which `read` creates {@link Statistics}. */
export class Counters {
  cacheHits = 0
  cacheMisses = 0
  signatureVerifications = 0
  decryptions = 0
  readonly logoutTokens = { accepted: 0, rejected: 0, failed: 0 }
  readonly #rejections = new Map<string, number>()

  reject(code: string): void {
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1)
  }

  read(cacheSize: number): Statistics {
    const { cacheHits, cacheMisses, signatureVerifications, decryptions } = this
    const rejections = Object.fromEntries(this.#rejections)
    const logoutTokens = { ...this.logoutTokens }
    return {
      cacheHits,
      cacheMisses,
      signatureVerifications,
      decryptions,
      rejections,
      logoutTokens,
      cacheSize,
    }
  }
}
