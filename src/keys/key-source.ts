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
   * @param mayRefetch whether the keys are fetched again if none of the cached keys has the `kid`
   *   and the refetch budget allows it. If false, only the first fetch may start. Default true.
   * @throws {KeysUnavailableError} (or rejects with it) if the issuer is unavailable, and either no
   *   keys are cached or none of them has the `kid`.
   */
  find(
    algorithm: Algorithm,
    kid: string | undefined,
    mayRefetch?: boolean,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /**
   * Returns newly published keys, for a token that none of the tried keys verifies: its `kid` may
   * now belong to another key, or the token has no `kid`. Returns an empty array if there are no
   * new keys, if the refetch budget allows no fetch, or if the fetch fails and the set has the
   * `kid`.
   *
   * @throws {KeysUnavailableError} (or rejects with it) if the fetch fails and the set does not
   *   have the `kid`.
   */
  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: readonly VerificationKey[],
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>

  /**
   * Explains to operators why {@link find} found no key. The text contains nothing of the token
   * except the algorithm, which is one of the supported names.
   */
  whyNot(algorithm: Algorithm, kid: string | undefined): string

  /** Whether the key is still in the set, so that its verification results remain valid. */
  trusts(key: VerificationKey): boolean

  /**
   * Fetches the keys again, except during a back-off.
   *
   * @throws {KeysUnavailableError} if the fetch fails, and during a back-off.
   */
  refresh(): Promise<void>

  /**
   * Fetches keys that are cached or in flight again, in the background, and repeats the fetch after
   * the back-off until it succeeds. Does nothing otherwise, because the first token causes a fetch
   * anyway. Never throws.
   */
  renew(): void

  /**
   * Starts to load the keys in the background if none are usable: from the store of the option
   * `jwks.store`, or with a fetch, except during a back-off. Never throws.
   */
  prefetch(): void

  status(): KeySetStatus

  /** Aborts the fetch in flight and waits for pending saves. No fetch starts afterwards. */
  close(): Promise<void>
}

/** State of an issuer's key set. Times are in milliseconds. */
export interface KeySetStatus {
  /** The issuer identifier, as in `iss`. */
  readonly issuer: string
  /**
   * `static`: from the options, never fetched. `fresh`: within its freshness lifetime (RFC 9111).
   * `stale`: past that lifetime, but still usable. `empty`: no usable keys; a token waits for a
   * fetch, and gets a 503 if the fetch fails.
   */
  readonly state: 'static' | 'fresh' | 'stale' | 'empty'
  /** Number of keys in the set; 0 for `empty`. */
  readonly keys: number
  /** Milliseconds since the fetch; `undefined` for `static` and `empty`. */
  readonly ageMs: number | undefined
  /**
   * Milliseconds for which the set may still be used if no refresh succeeds; Infinity for `static`,
   * 0 for `empty`.
   */
  readonly usableForMs: number
  /** Start of the last fetch, in milliseconds since the epoch; `undefined` before the first. */
  readonly lastAttemptAt: number | undefined
  /** Why the last fetch failed; `undefined` if that fetch succeeded, or before the first. */
  readonly lastError: string | undefined
}
