/**
 * Adding to a Redis whose memory may be gone. A server that was restarted, emptied or replaced by its
 * replica may have forgotten what was added, and would take it again: whoever can make it crash could
 * use everything twice. So each command says which life of which server it is for, and after a new
 * one has begun nothing is added until all that the old one could have known is over.
 *
 * Two things tell: a script, which a server keeps for one life and never on its disk, and a mark
 * among the entries, which goes with them to a replica and is gone when they are.
 */
import { createHash } from 'node:crypto'
import type { RedisCommands } from './redis-commands.js'

interface Server {
  /** Another one in each life. */
  readonly runId: string
  /** Not before its life began; milliseconds since the epoch. */
  readonly startedAt: number
}

interface Life {
  /** What the script is called in this life. */
  readonly sha: string
  /** Which life it is, and since when it has forgotten nothing. */
  readonly mark: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

const ADD = `
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return -1 end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`

export class RedisOnce {
  readonly #commands: RedisCommands
  readonly #markKey: string
  readonly #now: () => number
  #longestTtl = 0
  #life: Promise<Life> | undefined
  /** The life that was looked at last. */
  #runId: string | undefined

  constructor(commands: RedisCommands, markKey: string, now: () => number) {
    this.#commands = commands
    this.#markKey = markKey
    this.#now = now
  }

  expectTtl(longest: number): void {
    this.#longestTtl = Math.max(this.#longestTtl, longest)
  }

  /** @throws if the server may have forgotten what was under the key. */
  async add(key: string, value: string, ttl: string): Promise<boolean> {
    this.expectTtl(Number(ttl))
    const current = this.#current()
    const life = await current
    this.#requireMemory(life)
    const { sha, mark } = life
    const reply = await this.#commands
      .send(['EVALSHA', sha, '2', key, this.#markKey, value, ttl, mark])
      .catch((error: unknown) => {
        if (error instanceof Error && /^NOSCRIPT/.test(error.message)) return FORGOTTEN
        throw error
      })
    if (reply === 1) return true
    if (reply === 0) return false
    // Another call may have looked again meanwhile.
    if (this.#life === current) this.#life = undefined
    throw new Error('Redis was restarted, emptied or replaced, and may have forgotten entries')
  }

  #requireMemory({ since }: Life): void {
    const wait = since + this.#longestTtl - this.#now()
    // Written so that a clock that tells no time refuses.
    if (wait < 0) return
    throw new Error(
      `Redis may have forgotten entries: nothing is added for another ${Math.ceil(wait / 1_000)} s`,
    )
  }

  #current(): Promise<Life> {
    this.#life ??= this.#look().catch((error) => {
      this.#life = undefined
      throw error
    })
    return this.#life
  }

  async #look(): Promise<Life> {
    const server = await this.#server()
    const { runId } = server
    // With the life's name in it, so that it has another digest in each.
    const script = `-- ${runId} ${this.#markKey}${ADD}`
    const mark = await this.#marked(server, script)
    const sha = await this.#commands.send(['SCRIPT', 'LOAD', script])
    if ((await this.#server()).runId !== runId || typeof sha !== 'string') {
      throw new Error('Redis was restarted or replaced meanwhile')
    }
    this.#runId = runId
    return { sha, mark, since: Number(mark.split(' ')[1]) }
  }

  /** The mark of this life: the one that is there, or a new one. */
  async #marked({ runId, startedAt }: Server, script: string): Promise<string> {
    const isOfThisLife = (mark: unknown) =>
      typeof mark === 'string' && new RegExp(`^${runId} \\d+$`).test(mark)
    const found = await this.#commands.send(['GET', this.#markKey])
    if (isOfThisLife(found)) return found as string
    const isFirst = found === null && !(await this.#wasHere(runId, script))
    const mark = `${runId} ${Math.ceil(isFirst ? startedAt : this.#now())}`
    const unlessThere = found === null ? ['NX'] : []
    await this.#commands.send(['SET', this.#markKey, mark, ...unlessThere])
    const kept = await this.#commands.send(['GET', this.#markKey])
    if (isOfThisLife(kept)) return kept as string
    throw new Error('Redis was restarted or replaced meanwhile')
  }

  /** Whether the mark was taken away in this life: the script is loaded before anything is added. */
  async #wasHere(runId: string, script: string): Promise<boolean> {
    if (this.#runId === runId) return true
    const sha = createHash('sha1').update(script).digest('hex')
    const reply = await this.#commands.send(['SCRIPT', 'EXISTS', sha])
    return !(Array.isArray(reply) && reply[0] === 0)
  }

  async #server(): Promise<Server> {
    const info = String(await this.#commands.send(['INFO']))
    const runId = /^run_id:(\w+)/m.exec(info)?.[1]
    const uptime = /^uptime_in_seconds:(\d+)/m.exec(info)?.[1]
    if (runId === undefined || uptime === undefined) throw new Error('Redis does not say who it is')
    // Before, scripts were on the disk and on replicas as well, and would outlive what was lost.
    if (Number(/^redis_version:(\d+)/m.exec(info)?.[1]) < 7) {
      throw new Error('Redis 7 or Valkey is needed, or "afterRestart" must be \'trust\'')
    }
    const mayEvict = /^maxmemory:(?!0\b)/m.test(info) && !/^maxmemory_policy:noeviction/m.test(info)
    if (mayEvict) {
      throw new Error('Redis may forget entries to make room: set "maxmemory-policy noeviction"')
    }
    // What it began as a replica may have had an end that nobody here knows of.
    const wasReplica = !/^master_replid2:0+\s*$/m.test(info)
    return { runId, startedAt: this.#now() - (wasReplica ? 0 : atLeast(uptime)) }
  }
}

const FORGOTTEN = -1

/** Redis subtracts whole seconds, so that up to one of them may not be over: in milliseconds. */
function atLeast(uptime: string): number {
  return Math.max(0, Number(uptime) - 1) * 1_000
}
