/**
 * Replaces option names in error messages with the flags that set them. The flag of a member of an
 * option is named after both (`--encryption-key` for `encryption.key`), or after the member alone.
 */
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
    // A flag has one value, and is repeated for several.
    const message = error.message.replace(
      'must be an array of one or more of',
      'must be one of these, with a flag for each:',
    )
    throw new UsageError(
      message.replace(OPTION, (quoted, option: string, index: string | undefined) => {
        const flag = flagOf(option, flags)
        if (flag === undefined) return quoted
        return index === undefined ? `--${flag}` : `--${flag} (value ${Number(index) + 1})`
      }),
    )
  }
}

/**
 * Matches the name of an option, of an element of it or of a member of its elements:
 * `"decryption.keys[0]" option`, `"clients[].name"`.
 */
const OPTION = /"(?:[a-z]+\[\]\.)?([a-z][A-Za-z.]*?)(?:s\[(\d)\])?"(?: option)?/g

function flagOf(option: string, flags: Flags): string | undefined {
  const names = option.split('.').map(kebabCase)
  return [names.join('-'), ...names.slice(-1)].find((name) => Object.hasOwn(flags, name))
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
