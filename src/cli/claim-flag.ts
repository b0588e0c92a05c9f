/** Reads the flag `--claim NAME=VALUE`, which several commands have. */
import { UsageError } from './exit-code.js'

/**
 * Returns the name and the value of the claim. The value is JSON. Text that is not JSON is a string,
 * unless it begins like a string, an array or an object of JSON.
 *
 * @throws {UsageError} if the flag has no name or no value, or the value is malformed JSON.
 */
export function readClaimFlag(given: string): readonly [name: string, value: unknown] {
  const [, name, text] = /^([^=]+)=(.+)$/s.exec(given) ?? []
  if (name === undefined || text === undefined) {
    throw new UsageError('--claim must be NAME=VALUE, such as --claim tenant=acme')
  }
  try {
    return [name, JSON.parse(text)]
  } catch {
    if (!/^\s*["[{]/.test(text)) return [name, text]
    throw new UsageError(
      'a value of --claim that begins with ", [ or { must be JSON within single quotes, such as --claim teams=\'["a","b"]\'',
    )
  }
}
