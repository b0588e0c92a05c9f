/**
 * Adds entries to a Redis that may have lost data. A server that was restarted, flushed or replaced
 * by its replica may have lost entries and would accept them again: an attacker who can crash it
 * could replay every entry. Every add therefore reads an epoch marker that says since when this
 * Redis has lost nothing. Until every entry that may have been lost has expired, an unknown entry
 * is indeterminate, not new.
 */
import { ADD_SCRIPT } from './redis-add-script.js'
import { otherAnswer } from './redis-answer.js'
import type { RedisCommands } from './redis-commands.js'
import type { RedisInspection } from './redis-inspection.js'
import { RedisScript } from './redis-script.js'
import { UncertainError } from './store.js'

/** Milliseconds before now; stands for "never" until the first reply. */
const LONG_AGO = 1e15

export class RedisOnce {
  readonly #script: RedisScript
  readonly #inspection: RedisInspection
  readonly #markKey: string
  #longestTtl = 0
  /** The marker in the latest reply. */
  #mark = ''
  /** Latest time that the marker is known to have been in force, on the monotonic clock. */
  #inForceAt = -LONG_AGO
  /** Until then no entry is new. Monotonic clock, because the clock of Redis may be set forward. */
  #uncertainUntil = -LONG_AGO

  constructor(commands: RedisCommands, inspection: RedisInspection, markKey: string) {
    this.#script = new RedisScript(commands, ADD_SCRIPT)
    this.#inspection = inspection
    this.#markKey = markKey
  }

  declareMaxTtl(longest: number): void {
    this.#longestTtl = Math.max(this.#longestTtl, longest)
  }

  /**
   * Reads the marker on a new connection before the first add, so that the waiting time may have
   * passed by then.
   *
   * @throws if Redis replies with an error or does not reply.
   */
  async look(): Promise<void> {
    // An instance that adds no entries has none that Redis could lose.
    if (this.#longestTtl > 0) await this.#ask([])
  }

  /**
   * @throws {UncertainError} if the entry was added but may have existed before.
   */
  async add(key: string, value: string, ttl: number): Promise<boolean> {
    this.declareMaxTtl(ttl)
    const outcome = await this.#ask([key], value, `${ttl}`)
    if (outcome === KNOWN) return false
    const now = performance.now()
    if (outcome === NEW && now >= this.#uncertainUntil) {
      this.#inForceAt = now
      return true
    }
    // The reply may take longer than the remaining waiting time.
    const seconds = Math.max(0, Math.ceil((this.#uncertainUntil - now) / 1_000))
    throw new UncertainError(
      `Redis may have forgotten entries: nothing is new to it for another ${seconds} s`,
    )
  }

  async #ask(key: readonly string[], ...entry: readonly string[]): Promise<number> {
    const { version, evicted } = await this.#inspection.state()
    // Negated comparison, so that NaN (no version reported) is rejected.
    if (!(version >= 7)) {
      throw new Error(
        'Redis 7 or Valkey is needed, or "afterRestart" must be \'dangerouslyAccept\'',
      )
    }
    const sentAt = performance.now()
    const age = Math.floor(sentAt - this.#inForceAt)
    const known = [`${this.#longestTtl}`, evicted, this.#mark, `${age}`]
    const keys = [this.#markKey, ...key]
    const reply = await this.#script.run(keys, [...known, ...entry])
    const { outcome, wait, mark } = answerOf(reply)
    this.#mark = mark
    this.#inForceAt = Math.max(this.#inForceAt, sentAt)
    this.#uncertainUntil = Math.max(this.#uncertainUntil, sentAt + wait)
    return outcome
  }
}

interface ScriptReply {
  readonly outcome: number
  /** Milliseconds. */
  readonly wait: number
  readonly mark: string
}

const NEW = 1
const KNOWN = 0
const UNCERTAIN = -1

/** @throws if the reply is malformed: such an entry is neither new nor known. */
function answerOf(reply: unknown): ScriptReply {
  const [outcome, wait, mark]: unknown[] = Array.isArray(reply) ? reply.map(numberOf) : []
  const isOutcome = outcome === NEW || outcome === KNOWN || outcome === UNCERTAIN
  if (isOutcome && typeof wait === 'number' && typeof mark === 'string') {
    return { outcome, wait, mark }
  }
  throw otherAnswer()
}

/** Some clients are configured to return numbers as strings. */
function numberOf(part: unknown): unknown {
  return typeof part === 'string' && /^-?\d+$/.test(part) ? Number(part) : part
}
