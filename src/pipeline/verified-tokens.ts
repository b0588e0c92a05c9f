/**
 * Caches verified tokens, but no rejections. On a cache hit, the caller must check again: the
 * times, whether the key and the issuer are still trusted, and revocation.
 *
 * Tokens are promoted to the main cache on second use, as in W-TinyLFU: long-lived objects are
 * expensive to collect, so single-use tokens must not fill the cache. A small admission window
 * keeps recent tokens, so that the second request with a new token need not verify it again.
 */

import type { AccessToken } from '../access-token/access-token.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { BEARER_PREFIX } from '../base/request-headers.js'
import type { Recheck } from '../introspection/background-recheck.js'
import type { Issuer } from '../issuer/issuer.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { AdmissionFilter } from './admission-filter.js'
import { fingerprintOf } from './fingerprint.js'

/** A verified token, with its issuer and the key that verified its signature. */
export interface VerificationResult {
  readonly token: AccessToken
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** Background recheck; `undefined` unless the issuer's `introspection.mode` is `recheck`. */
  readonly recheck: Pick<Recheck, 'check' | 'failure'> | undefined
}

export interface VerifiedTokensOptions {
  readonly maxEntries: number
  readonly maxBytes: number
}

/**
 * Estimated memory per character of the token, in bytes, for its string and its parsed claims.
 * Measured: 3 to 4 bytes.
 */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024
/** Estimated memory of each object or array in the claims, in bytes. */
const BYTES_PER_NESTED = 128
/** Number of base64url characters for the shortest nested value and its comma, such as `{},`. */
const CHARACTERS_PER_NESTED = 4

/** Maximum number of tokens in the admission window. */
const WINDOW_SIZE = 64
/** Share of `maxBytes` that the admission window may use. */
const WINDOW_SHARE = 1 / 8

/** Minimum interval between LRU touches of an entry. A touch costs several times a look-up. */
const TOUCH_INTERVAL_SECONDS = 30

interface CacheEntry {
  readonly result: VerificationResult
  /** The header `Bearer <token>` as one flat string, of which the token's `raw` is a slice. */
  readonly header: string
  /** Time of the last LRU touch, in seconds since the epoch. */
  touchedAt: number
}

export class VerifiedTokens {
  /** Keyed by fingerprint; on a collision, the later token replaces the earlier one. */
  readonly #main: BoundedCache<number, CacheEntry>
  readonly #window: (VerificationResult | undefined)[]
  readonly #windowEntryBytes: number
  readonly #admissionFilter: AdmissionFilter

  constructor({ maxEntries, maxBytes }: VerifiedTokensOptions) {
    this.#main = new BoundedCache({
      max: maxEntries,
      maxSize: Math.floor(maxBytes * (1 - WINDOW_SHARE)),
      sizeCalculation: ({ result }) => bytesOf(result),
    })
    this.#window = new Array(WINDOW_SIZE).fill(undefined)
    this.#windowEntryBytes = (maxBytes * WINDOW_SHARE) / WINDOW_SIZE
    this.#admissionFilter = new AdmissionFilter(maxEntries * 2)
  }

  /** Number of tokens in the main cache. */
  get size(): number {
    return this.#main.size
  }

  /**
   * Returns the result for a token; `undefined` if it is not cached.
   *
   * @param now whole seconds since the epoch.
   */
  get(raw: string, now: number): VerificationResult | undefined {
    const fingerprint = fingerprintOf(raw)
    const entry = this.#main.peek(fingerprint)
    if (entry?.result.token.raw !== raw) return this.#promoteFromWindow(raw, fingerprint, now)
    return this.#touch(entry, fingerprint, now)
  }

  /**
   * Returns the result for a raw header that is exactly `Bearer <token in the main cache>`;
   * `undefined` for any other header, even if {@link get} finds its token. Avoids slicing the token
   * from the header, which is the largest cost of a cache hit.
   *
   * @param now whole seconds since the epoch.
   */
  getByHeader(header: string, now: number): VerificationResult | undefined {
    const fingerprint = fingerprintOf(header)
    const entry = this.#main.peek(fingerprint)
    if (entry?.header !== header) return undefined
    return this.#touch(entry, fingerprint, now)
  }

  /**
   * Adds a result to the main cache if the admission filter remembers the token; otherwise to the
   * admission window, unless the result is too large for the window.
   *
   * @param now whole seconds since the epoch.
   */
  add(result: VerificationResult, now: number): void {
    const fingerprint = fingerprintOf(result.token.raw)
    if (this.#admissionFilter.admit(fingerprint)) this.#promote(result, fingerprint, now)
    else if (isAtMost(this.#windowEntryBytes, result)) {
      this.#window[fingerprint % WINDOW_SIZE] = result
    }
  }

  /** Promotes a token from the admission window to the main cache on its second use. */
  #promoteFromWindow(
    raw: string,
    fingerprint: number,
    now: number,
  ): VerificationResult | undefined {
    const result = this.#window[fingerprint % WINDOW_SIZE]
    if (result?.token.raw !== raw) return undefined
    this.#promote(result, fingerprint, now)
    return result
  }

  #promote(result: VerificationResult, fingerprint: number, now: number): void {
    const header = result.token.detach(BEARER_PREFIX)
    this.#main.set(fingerprint, { result, header, touchedAt: now })
  }

  #touch(entry: CacheEntry, fingerprint: number, now: number): VerificationResult {
    // A negated comparison of the absolute difference, so that the entry is also touched if the
    // clock returns NaN or was set back.
    if (!(Math.abs(now - entry.touchedAt) < TOUCH_INTERVAL_SECONDS)) {
      entry.touchedAt = now
      this.#main.get(fingerprint)
    }
    return entry.result
  }
}

/**
 * Whether a result needs at most `bytes`. For most tokens, an upper bound computed from the length
 * suffices, so that nested claims need not be counted.
 */
function isAtMost(bytes: number, result: VerificationResult): boolean {
  const { length } = result.token.raw
  return bytesFor(length, length / CHARACTERS_PER_NESTED) <= bytes || bytesOf(result) <= bytes
}

function bytesOf({ token: { raw, claims } }: VerificationResult): number {
  return bytesFor(raw.length, countNested(claims))
}

function bytesFor(characters: number, nested: number): number {
  return BYTES_PER_ENTRY + characters * BYTES_PER_CHARACTER + nested * BYTES_PER_NESTED
}

/** Counts nested objects and arrays. Recursion is safe because the parser limits their depth. */
function countNested(value: object): number {
  let count = 0
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) count += 1 + countNested(member)
  }
  return count
}
