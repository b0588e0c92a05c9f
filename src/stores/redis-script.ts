/**
 * Runs a Lua script atomically in Redis. Sends the script's text only if Redis has not cached it.
 */

import { createHash } from 'node:crypto'
import { isError } from '../base/native-error.js'
import type { RedisCommands } from './redis-commands.js'

export class RedisScript {
  readonly #commands: RedisCommands
  readonly #text: string
  readonly #sha: string

  constructor(commands: RedisCommands, text: string) {
    this.#commands = commands
    this.#text = text
    this.#sha = createHash('sha1').update(text).digest('hex')
  }

  run(keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return this.#commands.send(['EVALSHA', this.#sha, ...rest]).catch((error) => {
      if (!(isError(error) && error.message.startsWith('NOSCRIPT'))) throw error
      return this.#commands.send(['EVAL', this.#text, ...rest])
    })
  }
}
