/**
 * Adds entries to a Redis that may have lost data. A server that was restarted, flushed or replaced
 * by its replica may have lost entries and would add them as new: an attacker who can crash Redis
 * could then replay every DPoP proof. Every add therefore reads an epoch marker, which records
 * since when this Redis has lost nothing. Until every entry that may have been lost has expired, an
 * unknown entry is indeterminate, not new.
 */
import { type AddBatch, AddBatches, type AddResult } from './add-batches.js'
import { ADD_SCRIPT, SAME_EPOCH_ADD_SCRIPT } from './redis-add-script.js'
import type { RedisCommands } from './redis-commands.js'
import type { Inspection } from './redis-inspection.js'
import { requireParts, requireText, unexpectedReply } from './redis-reply.js'
import { RedisScript } from './redis-script.js'
import { IndeterminateError } from './store.js'

/**
 * `-LONG_AGO_MS` is earlier than any time of the monotonic clock. It is finite, because the script
 * gets the milliseconds that have passed since then as digits.
 */
const LONG_AGO_MS = 1e15

/** An epoch in which this Redis lost no entry that could still be unexpired. */
interface TrustedEpoch {
  readonly marker: string
  /** The line of INFO with the replication id of the server. */
  readonly replIdLine: string
  /** Number of evicted entries, in digits. */
  readonly evicted: string
  /** Every entry with this TTL that may have been lost has expired, in milliseconds. */
  readonly maxTtl: number
}

export class ReplaySafeAdd {
  readonly #script: RedisScript
  readonly #sameEpochScript: RedisScript
  readonly #inspection: Inspection
  readonly #markerKey: string
  readonly #batches = new AddBatches((batch) => this.#addAll(batch))
  #maxTtl = 0
  /** Marker in the latest reply; empty before the first reply. */
  #marker = ''
  /** `undefined` if the latest reply of {@link ADD_SCRIPT} left entries indeterminate. */
  #trusted: TrustedEpoch | undefined
  /** Latest time at which the marker is known to have been in force, on the monotonic clock. */
  #confirmedAt = -LONG_AGO_MS
  /**
   * Until this time, no entry is reported as new. The time is on the monotonic clock of this
   * process, because the clock of Redis may be set forward.
   */
  #indeterminateUntil = -LONG_AGO_MS

  constructor(commands: RedisCommands, inspection: Inspection, markerKey: string) {
    this.#script = new RedisScript(commands, ADD_SCRIPT)
    this.#sameEpochScript = new RedisScript(commands, SAME_EPOCH_ADD_SCRIPT)
    this.#inspection = inspection
    this.#markerKey = markerKey
  }

  declareMaxTtl(maxTtl: number): void {
    this.#maxTtl = Math.max(this.#maxTtl, maxTtl)
  }

