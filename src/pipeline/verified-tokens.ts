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

import type { AccessToken } from '../access-token/access-token.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { USUAL_BEARER } from '../base/request-headers.js'
import type { Watch } from '../introspection/watch.js'
import type { Issuer } from '../issuer/issuer.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { fingerprintOf } from './fingerprint.js'
import { Sightings } from './sightings.js'

/** A success, and what it rests on. */
export interface Verdict {
  readonly token: AccessToken
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** Where the issuer is asked about the token meanwhile. */
  readonly watch: Pick<Watch, 'check' | 'failure'> | undefined
}

export interface VerifiedTokensOptions {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** The token as text, parsed, and the objects around it: 3 to 4 times its length, measured. */
const BYTES_PER_CHARACTER = 4
const BYTES_PER_ENTRY = 1_024
/** An object or array of its own among the claims. */
const BYTES_PER_NESTED = 128
/** The shortest one with the comma that follows it, in base64url. */
const CHARACTERS_PER_NESTED = 4

/** How many of the last tokens are kept before they come again, and their share of the bytes. */
const NEWCOMERS = 64
const NEWCOMERS_SHARE = 1 / 8

/**
 * In seconds: the order of use is kept to that. To move a token to the front costs several times as
 * much as to look it up.
 */
const MOVE_EVERY = 30

interface Regular {
  readonly verdict: Verdict
  /** The header that it comes in, as mostly written: one string of its own, of which `raw` is a part. */
  readonly header: string
  /** When it was last moved to the front, in seconds. */
  movedAt: number
}

export class VerifiedTokens {
  /** By fingerprint. Of two tokens with the same one, the later has the place. */
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

  /** How many have a place. */
  get size(): number {
    return this.#regulars.size
  }

  /** @param now whole seconds. */
  get(raw: string, now: number): Verdict | undefined {
    const fingerprint = fingerprintOf(raw)
    const regular = this.#regulars.peek(fingerprint)
    if (regular?.verdict.token.raw !== raw) return this.#returning(raw, fingerprint, now)
    return this.#used(regular, fingerprint, now)
  }

  /**
   * The same for an `Authorization` header that is, to the character, `Bearer` and a token with a
   * place. Of any other nothing is said. To cut the token off, and to compare what was cut off, costs
   * more than all else that is done for a known token.
   */
  getByHeader(header: string, now: number): Verdict | undefined {
    const fingerprint = fingerprintOf(header)
    const regular = this.#regulars.peek(fingerprint)
    if (regular?.header !== header) return undefined
    return this.#used(regular, fingerprint, now)
  }

  /** @param now whole seconds. */
  add(verdict: Verdict, now: number): void {
    const fingerprint = fingerprintOf(verdict.token.raw)
    if (this.#sightings.seen(fingerprint)) this.#place(verdict, fingerprint, now)
    else if (isAtMost(this.#newcomerBytes, verdict)) {
      this.#newcomers[fingerprint % NEWCOMERS] = verdict
    }
  }

  /** A newcomer that is back gets a place. */
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
    // `!(…)`: a clock that was set back, or tells no time, is no reason to forget who is in use.
    if (!(Math.abs(now - regular.movedAt) < MOVE_EVERY)) {
      regular.movedAt = now
      this.#regulars.get(fingerprint)
    }
    return regular.verdict
  }
}

/** Most tokens are, whatever is in their claims, so that nobody need count it. */
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

/** How many objects and arrays there are. Their depth was bounded when they were read. */
function nestedIn(value: object): number {
  let count = 0
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) count += 1 + nestedIn(member)
  }
  return count
}
