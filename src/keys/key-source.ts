import type { Algorithm } from '../algorithms.js'
import type { VerificationKey } from './verification-key.js'

/** Where an issuer's keys come from. The one thing that the pipeline knows about keys. */
export interface KeySource {
  /**
   * The keys that may have signed a token with this algorithm and `kid`; none if there are none.
   * Nothing is awaited, and no promise is made, while the keys are at hand.
   *
   * @throws {KeysUnavailableError} if the issuer can't be asked, so that no verdict is possible.
   */
  find(
    algorithm: Algorithm,
    kid: string | undefined,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /** Whether a verdict that was reached with this key still stands. */
  trusts(key: VerificationKey): boolean

  /** Ends what is under way. Nothing is fetched afterwards. */
  close(): void
}
