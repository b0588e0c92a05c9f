/**
 * Adding to a Redis whose memory may be gone. A server that was restarted, emptied or replaced by its
 * replica may have forgotten what was added, and would take it again: whoever can make it crash could
 * use everything twice. So it is asked with each entry since when it has forgotten nothing, and until
 * all that it may have forgotten before is over, what it doesn't know is not taken for new.
 */
import { ADD_SCRIPT } from './redis-add-script.js'
import { otherAnswer } from './redis-answer.js'
import type { RedisCommands } from './redis-commands.js'
import type { RedisInspection } from './redis-inspection.js'
import { RedisScript } from './redis-script.js'
import { UncertainError } from './store.js'

/** In milliseconds, for whoever was told nothing yet. */
const LONG_AGO = 1e15

export class RedisOnce {
  readonly #script: RedisScript
  readonly #inspection: RedisInspection
  readonly #markKey: string
  #longestTtl = 0
  /** The mark that the last answer came with. */
  #mark = ''
  /** When a mark was in force for sure, as far as is known; by the clock of this process. */
  #inForceAt = -LONG_AGO
  /** Until when nothing is new, by the same clock: that of Redis may be set forward meanwhile. */
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
   * For a connection that is new: looks before anything is to be added, so that what there is to wait
   * for may be over by then.
   *
   * @throws whatever Redis answers, or that it doesn't.
   */
  async look(): Promise<void> {
    // Of whoever adds nothing, nothing can be forgotten.
    if (this.#longestTtl > 0) await this.#ask([])
  }

  /**
   * @throws {UncertainError} if it was added, and may have been there before.
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
    // An answer may take longer than what was left.
    const seconds = Math.max(0, Math.ceil((this.#uncertainUntil - now) / 1_000))
    throw new UncertainError(
      `Redis may have forgotten entries: nothing is new to it for another ${seconds} s`,
    )
  }

  async #ask(key: readonly string[], ...entry: readonly string[]): Promise<number> {
    const { version, evicted } = await this.#inspection.state()
    // Written so that one that tells no version is refused.
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

/** What isn't understood is neither new nor known. */
function answerOf(reply: unknown): ScriptReply {
  const [outcome, wait, mark]: unknown[] = Array.isArray(reply) ? reply.map(numberOf) : []
  const isOutcome = outcome === NEW || outcome === KNOWN || outcome === UNCERTAIN
  if (isOutcome && typeof wait === 'number' && typeof mark === 'string') {
    return { outcome, wait, mark }
  }
  throw otherAnswer()
}

/** Some clients are told to write numbers as text. */
function numberOf(part: unknown): unknown {
  return typeof part === 'string' && /^-?\d+$/.test(part) ? Number(part) : part
}
