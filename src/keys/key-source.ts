import type { Algorithm } from '../base/algorithms.js'
import type { VerificationKey } from './verification-key.js'

/** The keys that may have signed a token. */
export type Candidates = readonly VerificationKey[]

/** Provides the keys of one issuer to the pipeline. */
export interface KeySource {
  /**
   * Returns the keys that may have signed a token with this algorithm and `kid`; an empty array if
   * there are none. Synchronous while the keys are cached.
   *
   * @throws {KeysUnavailableError} (or rejects with it) if no keys are cached and the issuer is
   *   unavailable.
   */
  find(
    algorithm: Algorithm,
    kid: string | undefined,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /**
   * Returns keys that the issuer has published since, for a token that none of the tried keys
   * verifies: its `kid` now belongs to another key, or it has no `kid`. Empty if there are none, if
   * the refetch budget forbids a fetch or, for a `kid` of the set, if the fetch fails.
   *
   * @throws {KeysUnavailableError} if the fetch for a token without `kid` fails.
   */
  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: readonly VerificationKey[],
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /** Explains to operators why {@link find} has no key. Quotes nothing of the token. */
  whyNot(algorithm: Algorithm, kid: string | undefined): string

  /** Whether the key is still in the set, so that results verified with it remain valid. */
  trusts(key: VerificationKey): boolean

  /**
   * Fetches the keys again, except during a back-off.
   *
   * @throws {KeysUnavailableError} if the fetch fails, or during a back-off.
   */
  refresh(): Promise<void>

  status(): KeySetStatus

  /** Aborts the fetch in flight and waits for pending saves. Starts no fetch afterwards. */
  close(): Promise<void>
}

/** State of an issuer's key set. Times are in milliseconds. */
export interface KeySetStatus {
  /** The issuer identifier, as in `iss`. */
  readonly issuer: string
  /**
   * `static`: from the options, never fetched. `fresh`: within its freshness lifetime (RFC 9111).
   * `stale`: older, and used because no refresh has succeeded or none was needed. `empty`: no
   * usable keys, so that a token waits for a fetch and gets a 503 if it fails.
   */
  readonly state: 'static' | 'fresh' | 'stale' | 'empty'
  /** Number of usable keys. */
  readonly keys: number
  /** Milliseconds since the fetch; `undefined` for `static` and `empty`. */
  readonly ageMs: number | undefined
  /**
   * Milliseconds for which the set may still be used if no refresh succeeds; Infinity for `static`.
   */
  readonly usableForMs: number
  /** Start of the last fetch, in milliseconds since the epoch; `undefined` before the first. */
  readonly lastAttemptAt: number | undefined
  /** Why the last fetch failed; `undefined` if it succeeded. */
  readonly lastError: string | undefined
}
