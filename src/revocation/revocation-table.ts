/**
 * Holds the times of revocations by the SHA-256 digest of their names, in typed arrays: about 60
 * bytes for each, which the garbage collector does not visit.
 *
 * The table consists of shards, each an open-addressing hash table with linear probing. A shard
 * grows, and loses its expired entries, independently of the others. So the event loop is never
 * blocked by a copy of the whole table.
 */

/** Times in seconds since the epoch. */
export interface RevocationTimes {
  /** Latest `iat` of the tokens that the revocation covers. */
  readonly before: number
  /** Latest time at which a token that the revocation covers may have been issued. */
  readonly lastIssued: number
}

/** Length of a digest in 32-bit words. */
export const DIGEST_WORDS = 8

const SHARDS = 256
const MIN_SLOTS = 8
/** A shard grows by a quarter when 85 % of its slots are used, so at least 68 % are. */
const MAX_LOAD = 0.85
const GROWTH = 1.25
/** Number of slots that {@link RevocationTable.removeExpired} visits, if they have expired entries. */
const SLOTS_PER_REMOVAL = 10_000
/** `lastIssued` of a free slot. */
const FREE = -1

export class RevocationTable {
  readonly #shards: (Shard | undefined)[] = Array.from({ length: SHARDS })
  #size = 0
  /** The shard at which the next {@link removeExpired} starts. */
  #nextShard = 0

  get size(): number {
    return this.#size
  }

  /**
   * @param digests one or more digests.
   * @param at the index of the first word of the digest to find.
   */
  get(digests: Uint32Array, at = 0): RevocationTimes | undefined {
    return this.#shards[shardOf(digests, at)]?.get(digests, at)
  }

  set(digest: Uint32Array, { before, lastIssued }: RevocationTimes): void {
    const index = shardOf(digest, 0)
    const shard = this.#shards[index] ?? new Shard()
    this.#shards[index] = shard
    this.#size -= shard.size
    shard.set(digest, 0, before, lastIssued)
    this.#size += shard.size
  }

  /**
   * Removes entries whose `lastIssued` is before the time, but not all at once if there are many.
   * Removes at least one, unless there is none.
   */
  removeExpired(until: number): void {
    const sizeBefore = this.#size
    let slots = 0
    for (let i = 0; i < SHARDS; i++) {
      if (this.#size < sizeBefore && slots >= SLOTS_PER_REMOVAL) return
      const shard = this.#shards[this.#nextShard]
      this.#nextShard = (this.#nextShard + 1) % SHARDS
      // Negated comparison, so that NaN removes nothing.
      if (shard === undefined || !(shard.earliestLastIssued < until)) continue
      slots += shard.slots
      this.#size -= shard.size
      shard.removeExpired(until)
      this.#size += shard.size
    }
  }

  /**
   * Yields every entry that exists during the whole iteration, even if the table is changed in
   * between. The digest is valid until the next step.
   */
  *entries(): Generator<readonly [digest: Uint32Array, times: RevocationTimes]> {
    for (const shard of this.#shards) {
      // A change may replace the arrays of the shard: the old ones still have all of its digests.
      for (const digest of shard?.digests() ?? []) {
        const times = shard?.get(digest, 0)
        if (times !== undefined) yield [digest, times]
      }
    }
  }
}

/** Returns the index of the shard that has, or would get, the digest. */
function shardOf(digests: Uint32Array, at: number): number {
  return (digests[at] as number) % SHARDS
}

class Shard {
  size = 0
  /** Lower bound of the `lastIssued` of all entries. */
  earliestLastIssued = Number.POSITIVE_INFINITY
  #digests = new Uint32Array(0)
  /** `before` and `lastIssued` of each slot. */
  #times = new Float64Array(0)

  get slots(): number {
    return this.#times.length / 2
  }

  get(digests: Uint32Array, at: number): RevocationTimes | undefined {
    if (this.size === 0) return undefined
    const slot = this.#slotOf(digests, at)
    return this.#isFree(slot) ? undefined : this.#timesOf(slot)
  }

  set(digests: Uint32Array, at: number, before: number, lastIssued: number): void {
    if (this.size + 1 > this.slots * MAX_LOAD) {
      this.#resize(Math.max(MIN_SLOTS, Math.ceil(this.slots * GROWTH)))
    }
    const slot = this.#slotOf(digests, at)
    if (this.#isFree(slot)) this.size++
    // A loop takes less time than set() and subarray() of the arrays.
    const first = slot * DIGEST_WORDS
    for (let i = 0; i < DIGEST_WORDS; i++) this.#digests[first + i] = digests[at + i] as number
    this.#times[slot * 2] = before
    this.#times[slot * 2 + 1] = lastIssued
    this.earliestLastIssued = Math.min(this.earliestLastIssued, lastIssued)
  }

  removeExpired(until: number): void {
    let remaining = 0
    for (let slot = 0; slot < this.slots; slot++) {
      if (!this.#isFree(slot) && !(this.#timesOf(slot).lastIssued < until)) remaining++
    }
    const slots = Math.max(MIN_SLOTS, Math.ceil((remaining / MAX_LOAD) * GROWTH))
    this.#resize(slots, until)
  }

  *digests(): Generator<Uint32Array> {
    const [digests, times] = [this.#digests, this.#times]
    for (let slot = 0; slot < times.length / 2; slot++) {
      if (times[slot * 2 + 1] === FREE) continue
      yield digests.subarray(slot * DIGEST_WORDS, (slot + 1) * DIGEST_WORDS)
    }
  }

  /** Copies the entries that have not expired into new arrays. */
  #resize(slots: number, expiredUntil = Number.NEGATIVE_INFINITY): void {
    const [digests, times] = [this.#digests, this.#times]
    this.size = 0
    this.earliestLastIssued = Number.POSITIVE_INFINITY
    this.#digests = new Uint32Array(slots * DIGEST_WORDS)
    this.#times = new Float64Array(slots * 2).fill(FREE)
    for (let slot = 0; slot < times.length / 2; slot++) {
      const [before, lastIssued] = [times[slot * 2] as number, times[slot * 2 + 1] as number]
      if (lastIssued === FREE || lastIssued < expiredUntil) continue
      this.set(digests, slot * DIGEST_WORDS, before, lastIssued)
    }
  }

  /** Returns the slot that has the digest, or the free one that would get it. */
  #slotOf(digests: Uint32Array, at: number): number {
    const { slots } = this
    // The first word of the digest selects the shard.
    let slot = (digests[at + 1] as number) % slots
    while (!this.#isFree(slot) && !this.#hasDigest(slot, digests, at)) slot = (slot + 1) % slots
    return slot
  }

  #isFree(slot: number): boolean {
    return this.#times[slot * 2 + 1] === FREE
  }

  #hasDigest(slot: number, digests: Uint32Array, at: number): boolean {
    const first = slot * DIGEST_WORDS
    for (let i = 0; i < DIGEST_WORDS; i++) {
      if (this.#digests[first + i] !== digests[at + i]) return false
    }
    return true
  }

  #timesOf(slot: number): RevocationTimes {
    return {
      before: this.#times[slot * 2] as number,
      lastIssued: this.#times[slot * 2 + 1] as number,
    }
  }
}
