/**
 * Adding to a Redis whose memory may be gone. A server that was restarted, emptied or replaced by its
 * replica may have forgotten what was added, and would take it again: whoever can make it crash could
 * use everything twice. So it is asked with each entry since when it has forgotten nothing, and until
 * all that it may have forgotten before is over, what it doesn't know is not taken for new.
 */
import { createHash } from 'node:crypto'
import { ADD_SCRIPT } from './redis-add-script.js'
import type { RedisCommands } from './redis-commands.js'
import type { RedisInspection } from './redis-inspection.js'
import { UncertainError } from './uncertain-error.js'

const SHA = createHash('sha1').update(ADD_SCRIPT).digest('hex')

/** In milliseconds, for whoever added nothing yet. */
const LONG_AGO = 1e15

export class RedisOnce {
  readonly #commands: RedisCommands
  readonly #inspection: RedisInspection
  readonly #markKey: string
  #longestTtl = 0
  /** The mark that the last answer came with. */
  #mark = ''
  /** When something was added last, by the clock of this process. */
  #addedAt = -LONG_AGO

  constructor(commands: RedisCommands, inspection: RedisInspection, markKey: string) {
    this.#commands = commands
    this.#inspection = inspection
    this.#markKey = markKey
  }

  expectTtl(longest: number): void {
    this.#longestTtl = Math.max(this.#longestTtl, longest)
  }

  /**
   * For a connection that is new: looks before anything is to be added, so that what there is to wait
   * for may be over by then.
   */
  look(): void {
    // Of whoever adds nothing, nothing can be forgotten.
    if (this.#longestTtl === 0) return
    // Whoever adds something asks again, and is told.
    this.#ask([]).catch(() => {})
  }

  /**
   * @throws {UncertainError} if it was added, and may have been there before.
   */
  async add(key: string, value: string, ttl: number): Promise<boolean> {
    this.expectTtl(ttl)
    const { outcome, wait } = await this.#ask([key], value, `${ttl}`)
    if (outcome === KNOWN) return false
    if (outcome === NEW) {
      this.#addedAt = performance.now()
      return true
    }
    const seconds = Math.ceil(wait / 1_000)
    throw new UncertainError(
      `Redis may have forgotten entries: nothing is new to it for another ${seconds} s`,
    )
  }

  async #ask(key: readonly string[], ...entry: readonly string[]): Promise<Answer> {
    const { version, evicted } = await this.#inspection.state()
    // Written so that one that tells no version is refused.
    if (!(version >= 7)) {
      throw new Error('Redis 7 or Valkey is needed, or "afterRestart" must be \'trust\'')
    }
    const sinceAdded = Math.floor(performance.now() - this.#addedAt)
    const known = [`${this.#longestTtl}`, evicted, this.#mark, `${sinceAdded}`]
    const keys = [this.#markKey, ...key]
    const answer = answerOf(await this.#run(`${keys.length}`, ...keys, ...known, ...entry))
    this.#mark = answer.mark
    return answer
  }

  async #run(...args: readonly string[]): Promise<unknown> {
    try {
      return await this.#commands.send(['EVALSHA', SHA, ...args])
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#commands.send(['EVAL', ADD_SCRIPT, ...args])
    }
  }
}

interface Answer {
  readonly outcome: number
  /** Milliseconds. */
  readonly wait: number
  readonly mark: string
}

const NEW = 1
const KNOWN = 0
const UNCERTAIN = -1

/** What isn't understood is neither new nor known. */
function answerOf(reply: unknown): Answer {
  const [outcome, wait, mark]: unknown[] = Array.isArray(reply) ? reply.map(numberOf) : []
  const isOutcome = outcome === NEW || outcome === KNOWN || outcome === UNCERTAIN
  if (isOutcome && typeof wait === 'number' && typeof mark === 'string') {
    return { outcome, wait, mark }
  }
  throw new Error('Redis gave an answer of another type: its client must answer with strings')
}

/** Some clients are told to write numbers as text. */
function numberOf(part: unknown): unknown {
  return typeof part === 'string' && /^-?\d+$/.test(part) ? Number(part) : part
}
