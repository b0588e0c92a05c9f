/**
 * Adds entries to a Redis that may have lost data. A server that was restarted, flushed or replaced
 * by its replica may have lost entries and would add them as new: an attacker who can crash Redis
 * could then replay every DPoP proof. Every add therefore reads an epoch marker, which records
 * since when this Redis has lost nothing. Until every entry that may have been lost has expired, an
 * unknown entry is indeterminate, not new.
 */
import { ADD_SCRIPT } from './redis-add-script.js'
import type { RedisCommands } from './redis-commands.js'
import type { Inspection } from './redis-inspection.js'
import { unexpectedReply } from './redis-reply.js'
import { RedisScript } from './redis-script.js'
import { IndeterminateError } from './store.js'

/**
 * `-LONG_AGO_MS` is earlier than any time of the monotonic clock. It is finite, because the script
 * gets the milliseconds that have passed since then as digits.
 */
const LONG_AGO_MS = 1e15

export class ReplaySafeAdd {
  readonly #script: RedisScript
  readonly #inspection: Inspection
  readonly #markerKey: string
  #maxTtl = 0
  /** Marker in the latest reply; empty before the first reply. */
  #marker = ''
  /** Latest time at which the marker is known to have been in force, on the monotonic clock. */
  #confirmedAt = -LONG_AGO_MS
  /**
   * Until this time, no entry is reported as new. The time is on the monotonic clock of this
   * process, because the clock of Redis may be set forward.
   */
  #indeterminateUntil = -LONG_AGO_MS

  constructor(commands: RedisCommands, inspection: Inspection, markerKey: string) {
    this.#script = new RedisScript(commands, ADD_SCRIPT)
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
    if (this.#maxTtl > 0) await this.#run([])
  }

  /**
   * Adds an entry. Returns `true` if the entry is new, `false` if it existed.
   *
   * @throws {IndeterminateError} if the entry was added but may have existed before.
   */
  async add(key: string, value: string, ttl: number): Promise<boolean> {
    this.declareMaxTtl(ttl)
    const outcome = await this.#run([key], value, `${ttl}`)
    if (outcome === KNOWN) return false
    const now = performance.now()
    if (outcome === NEW && now >= this.#indeterminateUntil) {
      this.#confirmedAt = now
      return true
    }
    // The result is at least 0, because the waiting time may end before the reply arrives.
    const seconds = Math.max(0, Math.ceil((this.#indeterminateUntil - now) / 1_000))
    throw new IndeterminateError(
      `Redis may have lost entries: unknown entries are rejected for another ${seconds} s`,
    )
  }

  async #run(key: readonly string[], ...entry: readonly string[]): Promise<number> {
    const { version, evicted } = await this.#inspection.state()
    // Negated comparison, so that NaN (no version reported) is rejected.
    if (!(version >= 7)) {
      throw new Error(
        'Redis 7 or later, or Valkey, is required unless "afterRestart" is \'dangerouslyAccept\'',
      )
    }
    const sentAt = performance.now()
    const age = Math.floor(sentAt - this.#confirmedAt)
    const known = [`${this.#maxTtl}`, evicted, this.#marker, `${age}`]
    const keys = [this.#markerKey, ...key]
    const reply = await this.#script.run(keys, [...known, ...entry])
    const { outcome, waitMs, marker } = parseReply(reply)
    this.#marker = marker
    // The marker begins with the "run_id" of the server.
    this.#inspection.sawServer(marker.split('.', 1)[0] as string)
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt)
    this.#indeterminateUntil = Math.max(this.#indeterminateUntil, sentAt + waitMs)
    return outcome
  }
}

interface ScriptReply {
  readonly outcome: number
  /** Time for which unknown entries remain indeterminate, in milliseconds. */
  readonly waitMs: number
  readonly marker: string
}

const NEW = 1
const KNOWN = 0
const INDETERMINATE = -1

/** @throws if the reply is malformed, because the entry must count neither as new nor as known. */
function parseReply(reply: unknown): ScriptReply {
  const [outcome, waitMs, marker]: unknown[] = Array.isArray(reply) ? reply.map(numberOf) : []
  const isOutcome = outcome === NEW || outcome === KNOWN || outcome === INDETERMINATE
  if (isOutcome && typeof waitMs === 'number' && typeof marker === 'string') {
    return { outcome, waitMs, marker }
  }
  throw unexpectedReply()
}

/**
 * Converts digits to a number, because some clients are configured to return numbers as strings.
 */
function numberOf(part: unknown): unknown {
  return typeof part === 'string' && /^-?\d+$/.test(part) ? Number(part) : part
}
