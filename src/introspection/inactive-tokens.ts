/**
 * Detects that the issuer reports all JWTs inactive that are valid here. The issuer then probably
 * does not allow this client to introspect them, so that every JWT looks revoked.
 */
import { sha256 } from '../base/thumbprint.js'

/** Number of different inactive JWTs that end detection: a few may have been revoked. */
const MIN_TOKENS = 10

export class InactiveTokens {
  readonly #onOnlyInactive: () => void
  /** Digests of at most {@link MIN_TOKENS} inactive JWTs; `undefined` once detection has ended. */
  #digests: Set<string> | undefined = new Set()

  /**
   * @param onOnlyInactive called at most once, when the first ten different JWTs are inactive, and
   *   no token was active before. Must not throw.
   */
  constructor(onOnlyInactive: () => void) {
    this.#onOnlyInactive = onOnlyInactive
  }

  /** Ends detection, because the issuer introspects tokens for this client. */
  recordActive(): void {
    this.#digests = undefined
  }

  /**
   * Records that the issuer reported a JWT inactive. Ignores encrypted JWTs, because a caller can
   * encrypt one JWT any number of times.
   *
   * @param token a JWT whose signature and claims were verified here, as the caller sent it.
   */
  recordInactive(token: string): void {
    const digests = this.#digests
    if (digests === undefined || token.split('.').length !== 3) return
    // Omits the signature, because a caller can change an ECDSA signature to an equally valid one.
    digests.add(sha256(token.slice(0, token.lastIndexOf('.'))))
    if (digests.size < MIN_TOKENS) return
    this.#digests = undefined
    this.#onOnlyInactive()
  }
}
