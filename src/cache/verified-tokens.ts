/**
 * Tokens already verified, so that one seen before costs a look-up.
 *
 * Only successes are kept, and a hit is no verdict yet: whoever asks compares the time and the
 * trust in the key again.
 *
 * A token earns its place when it comes for the second time: what lives long is dear to the garbage
 * collector, and where every token is new nothing should. The last few are kept in any case, so that
 * requests that come at once with one token verify it once.
 */
import { LRUCache } from 'lru-cache'
import type { AccessToken } from '../access-token.js'
import type { Issuer, RevocationWatch } from '../issuer/issuer.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { fingerprintOf, tailOf } from './fingerprint.js'
import { Sightings } from './sightings.js'

/** A success, and what it rests on. */
export interface Verdict {
  readonly token: AccessToken
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** Where the issuer is asked about the token meanwhile. */
  readonly watch: RevocationWatch | undefined
}

export interface VerifiedTokensOptions {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** The token as text, parsed, and the objects around it: 3 to 4 times its length, measured. */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024

/** How many of the last tokens are kept before they come again, and their share of the bytes. */
const NEWCOMERS = 64
const NEWCOMERS_SHARE = 1 / 8

export class VerifiedTokens {
  readonly #regulars: LRUCache<string, Verdict>
  readonly #newcomers: (Verdict | undefined)[]
  readonly #newcomerBytes: number
  readonly #sightings: Sightings

  constructor({ maxEntries, maxBytes }: VerifiedTokensOptions) {
    this.#regulars = new LRUCache({
      max: maxEntries,
      maxSize: Math.floor(maxBytes * (1 - NEWCOMERS_SHARE)),
      sizeCalculation: bytesOf,
    })
    this.#newcomers = new Array(NEWCOMERS).fill(undefined)
    this.#newcomerBytes = (maxBytes * NEWCOMERS_SHARE) / NEWCOMERS
    this.#sightings = new Sightings(maxEntries * 2)
  }

  /** How many have a place. */
  get size(): number {
    return this.#regulars.size
  }

  get(raw: string): Verdict | undefined {
    const verdict = this.#regulars.get(tailOf(raw))
    return verdict?.token.raw === raw ? verdict : this.#returning(raw)
  }

  add(verdict: Verdict): void {
    const { raw } = verdict.token
    const fingerprint = fingerprintOf(raw)
    if (this.#sightings.seen(fingerprint)) this.#regulars.set(tailOf(raw), verdict)
    else if (bytesOf(verdict) <= this.#newcomerBytes) {
      this.#newcomers[fingerprint % NEWCOMERS] = verdict
    }
  }

  /** A newcomer that is back gets a place. */
  #returning(raw: string): Verdict | undefined {
    const verdict = this.#newcomers[fingerprintOf(raw) % NEWCOMERS]
    if (verdict?.token.raw !== raw) return undefined
    // By its own end: that of the other is a slice, and would keep the whole request's header.
    this.#regulars.set(tailOf(verdict.token.raw), verdict)
    return verdict
  }
}

function bytesOf({ token }: Verdict): number {
  return BYTES_PER_ENTRY + token.raw.length * BYTES_PER_CHARACTER
}
