import type { Algorithm } from '../base/algorithms.js'
import type { VerificationKey } from './verification-key.js'

/** The keys that may have signed a token. */
export type Candidates = readonly VerificationKey[]

/** Where an issuer's keys come from. The one thing that the pipeline knows about keys. */
export interface KeySource {
  /**
   * The keys that may have signed a token with this algorithm and `kid`; none if there are none.
   * Nothing is awaited, and no promise is made, while the keys are cached.
   *
   * @throws {KeysUnavailableError} if the issuer can't be asked, so that no verdict is possible.
   */
  find(
    algorithm: Algorithm,
    kid: string | undefined,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /**
   * The keys that the issuer has published since, for a token that none of those tried verifies: its
   * `kid` was given to another key, or it has none. Empty where there are none, where the limits of
   * an unknown `kid` forbid a fetch and, for a `kid` of the set, where the fetch fails.
   *
   * @throws {KeysUnavailableError} if the issuer can't be asked about a token without `kid`.
   */
  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: readonly VerificationKey[],
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /** Why {@link find} has no key, for operators. Quotes nothing of the token. */
  whyNot(algorithm: Algorithm, kid: string | undefined): string

  /** Whether a verdict that was reached with this key still stands. */
  trusts(key: VerificationKey): boolean

  /**
   * Fetches the keys again, unless a back-off says that it is too soon.
   *
   * @throws {KeysUnavailableError} if they can't be had now.
   */
  refresh(): Promise<void>

  status(): KeySetStatus

  /** Ends what is under way, once what was fetched is saved. Nothing is fetched afterwards. */
  close(): Promise<void>
}

/** How an issuer's key set is doing. Times are in milliseconds. */
export interface KeySetStatus {
  /** The name of the issuer, as in `iss`. */
  readonly issuer: string
  /**
   * `given`: named in the options, never fetched. `fresh`: as new as it should be. `stale`: older,
   * and being used because no newer one could be fetched, or none was needed. `empty`: none, so that
   * a token waits for a fetch, and is answered with 503 if it fails.
   */
  readonly state: 'static' | 'fresh' | 'stale' | 'empty'
  /** How many keys can verify a token now. */
  readonly keys: number
  /** Since it was fetched. */
  readonly ageMs: number | undefined
  /** For how long it may still be used if no newer one can be had. Infinite for given keys. */
  readonly usableForMs: number
  /** When the last attempt to fetch it began, since the epoch. */
  readonly lastAttemptAt: number | undefined
  /** Why the last attempt failed; `undefined` if it succeeded. */
  readonly lastError: string | undefined
}
