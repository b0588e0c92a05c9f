/** Counts cache hits, signature verifications, rejections, logout tokens and security events. */

/** Numbers of logout tokens since the start of a resource server. */
export interface LogoutTokenCounts {
  /** Number of valid logout tokens whose revocation is in force. */
  readonly accepted: number
  /**
   * Number of invalid, expired or replayed logout tokens, and of those that get a 503 because no
   * cached key verifies them.
   */
  readonly rejected: number
  /**
   * Number of logout tokens that could not be verified, or whose revocation could not be stored,
   * because keys or a store were unavailable or a function of the application failed.
   */
  readonly failed: number
}

/** Numbers of security event tokens since the start of a resource server. */
export interface SecurityEventCounts {
  /** Number of events that revoked tokens. */
  readonly revoked: number
  /** Number of events that would revoke tokens, but whose subject names no user or session. */
  readonly unmapped: number
  /** Number of events that revoke nothing, such as verification events. */
  readonly ignored: number
  /** Number of tokens that were received before, and had no effect again. */
  readonly duplicates: number
  /** Number of invalid tokens, and of those that get a 503 because no cached key verifies them. */
  readonly rejected: number
  /**
   * Number of tokens that could not be verified, or whose revocation could not be stored, because
   * keys or a store were unavailable or a function of the application failed.
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
   * Number of signature verifications of JWTs: access tokens, logout tokens, security event tokens
   * and signed introspection responses. A JWT counts several times if several keys are tried.
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
  /** Numbers of security event tokens (RFC 8417) by result. */
  readonly securityEvents: SecurityEventCounts
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
  readonly securityEvents = {
    revoked: 0,
    unmapped: 0,
    ignored: 0,
    duplicates: 0,
    rejected: 0,
    failed: 0,
  }
  readonly #rejections = new Map<string, number>()

  reject(code: string): void {
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1)
  }

  read(cacheSize: number): Statistics {
    const { cacheHits, cacheMisses, signatureVerifications, decryptions } = this
    const rejections = Object.fromEntries(this.#rejections)
    const logoutTokens = { ...this.logoutTokens }
    const securityEvents = { ...this.securityEvents }
    return {
      cacheHits,
      cacheMisses,
      signatureVerifications,
      decryptions,
      rejections,
      logoutTokens,
      securityEvents,
      cacheSize,
    }
  }
}
