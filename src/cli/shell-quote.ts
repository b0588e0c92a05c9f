/** Quotes arguments in the commands that the program suggests. */
import { printable } from './printable.js'

/**
 * Returns the argument as a POSIX shell reads it. A claim may contain shell syntax, so every
 * argument with other characters than those of URLs and names is quoted.
 */
export function shellQuote(argument: string): string {
  const text = printable(argument)
  return /^[\w.:/@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