  /**
   * Reads the marker. If Redis may have lost entries, starts an epoch and writes its marker. Called
   * on each new connection, and not only by the first `add`, because unknown entries are
   * indeterminate until the longest TTL has passed since the start of the epoch. Does nothing if
   * this instance adds no entries.
   *
   * @throws if Redis replies with an error or does not reply.
   */
  async probe(): Promise<void> {
    if (this.#maxTtl > 0) await this.#addInAnyEpoch(await this.#evicted(), [], [])
  }

  /**
   * Adds an entry. Returns `true` if the entry is new, `false` if it existed.
   *
   * @throws {IndeterminateError} if the entry was added but may have existed before.
   */
  add(key: string, value: string, ttl: number): Promise<boolean> {
    this.declareMaxTtl(ttl)
    return this.#batches.add(key, value, ttl)
  }

  async #addAll({ keys, value, ttl }: AddBatch): Promise<readonly AddResult[]> {
    const evicted = await this.#evicted()
    const entry = [value, `${ttl}`]
    const { added, isWaiting } =
      (await this.#addInSameEpoch(evicted, keys, entry)) ??
      (await this.#addInAnyEpoch(evicted, keys, entry))
    const now = performance.now()
    if (isWaiting || now < this.#indeterminateUntil) {
      return added.map((isNew) => isNew && this.#indeterminate(now))
    }
    if (added.includes(true)) this.#confirmedAt = now
    return added
  }

  /** Returns the number of evicted entries, in digits. */
  async #evicted(): Promise<string> {
    const { version, evicted } = await this.#inspection.state()
    // Negated comparison, so that NaN (no version reported) is rejected.
    if (!(version >= 7)) {
      throw new Error(
        'Redis 7 or later, or Valkey, is required unless "afterRestart" is \'dangerouslyAccept\'',
      )
    }
    return evicted
  }

  /** Returns `undefined`, and adds nothing, if the server may be in another epoch. */
  async #addInSameEpoch(
    evicted: string,
    keys: readonly string[],
    entry: readonly string[],
  ): Promise<Added | undefined> {
    const trusted = this.#trusted
    if (trusted?.evicted !== evicted || trusted.maxTtl !== this.#maxTtl) return undefined
    const { marker, replIdLine } = trusted
    const sentAt = performance.now()
    const args = [marker, replIdLine, ...entry]
    const digits = await this.#sameEpochScript.run([this.#markerKey, ...keys], args)
    if (digits === '') return undefined
    const added = parseDigits(digits, keys.length)
    // A concurrent reply may have been the first with another marker.
    if (this.#marker === marker) this.#confirmedAt = Math.max(this.#confirmedAt, sentAt)
    return { added, isWaiting: false }
  }

  /** Starts an epoch if Redis may have lost entries. */
  async #addInAnyEpoch(
    evicted: string,
    keys: readonly string[],
    entry: readonly string[],
  ): Promise<Added> {
    const sentAt = performance.now()
    const age = Math.floor(sentAt - this.#confirmedAt)
    const maxTtl = this.#maxTtl
    const known = [`${maxTtl}`, evicted, this.#marker, `${age}`]
    const reply = await this.#script.run([this.#markerKey, ...keys], [...known, ...entry])
    const { added, waitMs, marker, replId } = parseReply(reply, keys.length)
    this.#marker = marker
    // The marker begins with the "run_id" of the server.
    this.#inspection.sawServer(marker.split('.', 1)[0] as string)
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt)
    this.#indeterminateUntil = Math.max(this.#indeterminateUntil, sentAt + waitMs)
    // A wait of 0 milliseconds has not passed.
    const isWaiting = waitMs >= 0
    this.#trusted =
      isWaiting || !isReplId(replId)
        ? undefined
        : { marker, replIdLine: `\nmaster_replid:${replId}`, evicted, maxTtl }
    return { added, isWaiting }
  }

  #indeterminate(now: number): IndeterminateError {
    // The result is at least 0, because the waiting time may end before the reply arrives.
    const seconds = Math.max(0, Math.ceil((this.#indeterminateUntil - now) / 1_000))
    return new IndeterminateError(
      `Redis may have lost entries: unknown entries are rejected for another ${seconds} s`,
    )
  }
}

interface Added {
  /** Whether each entry was added because it did not exist. */
  readonly added: boolean[]
  /** Whether added entries may have existed before. */
  readonly isWaiting: boolean
}

/** Excludes a constant, which a server could report that does not implement replication. */
function isReplId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text) && !/^0+$/.test(text)
}

interface ScriptReply {
  readonly added: boolean[]
  /** Time for which unknown entries remain indeterminate, in milliseconds. */
  readonly waitMs: number
  readonly marker: string
  readonly replId: string
}

/** @throws if the reply is malformed, because no entry may count as new or as known. */
function parseReply(reply: unknown, count: number): ScriptReply {
  const [digits, wait, marker, replId] = requireParts(reply, 4)
  return {
    added: parseDigits(digits, count),
    waitMs: parseNumber(wait),
    marker: requireText(marker),
    replId: requireText(replId),
  }
}

/** Parses digits, because some clients are configured to return numbers as strings. */
function parseNumber(part: unknown): number {
  if (typeof part === 'number') return part
  if (typeof part === 'string' && /^-?\d+$/.test(part)) return Number(part)
  throw unexpectedReply()
}

function parseDigits(digits: unknown, count: number): boolean[] {
  const text = requireText(digits)
  if (text.length !== count || !/^[01]*$/.test(text)) throw unexpectedReply()
  return text.split('').map((digit) => digit === '1')
}
