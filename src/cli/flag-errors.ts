/** Replaces option names in error messages with the flags that set them. */
import type { Flags } from './command.js'
import { UsageError } from './exit-code.js'

/**
 * Calls `work` and returns its result.
 *
 * @throws {UsageError} if `work` throws a TypeError, which an invalid option causes. Other errors
 *   are rethrown unchanged.
 */
export async function withFlagNames<T>(flags: Flags, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(
      error.message.replace(/"([a-z][A-Za-z]*)"( option)?/g, (quoted, option: string) => {
        const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
        return Object.hasOwn(flags, flag) ? `--${flag}` : quoted
      }),
    )
  }
}
