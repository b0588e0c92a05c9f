/**
 * Caches verified tokens. Only successes are cached; on a hit, the caller must check the times, the
 * trust in the key and revocation again.
 *
 * Tokens are promoted to the main cache on second use, as in W-TinyLFU: long-lived objects are
 * expensive to collect, so single-use tokens must not fill the cache. A small admission window
 * keeps the most recent tokens, so that a burst of requests with one token verifies it once.
 */

import type { AccessToken } from '../access-token/access-token.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { USUAL_BEARER } from '../base/request-headers.js'
import type { Watch } from '../introspection/watch.js'
import type { Issuer } from '../issuer/issuer.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { fingerprintOf } from './fingerprint.js'
import { Sightings } from './sightings.js'

/** A verified token, with the issuer and the key that the verification relied on. */
export interface Verdict {
  readonly token: AccessToken
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** Background recheck by introspection, if the issuer uses it. */
  readonly watch: Pick<Watch, 'check' | 'failure'> | undefined
}

export interface VerifiedTokensOptions {
  readonly maxEntries: number
  readonly maxBytes: number
}

/**
 * Covers the token string, its parsed claims and their objects: measured, 3 to 4 times its length.
 */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024
/** Cost of each nested object or array among the claims. */
const BYTES_PER_NESTED = 128
/** Length in base64url of the shortest nested value and its comma. */
const CHARACTERS_PER_NESTED = 4

/** Number of tokens in the admission window, and its share of the bytes. */
const NEWCOMERS = 64
const NEWCOMERS_SHARE = 1 / 8

/** Seconds between LRU touches of one entry: a touch costs several times as much as a look-up. */
const MOVE_EVERY = 30

interface Regular {
  readonly verdict: Verdict
  /** The header `Bearer <token>` as one flat string, of which `raw` is a slice. */
  readonly header: string
  /** Time of the last LRU touch, in seconds. */
  movedAt: number
}

export class VerifiedTokens {
  /** Keyed by fingerprint; on a collision, the later token replaces the earlier one. */
  readonly #regulars: BoundedCache<number, Regular>
  readonly #newcomers: (Verdict | undefined)[]
  readonly #newcomerBytes: number
  readonly #sightings: Sightings

  constructor({ maxEntries, maxBytes }: VerifiedTokensOptions) {
    this.#regulars = new BoundedCache({
      max: maxEntries,
      maxSize: Math.floor(maxBytes * (1 - NEWCOMERS_SHARE)),
      sizeCalculation: ({ verdict }) => bytesOf(verdict),
    })
    this.#newcomers = new Array(NEWCOMERS).fill(undefined)
    this.#newcomerBytes = (maxBytes * NEWCOMERS_SHARE) / NEWCOMERS
    this.#sightings = new Sightings(maxEntries * 2)
  }

  /** Number of tokens in the main cache. */
  get size(): number {
    return this.#regulars.size
  }

  /** @param now whole seconds since the epoch. */
  get(raw: string, now: number): Verdict | undefined {
    const fingerprint = fingerprintOf(raw)
    const regular = this.#regulars.peek(fingerprint)
    if (regular?.verdict.token.raw !== raw) return this.#returning(raw, fingerprint, now)
    return this.#used(regular, fingerprint, now)
  }

  /**
   * Looks up by the raw header if it is exactly `Bearer <token in the main cache>`; `undefined`
   * says nothing about other tokens. Avoids slicing the token, the largest cost of a cache hit.
   */
  getByHeader(header: string, now: number): Verdict | undefined {
    const fingerprint = fingerprintOf(header)
    const regular = this.#regulars.peek(fingerprint)
    if (regular?.header !== header) return undefined
    return this.#used(regular, fingerprint, now)
  }

  /** @param now whole seconds since the epoch. */
  add(verdict: Verdict, now: number): void {
    const fingerprint = fingerprintOf(verdict.token.raw)
    if (this.#sightings.seen(fingerprint)) this.#place(verdict, fingerprint, now)
    else if (isAtMost(this.#newcomerBytes, verdict)) {
      this.#newcomers[fingerprint % NEWCOMERS] = verdict
    }
  }

  /** Promotes a token on its second use. */
  #returning(raw: string, fingerprint: number, now: number): Verdict | undefined {
    const verdict = this.#newcomers[fingerprint % NEWCOMERS]
    if (verdict?.token.raw !== raw) return undefined
    this.#place(verdict, fingerprint, now)
    return verdict
  }

  #place(verdict: Verdict, fingerprint: number, now: number): void {
    const header = verdict.token.detach(USUAL_BEARER)
    this.#regulars.set(fingerprint, { verdict, header, movedAt: now })
  }

  #used(regular: Regular, fingerprint: number, now: number): Verdict {
    // Negated so that a NaN or backward clock still touches the entry.
    if (!(Math.abs(now - regular.movedAt) < MOVE_EVERY)) {
      regular.movedAt = now
      this.#regulars.get(fingerprint)
    }
    return regular.verdict
  }
}

/** An upper bound from the length suffices for most tokens, without counting nested claims. */
function isAtMost(bytes: number, verdict: Verdict): boolean {
  const { length } = verdict.token.raw
  return bytesFor(length, length / CHARACTERS_PER_NESTED) <= bytes || bytesOf(verdict) <= bytes
}

function bytesOf({ token: { raw, claims } }: Verdict): number {
  return bytesFor(raw.length, nestedIn(claims))
}

function bytesFor(characters: number, nested: number): number {
  return BYTES_PER_ENTRY + characters * BYTES_PER_CHARACTER + nested * BYTES_PER_NESTED
}

/** Counts nested objects and arrays. The parser has bounded their depth. */
function nestedIn(value: object): number {
  let count = 0
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) count += 1 + nestedIn(member)
  }
  return count
}
